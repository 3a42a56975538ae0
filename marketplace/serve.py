"""make run: the whole of Sparegrid from one terminal, on this machine alone.

Postgres (unless DATABASE_URL names one), the migrations, the demo's accounts, then the web server, the worker and,
without Stripe keys, the sandbox. What it needs to know stands in env.example; what it makes up for itself (secrets,
data) in `.data/`.
"""

import asyncio
import fcntl
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import environ

from marketplace.paths import CHECKOUT, data_dir
from marketplace.postgres import ClusterError, EmbeddedCluster, checkout_cluster
from marketplace.postgres.account import NoAccountForServer
from marketplace.postgres.binaries import ServerNotFound
from marketplace.supervisor import Program, ProgramFailed, Supervisor

DEFAULT_PORT = 8000
WEB_POOL_SIZE = "16"  # connections
DATABASE_WATCH_SECONDS = 1.0
MAIL_TO_FILES = "django.core.mail.backends.filebased.EmailBackend"
DEMO_ACCOUNTS = ("seller", "buyer", "finance", "operator")


class CannotServe(Exception):
    """Nothing was started; the message says why."""


@dataclass(frozen=True)
class Plan:
    """What this run consists of."""

    port: int
    sandbox_port: int | None  # None: Stripe itself
    is_demo: bool
    environment: dict[str, str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


def main() -> int:
    environ.Env.read_env(CHECKOUT / ".env", overwrite=False)
    try:
        port = chosen_port()
        with only_run_here(port):
            refuse_taken_port(port)
            run(port)
    except (CannotServe, ClusterError, NoAccountForServer, ProgramFailed, ServerNotFound) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run(port: int) -> None:
    """Start the database and all that uses it; return when all of it has stopped again."""
    (CHECKOUT / "staticfiles").mkdir(exist_ok=True)  # whitenoise warns at each start otherwise
    if given := os.environ.get("DATABASE_URL"):
        asyncio.run(serve(plan_run(port, database_url=given), cluster=None))
        return
    cluster = checkout_cluster()
    is_ours = cluster.start(die_with_us=True)
    try:
        asyncio.run(serve(plan_run(port, database_url=cluster.url), cluster))
    finally:
        if is_ours:  # one that `make db` started goes on
            cluster.stop()


def plan_run(port: int, *, database_url: str) -> Plan:
    needs_sandbox = not os.environ.get("STRIPE_SECRET_KEY")
    sandbox_port = free_port() if needs_sandbox else None
    environment = {
        "STATIC_FROM_SOURCE": "true",
        "SECRET_KEY": kept_secret("secret_key"),
        "HANDOVER_KEYS": kept_secret("handover_key"),
        "SITE_URL": f"http://127.0.0.1:{port}",
        "EMAIL_BACKEND": MAIL_TO_FILES,
        "WEBHOOK_PRIVATE_ADDRESSES": "true" if needs_sandbox else "false",
        "EMAIL_FILE_PATH": str(mail_dir()),
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "PYTHONUNBUFFERED": "1",
    }
    if sandbox_port is not None:
        environment |= {
            "STRIPE_SANDBOX_URL": f"http://127.0.0.1:{sandbox_port}",
            "STRIPE_SANDBOX_KEY": "sk_test_sandbox",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{kept_secret('stripe_webhook_secret')}",
        }
    is_demo = needs_sandbox and environ.Env().bool("DEMO", default=True)
    return Plan(port, sandbox_port, is_demo, environment)


async def serve(plan: Plan, cluster: EmbeddedCluster | None) -> None:
    """Run the plan until a signal or a failure. Raises ProgramFailed."""
    supervisor = Supervisor(plan.environment)

    async def bring_up() -> None:
        if cluster is not None:
            supervisor.keep_watch(watch(cluster))
        await supervisor.run_once(manage("migrate", "migrate", "--noinput", "-v", "0"))
        if plan.sandbox_port is not None:
            await supervisor.start(sandbox(plan, plan.sandbox_port))
        if plan.is_demo:
            await supervisor.run_once(manage("seed", "seed_demo"))
        await supervisor.start(web(plan))
        await supervisor.start(manage("worker", "run_worker"))
        if plan.is_demo:
            await supervisor.start(manage("demo", "run_demo_market"))
        announce(plan, supervisor)

    await supervisor.run(bring_up)


async def watch(cluster: EmbeddedCluster) -> None:
    """Return never; raise ProgramFailed once the database is gone, as nothing works without it."""
    while cluster.running_pid() is not None:
        await asyncio.sleep(DATABASE_WATCH_SECONDS)
    raise ProgramFailed(f"Postgres has ended; see {cluster.log}")


def manage(name: str, *arguments: str) -> Program:
    return Program(name, [sys.executable, str(CHECKOUT / "manage.py"), *arguments])


def web(plan: Plan) -> Program:
    command = [sys.executable, "-m", "uvicorn", "marketplace.asgi:application", "--host", "127.0.0.1"]
    command += [
        "--port",
        str(plan.port),
        "--lifespan",
        "off",
        "--no-access-log",
        "--timeout-graceful-shutdown",
        "2",
        # Prices are small frames to many sockets: compressing each for each costs far more than it saves.
        "--ws-per-message-deflate",
        "false",
        "--ws-max-size",
        "65536",
    ]
    return Program(
        "web", command, plan.port, {"DATABASE_POOL_SIZE": os.environ.get("DATABASE_POOL_SIZE", WEB_POOL_SIZE)}
    )


def sandbox(plan: Plan, port: int) -> Program:
    command = [sys.executable, "-m", "settlements.stripe_sandbox", "--port", str(port)]
    command += ["--state", str(data_dir() / "stripe_sandbox.sqlite3")]
    command += ["--api-key", plan.environment["STRIPE_SANDBOX_KEY"]]
    command += ["--webhook-url", f"{plan.address}stripe/webhook/"]
    command += ["--webhook-secret", plan.environment["STRIPE_WEBHOOK_SECRET"]]
    return Program("stripe", command, port)


def announce(plan: Plan, supervisor: Supervisor) -> None:
    supervisor.log.write("sparegrid", f"Sparegrid runs at {plan.address}")
    if plan.sandbox_port is not None:
        supervisor.log.write("sparegrid", "TEST MODE: Stripe is a sandbox on this machine, no money moves")
    if plan.environment["EMAIL_BACKEND"] == MAIL_TO_FILES:
        mails = plan.environment["EMAIL_FILE_PATH"]
        supervisor.log.write("sparegrid", f"E-mails go to nobody: they are written to {mails}")
    if plan.is_demo:
        accounts = ", ".join(f"{name}@demo.sparegrid.example" for name in DEMO_ACCOUNTS)
        supervisor.log.write("sparegrid", f"Log in as {accounts}; password: sparegrid")
    supervisor.log.write("sparegrid", "Ctrl-C stops all of it; the data stays")


def chosen_port() -> int:
    """Return $PORT or 8000. Raises CannotServe."""
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CannotServe(f"PORT={text} is no port number (1 to 65535).")
    return int(text)


def refuse_taken_port(port: int) -> None:
    """Raise CannotServe unless we can listen there, before anything is started."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except PermissionError:
        raise CannotServe(
            f"Port {port} is not for this account; choose one above 1023: PORT=8123 make run"
        ) from None
    except OSError:
        other = 8123 if port != 8123 else DEFAULT_PORT
        raise CannotServe(f"Port {port} is taken. Choose another: PORT={other} make run") from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def only_run_here(port: int) -> Iterator[None]:
    """Hold this checkout's data for one run. Raises CannotServe when another holds it."""
    data_dir().mkdir(parents=True, exist_ok=True)
    note = data_dir() / "run.lock"
    with note.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotServe(
                f"Sparegrid runs from this checkout already ({note.read_text().strip()})."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, http://127.0.0.1:{port}/\n")
        lock.flush()
        yield


def mail_dir() -> Path:
    """Where a local run writes its e-mails, one file each, unless EMAIL_BACKEND names a way to send them."""
    return data_dir() / "mail"


def kept_secret(name: str) -> str:
    """Return a secret of this checkout, made up the first time it is asked for."""
    path = data_dir() / "secrets" / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_urlsafe(48))
        partial.replace(path)
    return path.read_text()


if __name__ == "__main__":
    raise SystemExit(main())
