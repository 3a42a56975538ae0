"""The web process as it runs in earnest: uvicorn in a process of its own, on the database of the tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 15


class WebProcess:
    """Serves on a port that stays taken between ``stop`` and ``start``, so that a page finds it again."""

    def __init__(self, *, database_url: str, **environment: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        # With DEBUG static files are served straight from the checkout.
        self._environment = os.environ | {"DATABASE_URL": database_url, "DEBUG": "true"} | environment
        self._process: subprocess.Popen[bytes] | None = None
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.host}"

    def start(self) -> None:
        """Start it; requests made before it is up wait at the listening socket."""
        descriptor = self._listener.fileno()
        command = [sys.executable, "-m", "uvicorn", "marketplace.asgi:application", "--fd", str(descriptor)]
        command += ["--lifespan", "off", "--no-access-log", "--log-level", "warning"]
        command += ["--timeout-graceful-shutdown", "2", "--ws-per-message-deflate", "false"]
        self._process = subprocess.Popen(command, cwd=CHECKOUT, env=self._environment, pass_fds=[descriptor])

    def stop(self) -> int:
        """End it as a supervisor does; return its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(STOP_SECONDS)
        self._process = None
        return status

    def close(self) -> None:
        if self._process is not None:
            self.stop()
        self._listener.close()
