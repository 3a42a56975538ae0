"""A whole Sparegrid for a test: web, worker and Stripe sandbox as `make run` starts them, on the test database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

STOP_SECONDS = 20


@contextmanager
def running_market(database_url: str, data_dir: Path) -> Iterator[str]:
    """Start everything but Postgres and the demo's own traders; give the address; stop it all."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "marketplace.serve"],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "SPAREGRID_DATA_DIR": str(data_dir),
            "PORT": str(port),
            "DEMO": "false",
            "STRIPE_SECRET_KEY": "",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for_line(process, "Sparegrid runs at")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=STOP_SECONDS)


def wait_for_line(process: subprocess.Popen[str], wanted: str) -> None:
    assert process.stdout is not None
    heard = []
    for line in process.stdout:
        heard.append(line)
        if wanted in line:
            return
    raise AssertionError(f"it ended without saying {wanted!r}:\n{''.join(heard)}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
