"""A worker killed while it passes a feed on has told nobody; the next one tells everybody once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import transaction

from accounts.models import Membership, Stream
from notifications.models import FeedCursor, Letter, Notification
from notifications.operations.spreading import pass_feed_on
from tests.factories import BuyerFactory, MembershipFactory
from tests.faults.test_killed_worker import backends, until, waits_for_our_lock
from tests.integration.notifications.test_spreading import happens

pytestmark = pytest.mark.django_db(transaction=True)
PASS_ON = (
    "import django; django.setup()\n"
    "from notifications.operations.spreading import pass_feed_on\n"
    "pass_feed_on(organization_id={organization})\n"
)


def test_loses_nothing_and_doubles_nothing(running_database_url: str) -> None:
    member = MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER)
    happens(member, "limit.raised", credit_cents=1, before_cents=0, limit_cents=1)
    with transaction.atomic():
        # Notifications, letters and the cursor are written; the nudge to open pages then wants this row.
        Stream.objects.select_for_update().get(pk=member.organization_id)
        worker = subprocess.Popen(
            [sys.executable, "-c", PASS_ON.format(organization=member.organization_id)],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_URL": running_database_url},
        )
        try:
            until(waits_for_our_lock, "the worker has told all it can")
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    until(lambda: backends() == 0, "its transaction is gone")
    assert not Notification.objects.exists()
    assert FeedCursor.objects.get().sequence == 0

    pass_feed_on(organization_id=member.organization_id)
    pass_feed_on(organization_id=member.organization_id)

    assert Notification.objects.count() == Letter.objects.count() == 1
