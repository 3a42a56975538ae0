"""The embedded cluster: made once, started, reused while it runs, stopped; its data stays.

    home/data           the cluster; made as data.new and renamed, so it is complete or not there
    home/socket         the Unix socket; reachable by the server's account (0700) and root
    home/server.log     of the last start (the one before: server.log.1)
    home/url            where it answers

As root the server's account may be unable to enter the checkout (/root is 0700). Then the home is made in /var/lib
and `.data/postgres` is a link to it.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from marketplace.postgres.account import Account, connecting_names, server_account
from marketplace.postgres.binaries import Server, find_server
from marketplace.postgres.configuration import (
    DATABASE,
    Configuration,
    fits_socket,
    initdb_command,
    replace_text,
    socket_url,
)
from marketplace.processes import command_line, die_with_parent

START_TIMEOUT_SECONDS = 120.0  # recovery after a crash included
OLD_SERVER_TIMEOUT_SECONDS = 10.0
STOP_TIMEOUT_SECONDS = 20.0
POLL_SECONDS = 0.05
LOG_TAIL_LINES = 15


class ClusterError(Exception):
    """The cluster cannot be started, stopped or reached; the message says what to do."""


class EmbeddedCluster:
    """A Postgres cluster in a folder of ours. `durable=False` trades safety against a crash for speed."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home
        self.durable = durable
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the cluster answers while it runs."""
        recorded = self.home / "url"
        return recorded.read_text().strip() if recorded.exists() else socket_url(self._home_socket)

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def running_pid(self) -> int | None:
        """Return the server's process id, or None: a pid file left by a crash counts for nothing."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        except PermissionError as error:
            raise ClusterError(f"{self._data} belongs to another account: run this as that one.") from error
        return pid if f"-D {self._data} " in command_line(pid) else None

    def start(self, *, die_with_us: bool = False) -> bool:
        """Start the server unless it runs, and wait until it answers. Tell whether this call started it.

        With `die_with_us` the server stops when this process ends, even by kill -9 (Linux).
        Raises ClusterError, ServerNotFound, NoAccountForServer.
        """
        with self._locked():
            account = self._make_home()
            if self.running_pid() is not None and self._answers():
                return False
            self._forget_stale_pid()
            server = self._find_server(account)
            if not self._data.exists():
                self._initialise(server, account)
            self._launch(server, account, die_with_us=die_with_us)
            self._create_database()
            return True

    def find_server(self) -> Server:
        """Return the programs that would run this cluster. Raises ServerNotFound, NoAccountForServer."""
        with self._locked():
            return self._find_server(self._make_home())

    def stop(self) -> None:
        """Stop the server if it runs: clients are cut off, what they committed stays."""
        if not self.home.exists():
            return
        with self._locked():
            pid = self.running_pid()
            if pid is not None:
                self._end(pid)
            if self._process is not None:
                self._process.wait(timeout=STOP_TIMEOUT_SECONDS)
                self._process = None
            socket = self._recorded_socket()
            if socket is not None and socket != self._home_socket:
                shutil.rmtree(socket, ignore_errors=True)
            (self.home / "url").unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop the server and delete its data for good."""
        self.stop()
        home = self.home.resolve()
        if home.exists():
            shutil.rmtree(home)
        if self.home.is_symlink():
            self.home.unlink()

    # --- the folder

    @property
    def _data(self) -> Path:
        return self.home.resolve() / "data"

    @property
    def _home_socket(self) -> Path:
        return self.home.resolve() / "socket"

    def _find_server(self, account: Account) -> Server:
        version = self._data / "PG_VERSION"
        major = int(version.read_text()) if version.exists() else None
        return find_server(account, copies=self.home.resolve() / "server", major=major)

    def _make_home(self) -> Account:
        """Make the folder if need be, in a place that the server's account can enter, and return that account."""
        if self.home.is_symlink() and not self.home.exists():
            raise ClusterError(
                f"{self.home} points to {self.home.resolve()}, which is gone. "
                f"Remove the link to begin with an empty database."
            )
        account = server_account(self._data)
        if not self.home.exists():
            if account.can_enter(self.home.parent):
                self.home.mkdir()
            else:
                self.home.symlink_to(tempfile.mkdtemp(prefix="sparegrid-", dir="/var/lib"))
            self.home.chmod(0o711 if account.is_other else 0o700)
        return account

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time make, start or stop this cluster."""
        self.home.parent.mkdir(parents=True, exist_ok=True)
        with closing(_Lock(self.home.with_name(f"{self.home.name}.lock"))):
            yield

    def _forget_stale_pid(self) -> None:
        """Remove what a crashed server left: Postgres takes any live process of that number for a server.

        Its other guard, the shared memory that children of the old server may still hold, stays.
        """
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        for leftover in self._home_socket.glob(".s.PGSQL.*"):
            leftover.unlink()

    def _initialise(self, server: Server, account: Account) -> None:
        partial = self._data.with_name("data.new")
        shutil.rmtree(partial, ignore_errors=True)
        account.make_own(partial)
        result = account.run(initdb_command(server, partial, durable=self.durable))
        if result.returncode != 0:
            raise ClusterError(f"initdb failed ({result.returncode}):\n{result.stdout.strip()}")
        partial.rename(self._data)

    # --- the server

    def _launch(self, server: Server, account: Account, *, die_with_us: bool) -> None:
        socket = self._make_socket_folder(account)
        configuration = Configuration(self.home.resolve(), socket, durable=self.durable)
        configuration.write_access_files(connecting_names(account))
        replace_text(self.home / "url", socket_url(socket) + "\n")
        if self.log.exists():
            self.log.replace(self.log.with_name("server.log.1"))
        options = account.spawn_options()
        if die_with_us:
            options["preexec_fn"] = die_with_parent(signal.SIGINT if self.durable else signal.SIGQUIT)
        patience = time.monotonic() + OLD_SERVER_TIMEOUT_SECONDS
        while True:
            with self.log.open("wb") as log:
                # A session of its own: Ctrl-C in the terminal is not for the database.
                self._process = subprocess.Popen(
                    configuration.command(server), stdout=log, stderr=log, start_new_session=True, **options
                )
            if self._answers():
                return
            # After kill -9 the old server's children need a moment to notice and let go.
            if "is still in use" not in self.log.read_text() or time.monotonic() > patience:
                raise ClusterError(self._failure(f"Postgres ended ({self._process.returncode})"))
            time.sleep(POLL_SECONDS)

    def _make_socket_folder(self, account: Account) -> Path:
        """Return a folder for the socket: in the home, or where that path is too long for a socket, in /tmp."""
        socket = self._home_socket
        if fits_socket(socket):
            account.make_own(socket)
            return socket
        short = Path(tempfile.mkdtemp(prefix="sparegrid-", dir="/tmp"))
        if account.is_other:
            os.chown(short, account.uid, account.gid)
        return short

    def _recorded_socket(self) -> Path | None:
        host = psycopg.conninfo.conninfo_to_dict(self.url).get("host")
        return Path(str(host)) if host else None

    def _answers(self) -> bool:
        """Wait until the server answers; tell whether it did before it ended."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                psycopg.connect(self.url, dbname="postgres", connect_timeout=5).close()
                return True
            except psycopg.OperationalError as error:
                if self._has_ended():
                    return False
                if "authentication failed" in str(error) or time.monotonic() > deadline:
                    self._give_up()
                    raise ClusterError(self._failure(f"Postgres does not answer: {error}")) from error
            time.sleep(POLL_SECONDS)

    def _has_ended(self) -> bool:
        """Tell whether the server we started, or the one we found running, is gone."""
        if self._process is not None:
            return self._process.poll() is not None
        return self.running_pid() is None

    def _give_up(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=STOP_TIMEOUT_SECONDS)

    def _failure(self, what: str) -> str:
        tail = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join([f"{what}. The end of {self.log}:", *(f"  {line}" for line in tail)])

    def _create_database(self) -> None:
        with psycopg.connect(self.url, dbname="postgres", autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _end(self, pid: int) -> None:
        """Stop politely (fast shutdown), then at once (recovered from at the next start)."""
        for how in (signal.SIGINT, signal.SIGQUIT) if self.durable else (signal.SIGQUIT,):
            os.kill(pid, how)
            deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
            while time.monotonic() < deadline:
                if self._process is not None:
                    self._process.poll()
                if not command_line(pid):
                    return
                time.sleep(POLL_SECONDS)
        raise ClusterError(self._failure(f"Postgres (process {pid}) does not stop"))


class _Lock:
    """An exclusive lock on a file until closed. Read-only, so that root's file serves an ordinary user too."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def close(self) -> None:
        os.close(self._descriptor)
