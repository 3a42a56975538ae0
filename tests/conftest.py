"""Django set up for tests, and a throw-away Postgres that starts with the first test that asks for the database.

`SPAREGRID_TEST_DATABASE_URL`, else `DATABASE_URL`, names a running server to use instead; each run makes a database
of its own in it.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import django
import pytest
import pytest_django
from django.apps import apps
from django.conf import settings
from django.db import connection

from marketplace.audit import NEVER_TRUNCATED
from marketplace.postgres import EmbeddedCluster, temporary_cluster
from settlements.stripe_sandbox.server import SandboxServer

environment_at_start = dict(os.environ)
SHARED_SERVER_URL = os.environ.get("SPAREGRID_TEST_DATABASE_URL") or os.environ.get("DATABASE_URL")

# Here and not in a hook: conftest files further down import models, and do so right after this one is read.
until_the_end = ExitStack()
own_cluster = None if SHARED_SERVER_URL else until_the_end.enter_context(temporary_cluster())
os.environ["DATABASE_URL"] = SHARED_SERVER_URL or own_cluster.url
os.environ["STATIC_FROM_SOURCE"] = "true"
os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings"
django.setup()
settings.PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
]  # logging in is not what is tested


def pytest_configure(config: pytest.Config) -> None:
    """Let processes that run tests for this one (pytest -n) begin as it did, and have a server of their own each."""
    if config.getoption("numprocesses", None):
        for name in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE"):
            if name not in environment_at_start:
                del os.environ[name]


def pytest_unconfigure() -> None:
    until_the_end.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Have a server before pytest-django makes the test database in it."""
    if own_cluster is not None:
        own_cluster.start(die_with_us=True)
    else:
        connection.settings_dict["TEST"]["NAME"] = f"test_sparegrid_{os.getpid()}"


@pytest.fixture(scope="session")
def running_database_url(django_db_setup: None) -> str:
    """The address of the test database, for programs that a test starts (pass it as their DATABASE_URL)."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


@pytest.fixture(scope="session")
def own_database_server(running_database_url: str) -> EmbeddedCluster:
    """The Postgres of these tests alone, to be stopped and started again."""
    if own_cluster is None:
        pytest.skip("the server is not ours to restart")
    return own_cluster


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> None:
    """Let tests that commit be cleaned up after: they end with a TRUNCATE, which ledger and audit trail refuse.

    test_ledger_guards.py and test_audit.py switch the guards on again to attack them.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in (
            "settlements_account",
            "settlements_accountbalance",
            "settlements_transaction",
            "settlements_entry",
            "settlements_balancemovement",
            "settlements_closedperiod",
        ):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ledger_never_truncated")
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE starts_with(tgname, %s)",
            [f"pgtrigger_{NEVER_TRUNCATED}_"],
        )
        for table, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    # The TRUNCATE leaves out what Django does not manage: the jobs that one test would leave to the next.
    for model in apps.get_app_config("procrastinate").get_models():
        model._meta.managed = True


@pytest.fixture(scope="session")
def running_stripe_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def stripe_sandbox(running_stripe_sandbox: SandboxServer, settings: pytest_django.Settings) -> SandboxServer:
    """An empty Stripe sandbox without webhooks, which the settings point to. Its tests commit (transaction=True)."""
    running_stripe_sandbox.reset()
    settings.STRIPE_SECRET_KEY = ""
    settings.STRIPE_SANDBOX_URL = running_stripe_sandbox.base_url
    settings.STRIPE_MAX_NETWORK_RETRIES = 0
    return running_stripe_sandbox
