"""What an operator sees and does: markets, windows, alarms. Everyone else is kept out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django import app
from pytest_django import DjangoAssertNumQueries

from accounts.models import Membership
from auctions.models import Bid, Market, Window
from auctions.operations.markets import terms_of_market
from auctions.operations.windows import open_window, schedule_windows
from auctions.queries.operations import alarms, health
from marketplace.db import database_now
from tests.factories import (
    AwardFactory,
    BuyerFactory,
    MarketFactory,
    MembershipFactory,
    UserFactory,
    WindowFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)
Status = Window.Status
FORM = {
    "name": "Overnight",
    "slug": "overnight",
    "cadence": "60",
    "lead_from": "2",
    "lead_to": "26",
    "position": "3",
}


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(UserFactory(is_operator=True))
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"auctions:operate_{name}", args=args)


@pytest.fixture
def running_worker() -> Iterator[None]:
    """A worker that will have given a sign of life for a minute to come, and no jobs but the test's."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 minute')"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
        cursor.execute("DELETE FROM procrastinate_workers")


def defer_into(queue: str, *, at: datetime | None = None) -> None:
    app.configure_task("auctions.clear_window", queue=queue, schedule_at=at).defer(window_id=0)


def titles(now: datetime | None = None) -> list[str]:
    now = now or database_now()
    return [alarm.title for alarm in alarms(now=now, health=health(now=now))]


class TestWhoMay:
    def test_operators_only(self) -> None:
        window = WindowFactory()
        trader = Client()
        trader.force_login(MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER).user)
        pages = [
            url("overview"),
            url("market_list"),
            url("market_create"),
            url("market_change", window.market_id),
            url("window_cancel", window.pk),
        ]
        for page in pages:
            assert Client().get(page).status_code == 302
            assert trader.get(page).status_code == 403
        assert trader.post(url("window_cancel", window.pk), {"reason": "mine"}).status_code == 403
        window.refresh_from_db()
        assert window.status != Status.CANCELLED


class TestMarkets:
    def test_starts_one_that_then_holds_windows(self, operator: Client) -> None:
        operator.post(url("market_create"), FORM)

        market = Market.objects.get()
        assert (market.cadence, market.lead_from, market.lead_to) == (
            timedelta(hours=1),
            timedelta(hours=2),
            timedelta(hours=26),
        )
        assert schedule_windows(now=datetime.now(UTC)) == 2
        assert "1 h" in operator.get(url("market_list")).content.decode()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "x" * 61),
            ("slug", "no spaces"),
            ("slug", ""),
            ("cadence", "4"),
            ("cadence", "44641"),
            ("cadence", "1.5"),
            ("lead_from", "-1"),
            ("lead_from", "17545"),
            ("lead_to", "2"),
            ("lead_to", "1"),
            ("position", "-1"),
        ],
    )
    def test_names_the_field_that_is_wrong_and_keeps_what_was_typed(
        self, operator: Client, field: str, value: str
    ) -> None:
        answer = operator.post(url("market_create"), FORM | {field: value})

        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == {field}
        assert answer.context["form"].data["position"] == (value if field == "position" else "3")
        assert not Market.objects.exists()

    def test_refuses_an_address_in_use(self, operator: Client) -> None:
        MarketFactory(slug="overnight")

        answer = operator.post(url("market_create"), FORM)

        assert answer.context["form"].errors["slug"] == ["A market has the address “overnight” already."]

    def test_a_new_cadence_begins_once_the_old_window_closed(self, operator: Client) -> None:
        market = MarketFactory(cadence=timedelta(minutes=15))
        at = datetime(2026, 11, 24, 10, 20, tzinfo=UTC)
        schedule_windows(now=at)
        running, planned = market.windows.order_by("opens_at")
        Window.objects.filter(pk=running.pk).update(status=Status.OPEN)

        operator.post(url("market_change", market.pk), FORM | {"version": terms_of_market(market).version})
        schedule_windows(now=at)

        assert not Window.objects.filter(pk=planned.pk).exists()
        (after,) = market.windows.exclude(pk=running.pk)
        assert (after.opens_at, after.closes_at) == (
            at.replace(hour=11, minute=0),
            at.replace(hour=12, minute=0),
        )

    def test_in_two_tabs_the_second_is_told_and_keeps_what_was_typed(self, operator: Client) -> None:
        market = MarketFactory(name="Overnight")
        seen = {"version": terms_of_market(market).version}
        operator.post(url("market_change", market.pk), FORM | seen | {"name": "By night"})
        answer = operator.post(url("market_change", market.pk), FORM | seen | {"name": "At night"})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "It is “By night” now" in page
        assert 'value="At night"' in page

        fresh = {"version": answer.context["form"]["version"].value()}
        operator.post(url("market_change", market.pk), FORM | fresh | {"name": "At night"})
        market.refresh_from_db()
        assert market.name == "At night"

    def test_a_paused_market_finishes_what_is_open_and_starts_nothing(self, operator: Client) -> None:
        market = MarketFactory()
        schedule_windows(now=datetime.now(UTC))
        running, planned = market.windows.order_by("opens_at")
        open_window(window_id=running.pk)

        operator.post(url("market_pause", market.pk), {"to": "paused"})

        assert list(market.windows.values_list("pk", "status")) == [(running.pk, "open")]
        assert schedule_windows(now=datetime.now(UTC)) == 0
        operator.post(url("market_pause", market.pk), {"to": "active"})
        assert schedule_windows(now=datetime.now(UTC)) == 1
        assert market.windows.get(status=Status.SCHEDULED).opens_at == planned.opens_at

    def test_pausing_twice_says_so_and_changes_nothing(self, operator: Client) -> None:
        market = MarketFactory(status=Market.Status.PAUSED)

        answer = operator.post(url("market_pause", market.pk), {"to": "paused"}, follow=True)

        assert "was paused already" in answer.content.decode()


