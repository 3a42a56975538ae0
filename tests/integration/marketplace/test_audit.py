"""What the audit trail records, who it says did it, and what happens to whoever wants it otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client, RequestFactory
from django.urls import resolve, reverse
from pghistory.models import Event

from accounts.models import BiddingLimit, Membership
from accounts.trail import About, Trail, history_of
from auctions.models import Market, Window
from auctions.sweeps import sweep_windows
from marketplace.acting import ActingMiddleware, acting, acts_as
from marketplace.audit import NEVER_TRUNCATED, record_baseline
from marketplace.db import database_now
from marketplace.jobs import task
from tests.factories import BuyerFactory, MarketFactory, MembershipFactory, UserFactory, WindowFactory
from tests.web import WebProcess

EVENTS = [
    model
    for model in apps.get_models()
    if issubclass(model, Event) and hasattr(model, "pgh_tracked_model") and model._meta.managed
]
REFUSALS = DatabaseError


def trail_of(model: Any, pk: int, **query: str) -> Trail:
    return history_of(RequestFactory().get("/", query), About(model, pk))


def changes(trail: Trail) -> list[tuple[str, str, str]]:
    """The fields of the newest entry."""
    return [(change.field, change.before, change.after) for change in trail.entries[0].changes]


def execute(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.mark.django_db
class TestWhatIsRecorded:
    def test_each_change_with_before_and_after_in_words(self) -> None:
        market = MarketFactory(name="Overnight")

        Market.objects.filter(pk=market.pk).update(status=Market.Status.PAUSED, name="Night")

        trail = trail_of(Market, market.pk)
        assert [entry.deed for entry in trail.entries] == ["Changed", "Created"]
        assert changes(trail) == [("Name", "Overnight", "Night"), ("Status", "Active", "Paused")]

    def test_amounts_in_dollars(self) -> None:
        limit = BiddingLimit.objects.get_or_create(organization=BuyerFactory())[0]
        before = limit.credit_cents

        BiddingLimit.objects.filter(pk=limit.pk).update(credit_cents=before + 1_234_56)

        ((field, _, after),) = changes(trail_of(BiddingLimit, limit.pk))
        assert (field, after) == ("Credit", f"${(before + 1_234_56) / 100:,.2f}")

    def test_not_what_each_bid_moves(self) -> None:
        limit = BiddingLimit.objects.get_or_create(organization=BuyerFactory())[0]
        window = WindowFactory()
        n_limit, n_window = (
            len(trail_of(BiddingLimit, limit.pk).entries),
            len(trail_of(Window, window.pk).entries),
        )

        BiddingLimit.objects.filter(pk=limit.pk).update(held_cents=5)
        Window.objects.filter(pk=window.pk).update(board_revision=7)

        assert len(trail_of(BiddingLimit, limit.pk).entries) == n_limit
        assert len(trail_of(Window, window.pk).entries) == n_window

    def test_a_removal(self) -> None:
        membership = MembershipFactory()
        pk = membership.pk

        membership.delete()

        assert [entry.deed for entry in trail_of(Membership, pk).entries] == ["Removed", "Created"]

    def test_no_secrets(self) -> None:
        columns = {field.name for event in EVENTS for field in event._meta.fields}

        assert not columns & {
            "pseudonym_key", "idempotency_key", "form_key", "evidence_key", "page_url", "instructions",
            "ciphertext", "nonce", "token", "password", "secret_sha256",
        }  # fmt: skip

    def test_what_older_rows_said_when_the_trail_began(self) -> None:
        market = MarketFactory()
        execute("ALTER TABLE auctions_marketevent DISABLE TRIGGER USER")
        execute("DELETE FROM auctions_marketevent")
        execute("ALTER TABLE auctions_marketevent ENABLE TRIGGER USER")

        with connection.schema_editor() as editor:
            record_baseline("auctions", "Market")(apps, editor)  # type: ignore[arg-type]
        Market.objects.filter(pk=market.pk).update(status=Market.Status.PAUSED)

        trail = trail_of(Market, market.pk)
        assert [entry.deed for entry in trail.entries] == ["Changed", "On record since"]
        assert changes(trail) == [("Status", "Active", "Paused")]

    def test_fifty_at_first_and_all_when_asked(self) -> None:
        market = MarketFactory()
        for position in range(1, 61):
            Market.objects.filter(pk=market.pk).update(position=position)

        assert (len(trail_of(Market, market.pk).entries), trail_of(Market, market.pk).has_more) == (50, True)
        everything = trail_of(Market, market.pk, history="all")
        assert (len(everything.entries), everything.has_more) == (61, False)


@pytest.fixture
def truncate_guards() -> Iterator[None]:
    """The guards that tests/conftest.py switches off for the sake of cleaning up."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE starts_with(tgname, %s)",
            [f"pgtrigger_{NEVER_TRUNCATED}_"],
        )
        guards = cursor.fetchall()
    for table, trigger in guards:
        execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
    yield
    for table, trigger in guards:
        execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


