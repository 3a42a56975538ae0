"""One call of a webhook: to the address that was looked at, with a deadline, without following redirects."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from notifications.addresses import AddressRefused, LookupBusy, Target, read_url, resolve

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
"""From the first packet to the last header; whoever takes longer answers too late."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: a status code, or what kept it from one. ``seconds`` is how long it took."""

    status_code: int | None
    said: str
    seconds: float

    @property
    def is_taken(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def call(url: str, *, body: str, headers: Mapping[str, str]) -> Answer:
    """POST a body and return what came of it. Never raises for what the other side does, but LookupBusy for ours."""
    began = monotonic()
    try:
        target = read_url(url)
        status_code = _post(target, resolve(target), body.encode(), headers, began)
    except LookupBusy:
        raise
    except AddressRefused as refused:
        return Answer(None, str(refused)[:300], monotonic() - began)
    except TimeoutError:
        return Answer(None, f"No answer within {TOTAL_SECONDS:g} s.", monotonic() - began)
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = monotonic() - began >= TOTAL_SECONDS
        said = f"No answer within {TOTAL_SECONDS:g} s." if late else f"{type(error).__name__}: {error}"
        return Answer(None, said[:300], monotonic() - began)
    said = "Redirects are not followed." if 300 <= status_code < 400 else ""
    return Answer(status_code, said, monotonic() - began)


def _post(target: Target, address: str, body: bytes, headers: Mapping[str, str], began: float) -> int:
    connection = _Connection(target, address)
    # A socket's own timeout begins anew with every byte; this one does not.
    watchdog = threading.Timer(max(0.0, began + TOTAL_SECONDS - monotonic()), connection.hang_up)
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request("POST", target.path, body=body, headers=dict(headers))
        return connection.getresponse().status
    finally:
        watchdog.cancel()
        connection.close()


class _Connection(http.client.HTTPConnection):
    """Connects to an address, and speaks to the host that the URL names: in the Host header and in TLS."""

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=TOTAL_SECONDS)
        self.default_port = target.port if target.is_usual_port else -1
        self._address = address
        self._context = ssl.create_default_context() if target.scheme == "https" else None

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), CONNECT_SECONDS)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)
        self.sock.settimeout(TOTAL_SECONDS)

    def hang_up(self) -> None:
        """End the call from another thread, whatever it waits for."""
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it ended by itself