class TestWindows:
    def test_cancels_with_a_reason_that_bidders_read(self, operator: Client) -> None:
        window = WindowFactory(status=Status.OPEN)

        operator.post(url("window_cancel", window.pk), {"reason": "Fibre cut at the site."})

        window.refresh_from_db()
        assert (window.status, window.cancelled_reason) == (Status.CANCELLED, "Fibre cut at the site.")
        assert (
            "Fibre cut at the site."
            in Client().get(reverse("auctions:window", args=[window.pk])).content.decode()
        )

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
    def test_wants_a_reason(self, operator: Client, reason: str) -> None:
        window = WindowFactory(status=Status.OPEN)

        answer = operator.post(url("window_cancel", window.pk), {"reason": reason})

        assert answer.status_code == 422
        assert answer.context["form"].errors["reason"]
        window.refresh_from_db()
        assert window.status == Status.OPEN

    @pytest.mark.parametrize("status", [Status.CLEARED, Status.CANCELLED])
    def test_says_when_it_is_too_late(self, operator: Client, status: Window.Status) -> None:
        now = database_now()
        window = WindowFactory(status=status, cleared_at=now, surplus_ticks=0, revenue_ticks=0)

        answer = operator.post(url("window_cancel", window.pk), {"reason": "late"}, follow=True)

        assert "nothing was changed" in answer.content.decode()
        window.refresh_from_db()
        assert (window.status, window.cancelled_reason) == (status, "")

    def test_has_a_held_one_tried_again(self, operator: Client) -> None:
        window = WindowFactory(status=Status.CLOSED, held_reason="does not verify", book_sha256="c0ffee")
        assert "does not verify" in operator.get(url("overview")).content.decode()

        operator.post(url("window_retry", window.pk))

        window.refresh_from_db()
        assert window.held_reason == ""

    def test_offers_only_to_cancel_one_that_was_not_sealed(self, operator: Client) -> None:
        """There is nothing to compare its book with: tried again, it is held again for ever."""
        window = WindowFactory(status=Status.CLOSED, held_reason="not sealed at close: a bid differs")

        page = operator.get(url("overview")).content.decode()
        assert "cannot be tried again: cancel the window" in page
        assert url("window_retry", window.pk) not in page
        assert url("window_cancel", window.pk) in page
        answer = operator.post(url("window_retry", window.pk), follow=True)

        assert "was not sealed at close" in answer.content.decode()
        window.refresh_from_db()
        assert window.held_reason == "not sealed at close: a bid differs"


class TestAlarms:
    def test_a_held_clearing_and_one_that_is_late(self) -> None:
        now = database_now()
        held = WindowFactory(status=Status.CLOSED, held_reason="does not verify", book_sha256="c0ffee")
        past = {
            "opens_at": now - timedelta(minutes=20),
            "freezes_at": now - timedelta(minutes=8),
            "closes_at": now - timedelta(minutes=5),
        }
        open_still = WindowFactory(status=Status.FROZEN, **past)
        closed = WindowFactory(status=Status.CLOSED, **past)

        said = titles(now)

        assert f"The clearing of window {held.pk} is held" in said
        assert f"Window {open_still.pk} should have closed" in said
        assert f"Window {closed.pk} should have cleared" in said

    def test_no_worker(self) -> None:
        assert "No worker is running" in titles()

    def test_a_queue_that_no_worker_takes_jobs_of(self, running_worker: None) -> None:
        for queue in ("left-alone", "at-work", "fresh"):
            defer_into(queue)
        defer_into("later", at=database_now() + timedelta(hours=1))
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE queue_name = 'at-work'")
        defer_into("at-work")
        soon = database_now() + timedelta(seconds=50)

        assert [title for title in titles(soon) if "queue" in title] == []
        later = soon + timedelta(seconds=20)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = %s", [later])
            cursor.execute("DELETE FROM procrastinate_jobs WHERE queue_name = 'fresh'")
        defer_into("fresh", at=later)
        assert [title for title in titles(later) if "queue" in title] == [
            "Nobody takes the jobs of the queue left-alone"
        ]


def test_takes_as_many_queries_for_many_windows_as_for_one(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        WindowFactory(status=Status.OPEN)

    with django_assert_num_queries(12):
        operator.get(url("overview"))


def test_counts_the_bids_that_stand_in_a_window(operator: Client) -> None:
    award = AwardFactory(lot__window__status=Status.OPEN)
    Bid.objects.update(status=Bid.Status.PLACED, receipt_sha256="0" * 64)

    (window,) = operator.get(url("overview")).context["windows"]

    assert (window.pk, window.n_bids, window.n_lots) == (award.window_id, 1, 1)