@pytest.mark.django_db
class TestAppendOnly:
    def test_refuses_change_and_removal_through_the_orm(self) -> None:
        market = MarketFactory()
        event = apps.get_model("auctions", "MarketEvent").objects.get(pgh_obj_id=market.pk)
        event.name = "Never so called"

        with pytest.raises(REFUSALS, match="Cannot update or delete"), transaction.atomic():
            event.save()
        with pytest.raises(REFUSALS, match="Cannot update or delete"), transaction.atomic():
            event.delete()
        with pytest.raises(REFUSALS, match="Cannot update or delete"), transaction.atomic():
            type(event).objects.all().delete()

    def test_refuses_sql_that_changes_who_it_was(self) -> None:
        MarketFactory()

        for sql in (
            "UPDATE auctions_marketevent SET pgh_context = '{\"user\": 1}'",
            "DELETE FROM auctions_marketevent",
            "INSERT INTO auctions_marketevent SELECT * FROM auctions_marketevent"
            " ON CONFLICT (pgh_id) DO UPDATE SET name = 'x'",
        ):
            with pytest.raises(REFUSALS, match="Cannot update or delete"), transaction.atomic():
                execute(sql)

    def test_stands_when_its_object_goes(self) -> None:
        market = MarketFactory()

        Market.objects.filter(pk=market.pk).delete()

        assert [entry.deed for entry in trail_of(Market, market.pk).entries] == ["Removed", "Created"]

    def test_every_trail_has_its_guards(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgrelid::regclass::text FROM pg_trigger WHERE starts_with(tgname, 'pgtrigger_append_only_')"
            )
            guarded = {table for (table,) in cursor.fetchall()}

        assert guarded == {event._meta.db_table for event in EVENTS}
        assert len(guarded) >= 20

    def test_is_never_truncated(self, truncate_guards: None) -> None:
        with pytest.raises(REFUSALS, match="never truncated"), transaction.atomic():
            execute("TRUNCATE settlements_refundevent")


@pytest.mark.django_db
class TestWhoDidIt:
    def test_a_person_and_an_address(self, client: Client) -> None:
        operator = UserFactory(is_operator=True, name="Olga Ops")
        market = MarketFactory()
        client.force_login(operator)

        client.post(reverse("auctions:operate_market_pause", args=[market.pk]), {"to": "paused"})

        entry = trail_of(Market, market.pk).entries[0]
        assert (entry.who, entry.means) == ("Olga Ops", f"/operate/markets/{market.pk}/pause/")

    def test_a_sweep(self) -> None:
        market = MarketFactory()

        sweep_windows(now=database_now())

        window = Window.objects.filter(market=market).latest("id")
        entry = trail_of(Window, window.pk).entries[-1]
        assert (entry.who, entry.means) == ("By the rules", "sweep auctions.sweep_windows")

    def test_a_job(self) -> None:
        market = MarketFactory()

        @task(name="tests.rename_market", queue="tests")
        def rename(*, row_id: int) -> None:
            Market.objects.filter(pk=row_id).update(name="Renamed")

        rename(row_id=market.pk)

        entry = trail_of(Market, market.pk).entries[0]
        assert (entry.who, entry.means) == ("By the rules", "job tests.rename_market")

    def test_the_inner_one_only_while_it_works(self) -> None:
        market = MarketFactory()

        with acting(command="outer"):
            with acting(job="inner"):
                Market.objects.filter(pk=market.pk).update(position=1)
            Market.objects.filter(pk=market.pk).update(position=2)

        means = [entry.means for entry in trail_of(Market, market.pk).entries]
        assert means[:2] == ["manage.py outer", "job inner"]

    def test_an_address_without_its_secrets(self, client: Client) -> None:
        request = RequestFactory().get("/pay/very-secret/")
        request.resolver_match = resolve("/pay/very-secret/")
        market = MarketFactory()

        with acting():
            ActingMiddleware(lambda request: None).process_view(request)
            Market.objects.filter(pk=market.pk).update(position=1)

        assert trail_of(Market, market.pk).entries[0].means == "/pay/<str:token>/"

    def test_other_organizations_people_are_not_named(self) -> None:
        own, other = MembershipFactory(), MembershipFactory()
        market = MarketFactory()
        for person, position in ((own.user, 1), (other.user, 2)):
            with acting(user=person.pk):
                Market.objects.filter(pk=market.pk).update(position=position)

        trail = history_of(RequestFactory().get("/"), About(Market, market.pk), members_of=own.organization)

        assert [entry.who for entry in trail.entries[:2]] == ["Sparegrid staff", str(own.user)]
        assert trail.entries[0].means == ""


