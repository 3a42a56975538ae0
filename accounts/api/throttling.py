"""How many requests a minute: counted per organization (else per address), in the cache of the web process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:  # DRF reads its settings, and so this module, while it imports its views
    from rest_framework.views import APIView

WINDOW_SECONDS = 60


class MinuteThrottle(BaseThrottle):
    """Refuse with 429 and Retry-After what exceeds this minute's share."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        organization = getattr(request, "organization", None) if request.user.is_authenticated else None
        who = f"organization:{organization.pk}" if organization else f"address:{self.get_ident(request)}"
        share = (
            settings.API_REQUESTS_PER_MINUTE if organization else settings.API_ANONYMOUS_REQUESTS_PER_MINUTE
        )
        minute, self.seconds_gone = divmod(int(timezone.now().timestamp()), WINDOW_SECONDS)
        key = f"api-throttle:{who}:{minute}"
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        return cache.incr(key) <= share

    def wait(self) -> float:
        return WINDOW_SECONDS - self.seconds_gone
