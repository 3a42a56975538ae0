"""A program that listens to webhooks: it answers as it is told, and remembers what came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """``answers`` are given in turn, the last one for good. ``gate`` holds answers back until it is set."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    drips: Callable[[BaseHTTPRequestHandler], None] | None = None


@contextmanager
def receiver(**how: object) -> Iterator[Receiver]:
    told = Receiver(**how)  # type: ignore[arg-type]
    told.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append((dict(self.headers), body))
            told.arrived.set()
            told.gate.wait(30)
            if told.drips is not None:
                return told.drips(self)
            code = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            self.send_response(code)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_address[1]}/hook?kept=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        told.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()
