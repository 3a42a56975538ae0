"""ASGI entry point: pages over HTTP, live prices over WebSockets."""

import gc
import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import get_resolver

GC_ALLOCATIONS = 50_000  # telling a thousand sockets makes thousands of objects that need no collector

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
pages = get_asgi_application()

from auctions.routing import websocket_urlpatterns  # noqa: E402  # models load only once Django is set up

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns)),
    }
)

# Every view loads now rather than with the first page; and what start-up has built is set aside from garbage
# collection, which otherwise walks all of it in one go and holds up every socket meanwhile.
get_resolver().url_patterns  # noqa: B018  # reading it is what loads them
gc.collect()
gc.freeze()
gc.set_threshold(GC_ALLOCATIONS)
