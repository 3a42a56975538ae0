"""A webhook endpoint for tests: it records what arrives and answers as told."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

SECRET = "whsec_test"


@dataclass(frozen=True)
class Delivery:
    payload: bytes
    signature: str

    @property
    def event(self) -> stripe.Event:
        """The event, its signature verified by the real SDK."""
        return stripe.Webhook.construct_event(self.payload, self.signature, SECRET)


class Receiver:
    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.next_statuses: list[int] = []
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver._take(Delivery(payload, self.headers["Stripe-Signature"])))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/stripe/webhook/"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, delivery: Delivery) -> int:
        with self._changed:
            self.deliveries.append(delivery)
            self._changed.notify_all()
            return self.next_statuses.pop(0) if self.next_statuses else 200

    def types(self) -> list[str]:
        return [delivery.event.type for delivery in self.deliveries]

    def wait_for(self, met: Callable[["Receiver"], bool], *, timeout_s: float = 10) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: met(self), timeout_s), self.types()

    def wait_for_type(self, type_: str) -> stripe.Event:
        self.wait_for(lambda receiver: type_ in receiver.types())
        return next(delivery.event for delivery in self.deliveries if delivery.event.type == type_)
