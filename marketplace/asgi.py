"""ASGI entry point: pages over HTTP, live prices over WebSockets."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

application = ProtocolTypeRouter({"http": get_asgi_application()})
