from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import DeskEvent, Membership, Stream, StreamEvent
from accounts.operations import decide_credit, set_credit
from accounts.stream import append_desk_event, append_event
from notifications.kinds import NUDGE
from notifications.models import FeedCursor, Letter, Notification
from notifications.operations import spreading
from notifications.operations.reading import Choice, choose
from notifications.operations.spreading import feeds_behind, pass_desk_events_on, pass_feed_on
from notifications.sweeps import sweep_news
from notifications.wording import put
from tests.factories import BuyerFactory, MembershipFactory, UserFactory
from tests.integration.accounts.test_holds import run_together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member() -> Membership:
    return MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER)


def happens(member: Membership, kind: str, **data: object) -> None:
    with transaction.atomic():
        append_event(organization_id=member.organization_id, kind=kind, data=data)


def loses(member: Membership, bid: int, window: int = 12) -> None:
    happens(member, "bid.lost", bid=bid, window=window, reason="price")


class TestPassFeedOn:
    def test_tells_each_member_once_and_moves_on(self, member):
        colleague = MembershipFactory(organization=member.organization, role=Membership.Role.VIEWER)
        happens(member, "limit.raised", credit_cents=500_00, before_cents=0, limit_cents=500_00)

        assert pass_feed_on(organization_id=member.organization_id) == 1
        assert pass_feed_on(organization_id=member.organization_id) == 1  # its own nudge to open pages
        assert pass_feed_on(organization_id=member.organization_id) == 0

        assert set(Notification.objects.values_list("user", "kind", "key")) == {
            (user, "limit_raised", f"{member.organization_id}#1")
            for user in (member.user_id, colleague.user_id)
        }
        assert feeds_behind() == []

    def test_nudges_open_pages_only_when_there_is_something_to_read(self, member):
        happens(member, "bid.placed", bid=1, window=2)
        pass_feed_on(organization_id=member.organization_id)
        assert not StreamEvent.objects.filter(kind=NUDGE).exists()

        loses(member, 1)
        pass_feed_on(organization_id=member.organization_id)
        assert StreamEvent.objects.filter(kind=NUDGE).count() == 1

    def test_gathers_what_one_window_said_of_many_bids(self, member):
        for bid in (91, 92, 93):
            happens(member, "bid.won", bid=bid, window=12, award=bid, units=8, amount_ticks=1_000_000)
        loses(member, 94)
        loses(member, 95, window=13)

        pass_feed_on(organization_id=member.organization_id)

        told = {row.key.split(":", 1)[1]: row for row in Notification.objects.all()}
        assert {key: row.n for key, row in told.items()} == {
            "bid.won:window:12": 3,
            "bid.lost:window:12": 1,
            "bid.lost:window:13": 1,
        }
        won = told["bid.won:window:12"]
        assert put(won.event, won.data, n=won.n).title == "3 bids won in window 12: 24 units for $300.00"

    def test_gathers_the_hand_overs_of_a_window_and_says_when_the_first_begins(self, member, monkeypatch):
        monkeypatch.setattr(spreading, "EVENTS_AT_ONCE", 2)
        for award, hour in ((1, "05"), (2, "03"), (3, "04")):
            happens(
                member,
                "delivery.handover_due",
                delivery=award,
                award=award,
                window=12,
                side="seller",
                starts_at=f"2026-11-25T{hour}:00:00+00:00",
                ends_at="2026-11-25T09:00:00+00:00",
            )

        while feeds_behind():
            pass_feed_on(organization_id=member.organization_id)

        told = Notification.objects.get()
        said = put(told.event, told.data, n=told.n)
        assert said.title == "3 hand-overs are due of window 12"
        assert "the first begins 25 Nov 2026 03:00 UTC" in said.text

    def test_counts_on_where_a_feed_is_read_in_parts(self, member, monkeypatch):
        monkeypatch.setattr(spreading, "EVENTS_AT_ONCE", 2)
        for bid in range(5):
            loses(member, bid)

        while feeds_behind():
            pass_feed_on(organization_id=member.organization_id)

        told = Notification.objects.get()
        assert (told.n, told.data["window"]) == (5, 12)

    def test_writes_letters_to_those_who_want_them(self, member):
        looks_on = MembershipFactory(organization=member.organization, role=Membership.Role.VIEWER)
        has_enough = MembershipFactory(organization=member.organization)
        choose(user=has_enough.user, choices={"limit_raised": Choice(in_page=True, by_email=False)})
        wants_all = MembershipFactory(organization=member.organization)
        choose(user=wants_all.user, choices={"bid_lost": Choice(in_page=False, by_email=True)})
        happens(member, "limit.raised", credit_cents=500_00, before_cents=0, limit_cents=500_00)
        loses(member, 1)

        pass_feed_on(organization_id=member.organization_id)

        letters = set(Letter.objects.values_list("notification__user", "notification__kind"))
        assert letters == {
            (member.user_id, "limit_raised"),
            (wants_all.user_id, "limit_raised"),
            (wants_all.user_id, "bid_lost"),
        }
        assert looks_on.user.notifications.filter(in_page=True).count() == 2
        assert wants_all.user.notifications.get(kind="bid_lost").in_page is False

    def test_leaves_the_e_mail_to_settlements_where_it_writes_one(self, member):
        happens(
            member,
            "settlement.declined",
            settlement=1,
            window=2,
            amount_cents=100,
            message="No.",
            pay_by=None,
        )

        pass_feed_on(organization_id=member.organization_id)

        assert member.user.notifications.get().kind == "payment_failed"
        assert not Letter.objects.exists()

    def test_passes_on_nothing_when_it_fails_in_between(self, member, monkeypatch):
        happens(member, "limit.raised", credit_cents=1, before_cents=0, limit_cents=1)

        def fails(letter_ids: list[int]) -> None:
            raise RuntimeError("the worker dies here")

        with monkeypatch.context() as patched:
            patched.setattr(spreading, "defer_letters", fails)
            with pytest.raises(RuntimeError):
                pass_feed_on(organization_id=member.organization_id)
        assert not Notification.objects.exists()
        assert FeedCursor.objects.get().sequence == 0

        pass_feed_on(organization_id=member.organization_id)
        assert Notification.objects.count() == Letter.objects.count() == 1

    def test_one_thing_is_told_once_whatever_goes_wrong(self, member):
        loses(member, 1)
        pass_feed_on(organization_id=member.organization_id)
        row = Notification.objects.get()

        with pytest.raises(IntegrityError, match="notification_told_once"):
            Notification.objects.create(user=row.user, kind=row.kind, key=row.key, event=row.event)

    def test_workers_side_by_side_pass_each_event_on_once(self, member):
        for settlement in range(20):
            happens(member, "settlement.paid", settlement=settlement, window=1, amount_cents=100)

        run_together(*[lambda: sweep_news(now=timezone.now())] * 4)
        sweep_news(now=timezone.now())

        assert Notification.objects.count() == 20
        assert (
            FeedCursor.objects.get().sequence == Stream.objects.get(pk=member.organization_id).last_sequence
        )

    def test_takes_the_same_number_of_queries_for_many(self, member, django_assert_num_queries):
        for _ in range(20):
            MembershipFactory(organization=member.organization)
        FeedCursor.objects.create(organization=member.organization)
        for bid in range(40):
            loses(member, bid, window=bid)

        # savepoints, cursor twice, events, endpoints, members, choices, what is gathered, notifications, the nudge (4)
        with django_assert_num_queries(14):
            pass_feed_on(organization_id=member.organization_id)

        assert Notification.objects.count() == 21 * 40


