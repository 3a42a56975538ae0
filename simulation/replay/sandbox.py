"""A Stripe sandbox of the replay's own, and the refusals that keep a replay away from anybody else's money or data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection

from accounts.models import Organization
from marketplace.db import database_now
from settlements.stripe_sandbox.server import SandboxServer

HEARTBEAT_GRACE = timedelta(seconds=10)
"""A worker that was heard of within this time counts as running; they report every 2 s (marketplace/worker.py)."""


class ReplayRefused(Exception):
    """A replay must not run here; the message says why and what to do."""


def require_safe_place(*, here: bool) -> None:
    """Raise ReplayRefused on a live Stripe key, another's organizations (unless ``here``), or a running worker."""
    if settings.STRIPE_SECRET_KEY:
        raise ReplayRefused(
            "STRIPE_SECRET_KEY is set. A replay charges cards and only ever does so in the sandbox: unset it."
        )
    n_organizations = Organization.objects.count()
    if n_organizations and not here:
        raise ReplayRefused(
            f"This database holds {n_organizations} organizations. Use `make replay`, which brings a throw-away "
            f"database, or add --here to put the replay's rows beside them."
        )
    if _worker_runs():
        raise ReplayRefused(
            "A worker runs on this database and would take the replay's steps from it: stop it first."
        )


@contextmanager
def own_sandbox() -> Iterator[None]:
    """Run a sandbox on a free port of this machine and have the gateway speak to it."""
    before = settings.STRIPE_SANDBOX_URL
    with SandboxServer() as server:
        settings.STRIPE_SANDBOX_URL = server.base_url
        try:
            yield
        finally:
            settings.STRIPE_SANDBOX_URL = before


def _worker_runs() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > %s)",
            [database_now() - HEARTBEAT_GRACE],
        )
        (runs,) = cursor.fetchone()
    return bool(runs)
