"""Bring a fresh machine to where `make run` and `make test` work; with nothing to do, touch no network.

Usage: bootstrap.py run | test. Standard library only: it runs before the virtual environment exists.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
RUN_REQUIREMENTS = CHECKOUT / "requirements.txt"
TEST_REQUIREMENTS = CHECKOUT / "requirements-dev.txt"
POSTGRES_REQUIREMENTS = CHECKOUT / "requirements-postgres.txt"


class CannotGoOn(Exception):
    """Something is missing that this script may not or cannot fetch; the message says what to install."""


def main(goal: str) -> None:
    make_venv()
    if goal == "test":
        install(TEST_REQUIREMENTS)
        provide_chromium()
    elif not is_installed(TEST_REQUIREMENTS):  # those contain the others
        install(RUN_REQUIREMENTS)
    provide_postgres()


def say(text: str) -> None:
    sys.stderr.write(f"· {text}\n")


def succeeds(*command: str | Path) -> bool:
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False).returncode == 0


def make_venv() -> None:
    if VENV_PYTHON.exists() and succeeds(VENV_PYTHON, "-m", "pip", "--version"):
        return
    say(f"making .venv with Python {sys.version.split()[0]}")
    result = make_venv_once()
    if result.returncode != 0 and debian_install(f"python3.{sys.version_info.minor}-venv"):
        result = make_venv_once()
    if result.returncode != 0:
        raise CannotGoOn(
            f"python -m venv .venv failed:\n{result.stdout.strip()}\n"
            f"On Debian or Ubuntu: apt-get install python3.{sys.version_info.minor}-venv"
        )


def make_venv_once() -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, "-m", "venv", "--clear", VENV]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def install(requirements: Path) -> None:
    """Install pinned packages unless these very pins are installed already."""
    if is_installed(requirements):
        return
    say(f"installing {requirements.name} into .venv")
    command: list[str | Path] = [
        VENV_PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    if requirements is POSTGRES_REQUIREMENTS:
        command.append("--no-deps")  # its programs are used, its Python is not
    if subprocess.run([*command, "-r", requirements], cwd=CHECKOUT, check=False).returncode != 0:
        raise CannotGoOn(f"pip could not install {requirements.name}; what it said stands above.")
    stamp_of(requirements).write_text(fingerprint(requirements))


def is_installed(requirements: Path) -> bool:
    stamp = stamp_of(requirements)
    return stamp.exists() and stamp.read_text() == fingerprint(requirements)


def stamp_of(requirements: Path) -> Path:
    return VENV / f".installed-{requirements.stem}"


def fingerprint(requirements: Path) -> str:
    files = [requirements] if requirements is POSTGRES_REQUIREMENTS else [RUN_REQUIREMENTS, requirements]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def provide_postgres() -> None:
    """See to it that a server can be started; the wheel asks for no rights and starts no service of its own."""
    if succeeds(VENV_PYTHON, "-m", "marketplace.postgres", "find"):
        return
    say("no PostgreSQL server programs found, taking those of a wheel")
    try:
        install(POSTGRES_REQUIREMENTS)
    except CannotGoOn:
        say("that failed")
    if not succeeds(VENV_PYTHON, "-m", "marketplace.postgres", "find"):
        debian_install("postgresql")
    if subprocess.run(
        [VENV_PYTHON, "-m", "marketplace.postgres", "find"], cwd=CHECKOUT, check=False
    ).returncode:
        raise CannotGoOn("There is no PostgreSQL to run.")


def provide_chromium() -> None:
    find = (VENV_PYTHON, "-m", "tests.chromium")
    if succeeds(*find):
        return
    debian_install("chromium", "fonts-dejavu-core")
    if subprocess.run(find, cwd=CHECKOUT, check=False).returncode != 0:
        raise CannotGoOn("The browser tests need Chromium.")


def debian_install(*packages: str) -> bool:
    """Install Debian packages where we may (root, or sudo without a password); tell whether that worked."""
    if shutil.which("apt-get") is None:
        return False
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if as_root and not (shutil.which("sudo") and succeeds("sudo", "-n", "true")):
        return False
    say(f"installing Debian packages: {' '.join(packages)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        command = [*as_root, "apt-get", *step]
        # apt's chatter goes to stderr: stdout belongs to what make was asked for
        if subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode != 0:
            return False
    return True


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except CannotGoOn as problem:
        raise SystemExit(f"{problem}") from None