class TestPassDeskEventsOn:
    def test_tells_the_desk_and_nobody_else(self, member):
        finance, operator = UserFactory(is_finance=True), UserFactory(is_operator=True)
        UserFactory(is_finance=True, is_active=False)
        with transaction.atomic():
            append_desk_event(desk=DeskEvent.Desk.FINANCE, kind="mismatch.opened", data={"mismatch": 1})
            append_desk_event(desk=DeskEvent.Desk.OPERATOR, kind="window.held", data={"window": 2})

        assert pass_desk_events_on() == 2
        assert pass_desk_events_on() == 0

        assert set(Notification.objects.values_list("user", "kind", "organization")) == {
            (finance.pk, "mismatch", None),
            (operator.pk, "window_stuck", None),
        }
        assert Letter.objects.count() == 2

    def test_asks_everybody_but_the_proposer_for_a_second_opinion(self, member, settings):
        settings.CREDIT_FOUR_EYES_CENTS = 1
        proposer, second = UserFactory(is_finance=True), UserFactory(is_finance=True)
        change = set_credit(
            organization=member.organization, credit_cents=900_000_00, reason="They grow.", by=proposer
        )

        pass_desk_events_on()
        told = Notification.objects.get()
        assert (told.user_id, told.kind) == (second.pk, "approval")
        assert put(told.event, told.data).title == "A credit line of $900,000.00 waits for a second person"

        decide_credit(change_id=change.pk, by=second, approve=True)
        pass_feed_on(organization_id=member.organization_id)
        raised = member.user.notifications.get(kind="limit_raised")
        assert put(raised.event, raised.data).title == "Your bidding limit is $900,000.00"
