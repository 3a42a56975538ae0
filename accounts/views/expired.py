"""What a person reads whose form came with a token that is not theirs any more (CSRF_FAILURE_VIEW)."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import page_of


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that nothing was done, and lead back to the form."""
    return render(request, "403_csrf.html", {"back_to": page_of(request)}, status=HTTPStatus.FORBIDDEN)
