"""How the embedded server is set up: its settings, who may connect, where its socket is."""

import locale
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from marketplace.postgres.binaries import Server

DATABASE = "sparegrid"
PORT = 5432  # only part of the socket's file name: every cluster has a socket folder of its own
LONGEST_SOCKET_PATH_BYTES = 103  # macOS; Linux allows four more

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "jit": "off",  # costs more than it saves on short queries
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1s",
    "log_line_prefix": "%m [%p] ",
}
THROW_AWAY_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "128MB",
}


@dataclass(frozen=True)
class Configuration:
    """One start of a server: the cluster in `home`, answering in the `socket` folder."""

    home: Path
    socket: Path
    durable: bool

    def write_access_files(self, names: Iterable[str]) -> None:
        """Let these Unix accounts connect, whom the kernel vouches for, and nobody else."""
        replace_text(self._access, "local all all peer map=us\n")
        replace_text(self._names, "".join(f'us "{name}" {DATABASE}\n' for name in names))

    def command(self, server: Server) -> list[str]:
        """Return the command line of the server."""
        settings = SETTINGS | ({} if self.durable else THROW_AWAY_SETTINGS)
        settings |= {
            "unix_socket_directories": str(self.socket),
            "hba_file": str(self._access),
            "ident_file": str(self._names),
        }
        return [
            str(server.bin / "postgres"),
            *("-D", str(self.home / "data")),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]

    @property
    def _access(self) -> Path:
        return self.home / "pg_hba.conf"

    @property
    def _names(self) -> Path:
        return self.home / "pg_ident.conf"


def initdb_command(server: Server, data: Path, *, durable: bool) -> list[str | Path]:
    """Return the command that makes an empty cluster."""
    command: list[str | Path] = [server.bin / "initdb", "-D", data, "-U", DATABASE]
    command += ["--encoding=UTF8", f"--locale={_locale()}", "--auth=peer"]
    return command if durable else [*command, "--no-sync"]


def socket_url(folder: Path) -> str:
    """Return the address of the database by a socket in the folder, as libpq and django-environ read it."""
    return f"postgresql://{DATABASE}@:{PORT}/{DATABASE}?host={quote(str(folder))}"


def fits_socket(folder: Path) -> bool:
    """Tell whether a socket in the folder has a path that the kernel accepts."""
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH_BYTES


def replace_text(path: Path, text: str) -> None:
    """Write a file at once, readable by the server's account."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text)
    partial.chmod(0o644)
    partial.replace(path)


def _locale() -> str:
    """Return the UTF-8 locale that sorts by code point, where the machine has it."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"
