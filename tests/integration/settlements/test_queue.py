"""Finance's queue: what it finds, in which order, who looks after what, notes, views, and files equal to the screen."""

import csv
import io
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import SavedView, User
from accounts.saved_views import MAX_VIEWS
from marketplace.db import database_now
from settlements.exports import FOCUS_COLUMNS
from settlements.models import Settlement, SettlementNote
from settlements.operations.desk import CannotAssign, assign_settlements
from settlements.operations.draw_up import settle_window
from settlements.queries.queue import LARGEST, NEWEST_DRAWN, OLDEST, OLDEST_DRAWN, page_of
from settlements.queries.settlements import listed
from tests.factories import BuyerFactory, UserFactory, WindowFactory
from tests.integration.settlements.refund_steps import paid_settlement, refund
from tests.integration.settlements.steps import mark_cleared, settlement_of, win

pytestmark = pytest.mark.django_db(transaction=True)
FOCUS_MANDATORY = {
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost"),
    *("PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
}


@pytest.fixture
def person() -> User:
    return UserFactory(is_finance=True, name="Fay Moreau")


@pytest.fixture
def finance(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def url(name: str, *args: object, **query: object) -> str:
    return reverse(f"settlements:{name}", args=args, query=query or None)


def shown(client: Client, **query: object) -> list[int]:
    page = client.get(url("settlement_list", **query)).context["page"]
    return [settlement.pk for settlement in page.settlements]


def rows_of(client: Client, name: str, **query: object) -> list[dict[str, str]]:
    async def content(answer: StreamingHttpResponse) -> bytes:
        return b"".join([part async for part in answer])

    answer = client.get(url(name, **query))
    return list(csv.DictReader(io.StringIO(async_to_sync(content)(answer).decode())))


class TestWhatItFinds:
    def test_several_states_at_once(self, finance: Client) -> None:
        due, carried, free = settlement_of(1000), settlement_of(7), settlement_of(0)

        assert shown(finance, status=["due", "carried"]) == [carried.pk, due.pk]
        assert shown(finance, status="paid") == [free.pk]

    def test_amounts_from_and_to_the_cent(self, finance: Client) -> None:
        low, high = settlement_of(1000), settlement_of(1001)

        assert shown(finance, amount_from="10.01") == [high.pk]
        assert shown(finance, amount_to="10.00") == [low.pk]

    def test_days_in_utc_both_included(self, finance: Client) -> None:
        settlement = settlement_of(1000)
        instant = database_now().replace(hour=23, minute=59) - timedelta(days=3)
        Settlement.objects.filter(pk=settlement.pk).update(created_at=instant)
        day = instant.date()

        assert shown(finance, drawn_from=day, drawn_to=day) == [settlement.pk]
        assert shown(finance, drawn_from=day + timedelta(days=1)) == []
        assert shown(finance, drawn_to=day - timedelta(days=1)) == []

    def test_flags(self, finance: Client, settings: Settings) -> None:
        settings.LARGE_SETTLEMENT_CENTS = 5000
        small, large, free = settlement_of(4999), settlement_of(5000), settlement_of(0)
        Settlement.objects.exclude(pk=large.pk).update(created_at=database_now() - timedelta(hours=25))

        assert shown(finance, flag="unpaid") == [large.pk, small.pk]
        assert shown(finance, flag="overdue") == [small.pk]
        assert shown(finance, flag="large") == [large.pk]
        assert shown(finance, flag="no_card") == [large.pk, small.pk]
        page = finance.get(url("settlement_list")).context["page"]
        assert [each.flags for each in page.settlements] == [
            [],
            ["No card on file", "Large"],
            ["No card on file", "Not paid for a day"],
        ]
        assert free.status == "paid"

    def test_who_looks_after_them(self, finance: Client, person: User) -> None:
        mine, nobodys, others = settlement_of(1000), settlement_of(1000), settlement_of(1000)
        colleague = UserFactory(is_finance=True)
        Settlement.objects.filter(pk=mine.pk).update(assignee=person)
        Settlement.objects.filter(pk=others.pk).update(assignee=colleague)

        assert shown(finance, assignee="me") == [mine.pk]
        assert shown(finance, assignee="nobody") == [nobodys.pk]
        assert shown(finance, assignee=colleague.pk) == [others.pk]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("status", "no-such"),
            ("flag", "no-such"),
            ("assignee", "99999999"),
            ("assignee", "x"),
            ("window", "0"),
            ("window", "two"),
            ("amount_from", "-1"),
            ("amount_from", "1.001"),
            ("amount_to", "NaN"),
            ("amount_to", "1" * 40),
            ("drawn_from", "2026-02-30"),
            ("drawn_to", "yesterday"),
            ("order", "amount"),
        ],
    )
    def test_names_the_field_that_is_wrong_and_keeps_what_was_typed(
        self, finance: Client, field: str, value: str
    ) -> None:
        settlement_of(1000)

        answer = finance.get(url("settlement_list", **{field: value, "buyer": "Norrland"}))

        assert set(answer.context["filter"].form.errors) == {field}
        assert answer.context["page"].settlements == []
        assert "Norrland" in answer.content.decode()


