"""Old notifications and logs of webhooks go; what is younger, unread or under way stays."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Membership
from notifications.models import Letter, Notification, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.operations.forgetting import forget_notifications
from notifications.sweeps import sweep_old
from tests.factories import BuyerFactory, MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def owner() -> Membership:
    return MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER)


def told(owner: Membership, *, days_ago: int, is_read: bool, in_page: bool = True) -> Notification:
    at = NOW - timedelta(days=days_ago)
    notification = Notification.objects.create(
        user=owner.user,
        organization=owner.organization,
        kind="payment_made",
        key=f"{days_ago} {is_read} {in_page}",
        event="settlement.paid",
        in_page=in_page,
        created_at=at,
        read_at=at if is_read else None,
    )
    Letter.objects.create(notification=notification, sent_at=at)
    return notification


def sent(endpoint: WebhookEndpoint, *, days_ago: int, status: str) -> WebhookDelivery:
    at = NOW - timedelta(days=days_ago)
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint,
        event_id=f"{status} {days_ago}",
        event="bid.won",
        body="{}",
        status=status,
        n_attempts_left=0,
        created_at=at,
        ended_at=None if status == "waiting" else at,
    )
    WebhookAttempt.objects.create(delivery=delivery, number=1, called_at=at, ended_at=at, status_code=200)
    return delivery


class TestNotifications:
    def test_go_when_old_and_read_or_much_older(self, owner: Membership) -> None:
        kept = [
            told(owner, days_ago=89, is_read=True),
            told(owner, days_ago=91, is_read=False),
            told(owner, days_ago=364, is_read=False),
        ]
        for days_ago, is_read, in_page in ((91, True, True), (91, False, False), (366, False, True)):
            told(owner, days_ago=days_ago, is_read=is_read, in_page=in_page)

        assert sweep_old(now=NOW) == 3
        assert set(Notification.objects.all()) == set(kept)
        assert set(Letter.objects.values_list("notification", flat=True)) == {row.pk for row in kept}
        assert sweep_old(now=NOW) == 0

    def test_go_a_few_at_a_time_the_oldest_first(self, owner: Membership) -> None:
        younger, older = (told(owner, days_ago=days_ago, is_read=True) for days_ago in (100, 200))

        assert forget_notifications(now=NOW, at_most=1) == 1
        assert list(Notification.objects.all()) == [younger]
        assert older.pk != younger.pk

    def test_are_kept_as_long_as_the_settings_say(self, owner: Membership, settings) -> None:
        settings.NOTIFICATIONS_READ_KEPT_DAYS, settings.NOTIFICATIONS_UNREAD_KEPT_DAYS = 10, 20
        told(owner, days_ago=11, is_read=True)
        kept = told(owner, days_ago=11, is_read=False)

        assert sweep_old(now=NOW) == 1
        assert Notification.objects.get() == kept


def test_logs_of_webhooks_go_but_not_what_waits(owner: Membership) -> None:
    endpoint = WebhookEndpoint.objects.create(
        organization=owner.organization,
        url="https://example.com/",
        events=["bid.won"],
        sealed_secret="-",
        created_by=owner.user,
    )
    kept = [
        sent(endpoint, days_ago=89, status="delivered"),
        sent(endpoint, days_ago=400, status="waiting"),
    ]
    for status in ("delivered", "failed"):
        sent(endpoint, days_ago=91, status=status)

    assert sweep_old(now=NOW) == 2
    assert set(WebhookDelivery.objects.all()) == set(kept)
    assert set(WebhookAttempt.objects.values_list("delivery", flat=True)) == {row.pk for row in kept}
