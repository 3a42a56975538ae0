"""Under which account the server runs. Postgres refuses to run as root, so root hands it to another one."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")


class NoAccountForServer(Exception):
    """Running as root, and no unprivileged account exists to run Postgres under."""


@dataclass(frozen=True)
class Account:
    """A Unix account, and whether we must switch to it."""

    name: str
    uid: int
    gid: int
    is_other: bool

    def spawn_options(self) -> dict[str, Any]:
        """Return the arguments of `subprocess` that run a program under this account, with a bare environment."""
        kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
        options: dict[str, Any] = {"env": kept | {"LC_ALL": "C"}, "cwd": "/", "stdin": subprocess.DEVNULL}
        if self.is_other:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a program under this account to its end; stdout and stderr come back as one text in `stdout`."""
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self.spawn_options(),
        )

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this account may reach what lies in the folder."""
        return not self.is_other or self.run(["/bin/sh", "-c", 'test -x "$0"', folder]).returncode == 0

    def make_own(self, folder: Path) -> None:
        """Create the folder for this account alone (0700)."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.is_other:
            os.chown(folder, self.uid, self.gid)


def server_account(data: Path) -> Account:
    """Return ourselves, or as root the owner of the data, else the first of `postgres` and `nobody` that exists.

    Raises NoAccountForServer.
    """
    if os.geteuid() != 0:
        return Account(_own_name(), os.geteuid(), os.getegid(), is_other=False)
    owner = [pwd.getpwuid(data.stat().st_uid).pw_name] if data.exists() else []
    for name in (*owner, *UNPRIVILEGED_ACCOUNTS):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, is_other=True)
    raise NoAccountForServer(
        "Postgres does not run as root, and there is no account 'postgres' or 'nobody' to run it under. "
        "Create one (useradd --system postgres) or run this as an ordinary user."
    )


def connecting_names(account: Account) -> list[str]:
    """Return the Unix names that may connect: the server's own and ours."""
    return sorted({account.name, _own_name()})


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise NoAccountForServer(
            f"user id {os.geteuid()} has no name in /etc/passwd, which Postgres needs. Give it one, "
            "or set DATABASE_URL to a server of yours."
        ) from error
