"""The command's standard output holds what the command says, whatever a solver's C code prints beside it."""

import subprocess
import sys

from django.conf import settings

NOISY = """
import ctypes, sys
from auctions.engine.__main__ import keep_stdout_clean
keep_stdout_clean()
ctypes.CDLL(None).printf(b"noise from C\\n")
sys.stdout.write("ours\\n")
ctypes.CDLL(None).printf(b"more of it\\n")
"""


class TestStandardOutput:
    def test_is_kept_from_what_c_code_prints(self) -> None:
        run = subprocess.run(
            [sys.executable, "-c", NOISY], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
        )

        assert run.stdout == "ours\n"
        assert "noise from C" in run.stderr
        assert "more of it" in run.stderr
