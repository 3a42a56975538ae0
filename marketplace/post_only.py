"""Addresses that only take what a form sends, opened as a page: by a reload, or by the login after a session ended."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import Resolver404, resolve

API = "/api/"


def post_only_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Lead a person who opens such an address to the page above it, instead of an empty answer."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        answer = get_response(request)
        is_page = request.method == "GET" and not request.path.startswith(API)
        if answer.status_code != HTTPStatus.METHOD_NOT_ALLOWED or not is_page:
            return answer
        above = request.path.rstrip("/").rpartition("/")[0] + "/"
        return HttpResponseRedirect(above) if _is_address(above) else _nothing_here(answer)

    return middleware


def _is_address(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _nothing_here(answer: HttpResponseBase) -> HttpResponseBase:
    if isinstance(answer, HttpResponse) and not answer.content:
        answer.content = b"This address takes what a form sends. Nothing was done."
        answer["Content-Type"] = "text/plain; charset=utf-8"
    return answer
