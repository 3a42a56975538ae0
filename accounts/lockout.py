"""What django-axes asks: whose login failed, and what a locked-out visitor is told.

Failures are counted per e-mail address and network address together, so that nobody can lock another person out.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

TOO_MANY_REQUESTS = 429


def login_name(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """Return the e-mail address that is being logged in with, in lower case; empty when there is none."""
    said = credentials or {}
    posted = request.POST.get("login") if request is not None else None
    return str(said.get("email") or said.get("username") or posted or "").strip().lower()


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """Answer a visitor whose logins failed too often."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    answer = render(request, "accounts/locked_out.html", {"minutes": minutes}, status=TOO_MANY_REQUESTS)
    answer["Retry-After"] = str(minutes * 60)
    return answer
