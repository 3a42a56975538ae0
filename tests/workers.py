"""Worker processes as they run in earnest, and waiting for what they do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from django.conf import settings

DEADLINE_SECONDS = 60


@contextmanager
def worker(database_url: str, *, log: IO[bytes] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker on the database, killing it at the end. What it logs goes to ``log``, where one is given."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_worker"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url},
        stderr=log,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(happened: Callable[[], bool], what: str) -> None:
    """Ask again and again until ``happened``; fail with ``what`` after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)