class TestOrder:
    @pytest.mark.parametrize("order", ["", OLDEST, LARGEST, NEWEST_DRAWN, OLDEST_DRAWN])
    def test_pages_through_all_of_them_once_in_order(self, finance: Client, order: str) -> None:
        made = [settlement_of(cents) for cents in (500, 900, 900, 700, 500)]
        expected = {
            "": made[::-1],
            OLDEST: made,
            NEWEST_DRAWN: made[::-1],
            OLDEST_DRAWN: made,
            LARGEST: [made[2], made[1], made[3], made[4], made[0]],
        }[order]

        seen: list[int] = []
        before = None
        while True:
            page = page_of(listed(), before=before, size=2, order=order or "newest")
            seen += [settlement.pk for settlement in page.settlements]
            before = page.next_before
            if before is None:
                break

        assert seen == [settlement.pk for settlement in expected]
        query = {"order": order} if order in (OLDEST, LARGEST) else {}
        if order in (NEWEST_DRAWN, OLDEST_DRAWN):
            query = {"drawn_from": "2020-01-01", "order": OLDEST if order == OLDEST_DRAWN else ""}
        assert shown(finance, **query) == seen


class TestHandingOver:
    def test_one_at_once_several_after_a_question(self, finance: Client, person: User) -> None:
        first, second = settlement_of(1000), settlement_of(2000)

        finance.post(url("settlement_assign"), {"settlement": first.pk, "assignee": person.pk})
        first.refresh_from_db()
        assert first.assignee == person

        ask = {"settlement": [first.pk, second.pk], "assignee": person.pk}
        question = finance.post(url("settlement_assign"), ask)
        second.refresh_from_db()
        assert second.assignee is None
        assert "Hand over 2 settlements" in question.content.decode()

        answer = finance.post(url("settlement_assign"), ask | {"confirmed": "yes"}, follow=True)
        second.refresh_from_db()
        assert second.assignee == person
        assert "1 of 2 changed" in answer.content.decode()

    def test_to_nobody(self, finance: Client, person: User) -> None:
        settlement = settlement_of(1000)
        assign_settlements(settlement_ids=[settlement.pk], assignee=person)

        finance.post(url("settlement_assign"), {"settlement": settlement.pk, "assignee": ""})

        settlement.refresh_from_db()
        assert settlement.assignee is None

    @pytest.mark.parametrize("ids", [[], ["x"], ["-1"], [str(2**63)], ["1e3"]])
    def test_says_that_nothing_was_chosen(self, finance: Client, ids: list[str]) -> None:
        answer = finance.post(url("settlement_assign"), {"settlement": ids, "assignee": ""}, follow=True)

        assert answer.status_code == 200
        assert [message.level_tag for message in answer.context["messages"]] == ["error"]

    def test_only_to_people_of_finance(self, finance: Client) -> None:
        settlement, outsider = settlement_of(1000), UserFactory()

        finance.post(url("settlement_assign"), {"settlement": settlement.pk, "assignee": outsider.pk})
        settlement.refresh_from_db()
        assert settlement.assignee is None
        with pytest.raises(CannotAssign):
            assign_settlements(settlement_ids=[settlement.pk], assignee=outsider)

    def test_goes_back_to_the_queue_as_filtered_and_nowhere_else(self, finance: Client, person: User) -> None:
        settlement = settlement_of(1000)
        form = {"settlement": settlement.pk, "assignee": person.pk}
        filtered = url("settlement_list", flag="unpaid")

        assert finance.post(url("settlement_assign"), form | {"next": filtered})["Location"] == filtered
        away = finance.post(url("settlement_assign"), form | {"next": "https://example.com/"})
        assert away["Location"] == url("settlement_list")


class TestNotes:
    def test_stand_on_the_settlement_with_their_author(self, finance: Client, person: User) -> None:
        settlement = settlement_of(1000)

        finance.post(url("note_add", settlement.pk), {"text": "Called the bank <b>twice</b>."})

        page = finance.get(url("settlement_detail", settlement.pk)).content.decode()
        assert "Called the bank &lt;b&gt;twice&lt;/b&gt;." in page
        assert "Fay Moreau" in page

    @pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
    def test_refuses_one_that_says_nothing_or_too_much(self, finance: Client, text: str) -> None:
        settlement = settlement_of(1000)

        answer = finance.post(url("note_add", settlement.pk), {"text": text})

        assert answer.status_code == 422
        assert answer.context["form"].errors["text"]
        assert not SettlementNote.objects.exists()

    def test_the_database_refuses_an_empty_one(self, person: User) -> None:
        with pytest.raises(IntegrityError, match="settlement_note_says_something"):
            SettlementNote.objects.create(settlement=settlement_of(1000), author=person, text="")


