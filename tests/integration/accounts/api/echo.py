"""A small API on the kernel, mounted by the kernel's own tests: it counts how often its work is done."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from django.urls import include, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import organization_of
from accounts.api.idempotency import idempotent
from accounts.api.problems import refusal
from accounts.holds import LimitExceeded
from accounts.models import ApiKey
from marketplace.states import IllegalTransition


class LineSerializer(serializers.Serializer):
    units = serializers.IntegerField(min_value=1)


class EchoSerializer(serializers.Serializer):
    text = serializers.CharField(max_length=20)
    lines = LineSerializer(many=True, required=False)


@dataclass
class Work:
    """How often the work was done, and what it does while it is at it."""

    n_done: int = 0
    meanwhile: Callable[[], None] = lambda: None
    running: threading.Event = field(default_factory=threading.Event)


work = Work()


class EchoView(APIView):
    def get(self, request: Request) -> Response:
        return Response(
            {
                "organization": organization_of(request).slug,
                "user": request.user.email,
                "by_key": isinstance(request.auth, ApiKey),
            }
        )

    @idempotent
    def post(self, request: Request) -> Response:
        said = EchoSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        work.meanwhile()
        work.n_done += 1
        return Response({"text": said.validated_data["text"], "n_done": work.n_done}, status=201)


RAISES = {
    "http404": Http404("secret internals"),
    "denied": PermissionDenied("Only traders may."),
    "django": DjangoValidationError({"units": DjangoValidationError("Too few.", code="too_few")}),
    "limit": LimitExceeded(limit_cents=10_000, held_cents=4_000, asked_cents=7_000),
    "state": IllegalTransition(source="withdrawn", target="listed"),
    "refusal": refusal("Not a multiple of 8.", field="units", code="not_a_multiple"),
    "bug": KeyError("nobody expects this"),
}


class RaiseView(APIView):
    def get(self, request: Request, name: str) -> Response:
        raise RAISES[name]


urlpatterns = [
    path("api/v1/echo/", EchoView.as_view()),
    path("api/v1/raise/<str:name>/", RaiseView.as_view()),
    path("", include("marketplace.urls")),
]
handler404 = "accounts.api.problems.page_not_found"
handler500 = "accounts.api.problems.server_error"
