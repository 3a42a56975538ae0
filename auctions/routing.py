"""Addresses of the WebSockets."""

from channels.sessions import CookieMiddleware
from django.urls import path, re_path

from auctions.consumers import BoardConsumer, OwnConsumer, no_such_feed

# The own feed reads the session itself, when it opens and again while it is open; so it needs the cookies only, and
# the board, which anyone may read, costs no query.
websocket_urlpatterns = [
    path("ws/board/", BoardConsumer.as_asgi()),
    path("ws/own/", CookieMiddleware(OwnConsumer.as_asgi())),
    re_path("", no_such_feed),  # type: ignore[arg-type]  # an ASGI application, as URLRouter wants it
]
