"""What tests of deliveries do again and again: have one paid, handed over, running; people of either side."""

from datetime import datetime, timedelta

from django.db.models import F

from accounts.models import Membership, Organization, User
from settlements.models import Delivery, Handover, Outage, Settlement
from settlements.operations.handovers import Access, hand_over
from settlements.operations.outages import OutageReport, answer_outage, decide_outage, report_outage
from settlements.sweeps import sweep_deliveries
from tests.factories import MembershipFactory, UserFactory
from tests.integration.settlements.steps import settlement_of

SECRET = "password: correct-horse-7431"
ACCESS = Access(endpoint="ssh research@198.51.100.7", instructions="Mount /scratch.", credentials=SECRET)
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c ada@laptop"
OTHER_ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU bob@desk"


def delivery_of(settlement: Settlement) -> Delivery:
    return Delivery.objects.select_related("line").get(line__settlement=settlement)


def mark_paid(settlement: Settlement, at: datetime) -> None:
    Settlement.objects.filter(pk=settlement.pk).update(status=Settlement.Status.PAID, paid_at=at)


def paid_delivery(*, cents: int = 10_000) -> Delivery:
    """A delivery that was paid an hour before its start, with its hand-over due."""
    delivery = delivery_of(settlement_of(cents))
    mark_paid(delivery.line.settlement, delivery.starts_at - timedelta(hours=1))
    sweep_deliveries(now=delivery.starts_at - timedelta(hours=1))
    delivery.refresh_from_db()
    return delivery


def hand_over_unseen(delivery: Delivery, at: datetime) -> None:
    """Take a delivery as handed over, without anything handed over."""
    Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.READY, handed_over_at=at)


def member(organization: Organization, role: Membership.Role = Membership.Role.TRADER) -> User:
    return MembershipFactory(organization=organization, role=role).user


def handed_over(*, cents: int = 10_000, at: datetime | None = None) -> Delivery:
    """A paid delivery that its seller handed over, by default ten minutes before its start."""
    delivery = paid_delivery(cents=cents)
    give(delivery, at=at or delivery.starts_at - timedelta(minutes=10))
    delivery.refresh_from_db()
    return delivery


def running(*, cents: int = 10_000) -> Delivery:
    """A delivery that was handed over and has begun."""
    delivery = handed_over(cents=cents)
    sweep_deliveries(now=delivery.starts_at)
    delivery.refresh_from_db()
    return delivery


def give(
    delivery: Delivery,
    *,
    at: datetime,
    access: Access = ACCESS,
    version_seen: int = 0,
    by: User | None = None,
) -> Handover:
    return hand_over(
        seller=delivery.seller,
        delivery_id=delivery.pk,
        given_by=by or member(delivery.seller),
        access=access,
        version_seen=version_seen,
        now=at,
    )


def report(
    delivery: Delivery,
    *,
    minutes: tuple[int, int] = (10, 40),
    what: str = "No answer on port 22.",
    by: User | None = None,
    now: datetime | None = None,
) -> Outage:
    """Report an outage of these minutes after the start, as soon as it was over."""
    starts_at, ends_at = (delivery.starts_at + timedelta(minutes=minute) for minute in minutes)
    return report_outage(
        buyer=delivery.buyer,
        delivery_id=delivery.pk,
        reported_by=by or member(delivery.buyer),
        report=OutageReport(starts_at=starts_at, ends_at=ends_at, what=what),
        now=now or ends_at,
    )


def answer(outage: Outage, *, accepts: bool, note: str = "", by: User | None = None) -> None:
    """Answer a report as its seller, when the outage was over."""
    answer_outage(
        seller=outage.delivery.seller,
        outage_id=outage.pk,
        answered_by=by or UserFactory(),
        accepts=accepts,
        note=note,
        now=outage.ends_at,
    )


def decide(
    outage: Outage, minutes: int, *, fingerprint: str = "", reason: str = "The log shows it."
) -> Outage:
    outage.refresh_from_db()
    return decide_outage(
        outage_id=outage.pk,
        decided_by=UserFactory(is_finance=True),
        upheld_minutes=minutes,
        reason=reason,
        fingerprint=fingerprint or outage.fingerprint,
        now=outage.delivery.ends_at,
    )


def set_back(delivery: Delivery, by: timedelta = timedelta(hours=3)) -> Delivery:
    """Have a delivery's hours, and what was done about them, lie earlier: for pages, which read the clock."""
    moved = ("starts_at", "ends_at", "due_at", "handed_over_at", "missed_at", "delivered_at")
    Delivery.objects.filter(pk=delivery.pk).update(**{name: F(name) - by for name in moved})
    delivery.refresh_from_db()
    return delivery
