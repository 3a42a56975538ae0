"""One scene for a module's forms, kept in the database until the module ends: nothing here is to be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from pytest_django import DjangoDbBlocker

from accounts.models import BiddingLimit
from settlements.models import Dispute, Settlement
from settlements.operations.disputes import bearing_of
from settlements.queries.collecting import collection_of
from settlements.queries.settlements import listed
from settlements.stripe_sandbox.server import SandboxServer
from tests.browser.scene import set_scene
from tests.integration.settlements.payout_steps import deliver, paid_settlement
from tests.integration.settlements.test_disputes import at_stripe, decide, disputed_settlement


@pytest.fixture(scope="module")
def scene(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, running_stripe_sandbox: SandboxServer
) -> Iterator[SimpleNamespace]:
    running_stripe_sandbox.reset()
    stripe = override_settings(
        STRIPE_SECRET_KEY="",
        STRIPE_SANDBOX_URL=running_stripe_sandbox.base_url,
        STRIPE_MAX_NETWORK_RETRIES=0,
        TRANSFER_FOUR_EYES_CENTS=9_500,
        ACCOUNT_RATE_LIMITS=False,
    )
    with django_db_blocker.unblock(), stripe:
        yield _set(running_stripe_sandbox)
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)


def _set(sandbox: SandboxServer) -> SimpleNamespace:
    scene = set_scene()
    scene.sandbox = sandbox
    scene.type_slug, scene.region = scene.product.slug, scene.site.region
    scene.step_what, scene.step_where, scene.step_when, scene.step_reserve = (
        "what",
        "where",
        "when",
        "reserve",
    )
    scene.nobody = 999_999_999
    scene.other_limit = (
        BiddingLimit.objects.filter(organization__is_buyer=True)
        .exclude(organization=scene.buyer)
        .latest("pk")
    )
    scene.carried = Settlement.objects.filter(status=Settlement.Status.CARRIED).earliest("pk")
    Settlement.objects.filter(pk=scene.carried.pk).update(created_at=scene.now - timedelta(days=400))
    scene.declined_version = collection_of(listed().get(pk=scene.declined.pk)).version
    scene.waiting = deliver(paid_settlement(100_00)).transfers.get()
    scene.lost_dispute = _lost_dispute(sandbox)
    scene.bearing = bearing_of(scene.lost_dispute, Dispute.Bearer.PLATFORM).fingerprint
    scene.bid.refresh_from_db()
    scene.order.refresh_from_db()
    return scene


def _lost_dispute(sandbox: SandboxServer) -> Dispute:
    disputed_settlement(50_00)
    dispute = Dispute.objects.latest("pk")
    decide(dispute, at_stripe.lose, sandbox)
    dispute.refresh_from_db()
    return dispute


@pytest.fixture(scope="module")
def clients(scene: SimpleNamespace) -> dict[str, Client]:
    """A browser of each person of the scene, whose password was typed just now."""
    clients = {who: Client(raise_request_exception=True) for who in scene.people}
    for who, session in scene.sessions.items():
        clients[who].cookies["sessionid"] = session
    return clients


@pytest.fixture(scope="session")
def fingerprint(django_db_setup: None) -> Callable[[], dict[str, tuple[int, int]]]:
    """Read how many rows each table has, and which transactions wrote them: a write of any kind changes it."""

    def read() -> dict[str, tuple[int, int]]:
        with connection.cursor() as cursor:
            names = connection.introspection.table_names(cursor)
            each = " UNION ALL ".join(
                f"SELECT '{name}', count(*), coalesce(sum(xmin::text::bigint), 0) FROM \"{name}\""  # noqa: S608 - our own tables' names
                for name in names
                if name != "django_session"
            )
            cursor.execute(each)
            return {name: (count, written) for name, count, written in cursor.fetchall()}

    return read