@pytest.mark.django_db(transaction=True)
class TestContextNeverLeaks:
    def test_nobody_after_the_request(self, client: Client) -> None:
        client.force_login(UserFactory(is_operator=True))
        market = MarketFactory()
        client.post(reverse("auctions:operate_market_pause", args=[market.pk]), {"to": "paused"})

        Market.objects.filter(pk=market.pk).update(position=9)

        assert trail_of(Market, market.pk).entries[0].who == "Not recorded"

    def test_between_threads_that_run_the_same_function(self) -> None:
        """One shared context would mix them up; each call makes its own, on its own thread's connection."""
        markets = [MarketFactory() for _ in range(4)]
        together = threading.Barrier(len(markets))

        @acts_as(job="shared")
        def change(market: Market) -> None:
            with acting(user=market.pk):
                together.wait()
                Market.objects.filter(pk=market.pk).update(position=50)
                together.wait()
            Market.objects.filter(pk=market.pk).update(position=51)
            connection.close()

        threads = [threading.Thread(target=change, args=(market,)) for market in markets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        event = apps.get_model("auctions", "MarketEvent")
        for market in markets:
            contexts = (
                event.objects.filter(pgh_obj_id=market.pk).order_by("-pgh_id").values_list("pgh_context")
            )
            assert [context for (context,) in contexts[:2]] == [
                {"job": "shared"},
                {"job": "shared", "user": market.pk},
            ]

    def test_between_requests_that_share_pooled_connections(self, running_database_url: str) -> None:
        """Two people at once, over uvicorn and a pool of two connections: each change names the one who made it."""
        web = WebProcess(database_url=running_database_url, DATABASE_POOL_SIZE="2")
        people = [UserFactory(is_operator=True) for _ in range(4)]
        markets = [MarketFactory() for _ in people]
        cookies = []
        for person in people:
            client = Client()
            client.force_login(person)
            cookies.append(client.cookies["sessionid"].value)

        def toggle(position: int) -> None:
            with httpx.Client(
                base_url=web.url, cookies={"sessionid": cookies[position]}, timeout=60
            ) as browser:
                browser.get("/operate/markets/")
                token = browser.cookies["csrftoken"]
                for to in ("paused", "active", "paused", "active", "paused"):
                    answer = browser.post(
                        f"/operate/markets/{markets[position].pk}/pause/",
                        data={"to": to, "csrfmiddlewaretoken": token},
                        headers={"Referer": web.url},
                    )
                    assert answer.status_code == 302, answer.text

        web.start()
        try:
            threads = [threading.Thread(target=toggle, args=(n,)) for n in range(len(people))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            web.close()

        event = apps.get_model("auctions", "MarketEvent")
        for person, market in zip(people, markets, strict=True):
            toggles = event.objects.filter(pgh_obj_id=market.pk, pgh_label="update")
            assert [said["user"] for (said,) in toggles.values_list("pgh_context")] == [person.pk] * 5
