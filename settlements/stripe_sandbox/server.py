"""Run the sandbox: in a thread of this process (tests), or as the whole process."""

import socket
import threading
from types import TracebackType

import uvicorn

from .app import build_app
from .sandbox import LOOPBACK_HOSTS, Sandbox, Settings, SettingsRejected
from .webhooks import RETRY_BASE_S

STOP_TIMEOUT_S = 10


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket on this machine's loopback (port 0: any free one)."""
    if host not in LOOPBACK_HOSTS:
        raise SettingsRejected(f"The Stripe sandbox listens on this machine only, not on {host}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(128)
    return listener


def uvicorn_server(sandbox: Sandbox, *, log_level: str) -> uvicorn.Server:
    config = uvicorn.Config(
        build_app(sandbox),
        log_level=log_level,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


class SandboxServer:
    """A sandbox on a free port in a thread, as a context manager.

    It is reachable as soon as the block is entered: connections wait in the listening socket.
    """

    def __init__(
        self,
        *,
        state: str = ":memory:",
        webhook_url: str | None = None,
        webhook_secret: str = "whsec_sandbox",  # noqa: S107  # a default for a server without real money
        api_key: str | None = None,
        retry_base_s: float = RETRY_BASE_S,
        port: int = 0,
    ) -> None:
        self._listener = listen("127.0.0.1", port)
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        settings = Settings(
            state=state,
            base_url=self.base_url,
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
            api_key=api_key,
            retry_base_s=retry_base_s,
        )
        self.sandbox = Sandbox(settings)
        self._server = uvicorn_server(self.sandbox, log_level="warning")
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), name="stripe-sandbox", daemon=True
        )

    def __enter__(self) -> "SandboxServer":
        self.sandbox.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.sandbox.faults.release()
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_S)
        self._listener.close()
        self.sandbox.stop()

    def reset(self) -> None:
        """Forget everything, as if just started."""
        self.sandbox.reset()