class TestViews:
    def test_keeps_the_filter_under_a_name_as_an_address(self, finance: Client, person: User) -> None:
        large = settlement_of(200_000)
        settlement_of(1000)
        query = "order=largest&amount_from=1000.00&before=7&csrfmiddlewaretoken=x"

        answer = finance.post(url("view_save"), {"name": "Over a thousand", "query": query})

        view = SavedView.objects.get()
        assert (view.owner, view.query) == (person, "amount_from=1000.00&order=largest")
        assert answer["Location"] == f"{url('settlement_list')}?{view.query}"
        page = finance.get(answer["Location"])
        assert [settlement.pk for settlement in page.context["page"].settlements] == [large.pk]
        assert "Over a thousand" in page.content.decode()

    def test_refuses_a_name_in_use_and_keeps_what_was_typed(self, finance: Client) -> None:
        finance.post(url("view_save"), {"name": "Mine", "query": "assignee=me"})

        answer = finance.post(url("view_save"), {"name": "Mine", "query": "flag=large"})

        assert answer.status_code == 422
        assert "a view named “Mine” already" in answer.content.decode()
        assert 'value="flag=large"' in answer.content.decode()

    def test_keeps_no_more_than_a_person_can_look_over(self, finance: Client, person: User) -> None:
        SavedView.objects.bulk_create(
            SavedView(place="settlements", owner=person, name=str(n)) for n in range(MAX_VIEWS)
        )

        answer = finance.post(url("view_save"), {"name": "One more", "query": ""})

        assert answer.status_code == 422
        assert SavedView.objects.count() == MAX_VIEWS

    def test_removes_ones_own_only(self, finance: Client, person: User) -> None:
        own = SavedView.objects.create(place="settlements", owner=person, name="Mine")
        others = SavedView.objects.create(
            place="settlements", owner=UserFactory(is_finance=True), name="Theirs"
        )

        for view in (own, others):
            finance.post(url("view_remove", view.pk))

        assert list(SavedView.objects.all()) == [others]
        assert "Theirs" not in finance.get(url("settlement_list")).content.decode()


class TestFiles:
    def test_hold_what_the_screen_shows_in_its_order(self, finance: Client) -> None:
        made = [settlement_of(cents) for cents in (500, 900, 700)]
        settlement_of(0)
        query = {"flag": "unpaid", "order": "largest"}

        on_screen = shown(finance, **query)

        assert on_screen == [made[1].pk, made[2].pk, made[0].pk]
        assert [int(row["settlement"]) for row in rows_of(finance, "settlement_export", **query)] == on_screen
        invoices = [row["InvoiceId"] for row in rows_of(finance, "settlement_focus", **query)]
        assert invoices == [f"settlement-{pk}" for pk in on_screen]

    def test_a_focus_row_for_each_award_adds_up_to_the_settlement(self, finance: Client) -> None:
        window, buyer = WindowFactory(), BuyerFactory(name="=Northwind")
        awards = [win(buyer, ticks, window=window) for ticks in (123_456, 333_333, 333_333)]
        (settlement,) = settle_window(window_id=mark_cleared(window).pk)

        rows = rows_of(finance, "settlement_focus")

        assert set(FOCUS_COLUMNS) >= FOCUS_MANDATORY
        assert [row["ResourceId"] for row in rows] == [f"award-{award.pk}" for award in awards]
        cents = [round(float(row["BilledCost"]) * 100) for row in rows]
        assert sum(cents) == settlement.amount_cents
        assert {row["BillingAccountName"] for row in rows} == {"'=Northwind"}
        first = rows[0]
        assert (first["BillingCurrency"], first["ChargeCategory"], first["PricingUnit"]) == (
            "USD",
            "Usage",
            "GPU-Hours",
        )
        assert first["ChargePeriodStart"] == awards[0].starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert int(first["PricingQuantity"]) == awards[0].unit_hours

    @pytest.mark.usefixtures("stripe_sandbox")
    def test_a_focus_row_for_each_refund_takes_back_what_it_gives_back(self, finance: Client) -> None:
        settlement = paid_settlement(10_000, 5_000)
        given_back = refund(settlement, 0, 1_234)

        rows = rows_of(finance, "settlement_focus", window=settlement.window_id)

        assert [row["BilledCost"] for row in rows] == ["100.00", "50.00", "-12.34"]
        last = rows[-1]
        assert (last["InvoiceId"], last["ResourceId"]) == (f"refund-{given_back.pk}", rows[1]["ResourceId"])
        assert (last["ChargeClass"], last["PricingQuantity"]) == ("", "0")
        Settlement.objects.update(created_at=database_now() - timedelta(days=40))
        assert rows_of(finance, "settlement_focus")[-1]["ChargeClass"] == "Correction"

    def test_are_finances(self) -> None:
        assert Client().get(url("settlement_focus")).status_code == 302


def test_takes_as_many_queries_for_many_as_for_one(
    finance: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    window = WindowFactory()
    for _ in range(10):
        win(BuyerFactory(), 100_000, window=window)
    settle_window(window_id=mark_cleared(window).pk)

    # session, user, finance people (filter and form), settlements, waiting, views, memberships
    with django_assert_num_queries(8):
        finance.get(url("settlement_list"))
