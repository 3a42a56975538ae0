"""Small facts about Unix processes that the embedded database and `make run` share."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Return a `preexec_fn` by which Linux signals the child when its parent dies, however that comes about.

    The kernel watches the thread that starts the child, so start it from one that lives as long as the process.
    Elsewhere there is no such service and the answer is None: a killed parent then leaves its child behind.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask_kernel() -> None:
        if libc.prctl(PR_SET_PDEATHSIG, int(death_signal)) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask_kernel


def command_line(pid: int) -> str:
    """Return a running process's command line, or "" when there is no such process."""
    proc = Path("/proc")
    if (proc / "self" / "cmdline").exists():
        try:
            return (
                (proc / str(pid) / "cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
                .strip()
            )
        except (FileNotFoundError, ProcessLookupError):
            return ""
    ps = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return ps.stdout.strip()
