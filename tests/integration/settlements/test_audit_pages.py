"""The History of each object page, and finance's audit log: who may, what it says, its filter, pages and CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import BiddingLimit
from accounts.operations import set_credit
from auctions.models import Market, Window
from inventory.models import Block
from marketplace.acting import acting
from settlements.models import Mismatch, Settlement
from tests.factories import (
    BlockFactory,
    BuyerFactory,
    MarketFactory,
    MembershipFactory,
    SellerFactory,
    UserFactory,
    WindowFactory,
)
from tests.integration.settlements.steps import settlement_of

pytestmark = pytest.mark.django_db(transaction=True)


def client_of(**person: object) -> Client:
    client = Client()
    client.force_login(UserFactory(**person))
    return client


@pytest.fixture
def finance() -> Client:
    return client_of(is_finance=True, name="Fay Finance")


def url(name: str, *args: object) -> str:
    return reverse(f"settlements:{name}", args=args)


def text_of(answer: object) -> str:
    html = answer.content.decode()  # type: ignore[attr-defined]
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def log_rows(finance: Client, **query: str) -> list[dict[str, str]]:
    answer = finance.get(url("audit_export"), query)
    assert isinstance(answer, StreamingHttpResponse)

    async def content() -> bytes:
        return b"".join([part async for part in answer.streaming_content])  # type: ignore[union-attr]

    return list(csv.DictReader(io.StringIO(async_to_sync(content)().decode())))


class TestHistoryOnPages:
    def test_a_settlement_says_who_took_it_over(self, finance: Client) -> None:
        settlement = settlement_of(100_00)
        person = UserFactory(is_finance=True, name="Ada Lovelace")

        finance.post(url("settlement_assign"), {"settlement": settlement.pk, "assignee": person.pk})

        page = text_of(finance.get(url("settlement_detail", settlement.pk)))
        history = page[page.index("History") :]
        assert "Fay Finance /finance/settlements/assign/ Changed" in history
        assert "Assignee: – → became Ada Lovelace" in history

    def test_a_limit_shows_its_credit_and_the_changes_of_it(self, finance: Client) -> None:
        buyer = BuyerFactory()
        limit, _ = BiddingLimit.objects.get_or_create(organization=buyer)
        person = UserFactory(is_finance=True)
        with acting(user=person.pk):
            set_credit(
                organization=buyer, credit_cents=limit.credit_cents + 10_00, reason="Asked for it.", by=person,
                seen_cents=limit.credit_cents,
            )  # fmt: skip

        page = text_of(finance.get(reverse("accounts:limit_edit", args=[limit.pk])))

        history = page[page.index("History") :]
        assert "Credit change" in history
        assert f"became ${(limit.credit_cents + 10_00) / 100:,.2f}" in history

    def test_a_mismatch_says_who_looks_after_it(self, finance: Client) -> None:
        mismatch = Mismatch.objects.create(
            kind=Mismatch.Kind.NOT_BOOKED, subject="x", detail="y", happened_at=timezone.now()
        )
        owner = UserFactory(is_finance=True, name="Ada Lovelace")

        finance.post(url("mismatch_assign", mismatch.pk), {"owner": owner.pk})

        assert "Owner: – → became Ada Lovelace" in text_of(finance.get(url("mismatch", mismatch.pk)))

    def test_a_market_and_a_window_show_it_to_operators(self) -> None:
        operator = client_of(is_operator=True, name="Olga Ops")
        market = MarketFactory()
        operator.post(reverse("auctions:operate_market_pause", args=[market.pk]), {"to": "paused"})
        window = WindowFactory(market=market, status=Window.Status.OPEN)
        operator.post(reverse("auctions:operate_window_cancel", args=[window.pk]), {"reason": "A test."})

        assert "Olga Ops" in text_of(
            operator.get(reverse("auctions:operate_market_change", args=[market.pk]))
        )
        page = reverse("auctions:window", args=[window.pk])
        assert "Status: Open → became Cancelled" in text_of(operator.get(page))
        assert "History" not in text_of(Client().get(page))

    def test_a_block_shows_its_seller_who_withdrew_it_and_no_names_of_ours(self) -> None:
        membership = MembershipFactory(organization=SellerFactory())
        block = BlockFactory(site__organization=membership.organization)
        seller = Client()
        seller.force_login(membership.user)
        stranger = UserFactory(name="Stan Stranger")
        with acting(user=stranger.pk, url="/secret/desk/"):
            Block.objects.filter(pk=block.pk).update(reserve_ticks=30_000)
        seller.post(reverse("inventory:block_withdraw", args=[block.pk]))

        page = text_of(seller.get(reverse("inventory:block_detail", args=[block.pk])))

        assert f"{membership.user}" in page[page.index("History") :]
        assert "Sparegrid staff" in page
        assert "Stan Stranger" not in page
        assert "/secret/desk/" not in page
        assert "Reserve: $" in page


class TestAuditLog:
    def test_is_finances(self) -> None:
        for page in ("audit_list", "audit_export"):
            assert Client().get(url(page)).status_code == 302
            assert client_of().get(url(page)).status_code == 403

    def test_filters_by_person_kind_number_and_day(self, finance: Client) -> None:
        ada = UserFactory(name="Ada Lovelace", email="ada@example.org")
        first, second = MarketFactory(), MarketFactory()
        with acting(user=ada.pk):
            Market.objects.filter(pk=first.pk).update(name="Once more")
        with acting(job="settlements.charge"):
            Market.objects.filter(pk=second.pk).update(name="By rule")
        today = datetime.now(UTC).date()

        assert [row["after"] for row in log_rows(finance, person="lovel")] == ["Once more"]
        assert [row["after"] for row in log_rows(finance, person="ada@")] == ["Once more"]
        assert log_rows(finance, person="nobody at all") == []
        by_number = log_rows(finance, kind="auctions.market", number=str(second.pk))
        assert (by_number[0]["who"], by_number[0]["by"]) == ("By the rules", "job settlements.charge")
        assert {row["object"] for row in by_number} == {str(second.pk)}
        assert log_rows(finance, since=str(today + timedelta(days=1))) == []
        assert log_rows(finance, until=str(today - timedelta(days=1))) == []
        assert log_rows(finance, since=str(today), until=str(today), person="lovel") != []

    @pytest.mark.parametrize(
        ("field", "value"),
        [("kind", "auth.user"), ("number", "minus one"), ("since", "yesterday"), ("until", "31 Feb")],
    )
    def test_names_the_field_that_is_wrong_and_keeps_what_was_typed(
        self, finance: Client, field: str, value: str
    ) -> None:
        MarketFactory()

        answer = finance.get(url("audit_list"), {field: value, "person": "lovel"})

        assert field in answer.context["form"].errors
        assert "lovel" in answer.content.decode()
        assert "No changes" in text_of(answer)
        assert log_rows(finance, **{field: value}) == []

    def test_pages_by_key_show_everything_once_in_the_csvs_order(self, finance: Client) -> None:
        market = MarketFactory()
        for position in range(1, 121):
            Market.objects.filter(pk=market.pk).update(position=position)

        seen: list[str] = []
        query = {"kind": "auctions.market"}
        while True:
            answer = finance.get(url("audit_list"), query)
            page = answer.context["page"]
            seen += [
                change.after
                for entry in page.entries
                if entry["deed"] == "Changed"
                for change in entry["changes"]
            ]
            if not page.next_before:
                break
            query["before"] = page.next_before

        rows = log_rows(finance, kind="auctions.market")
        assert seen == [row["after"] for row in rows if row["deed"] == "Changed"]
        assert seen == [str(position) for position in range(120, 0, -1)]

    def test_a_made_up_place_is_no_page(self, finance: Client) -> None:
        assert finance.get(url("audit_list"), {"before": "x:y"}).status_code == 404

    def test_leads_to_each_object(self, finance: Client) -> None:
        settlement = settlement_of(100_00)

        page = finance.get(url("audit_list"), {"kind": "settlements.settlement"}).content.decode()

        assert f'href="{url("settlement_detail", settlement.pk)}"' in page

    def test_a_name_is_no_formula_in_a_spreadsheet(self, finance: Client) -> None:
        market = MarketFactory()
        Market.objects.filter(pk=market.pk).update(name="=HYPERLINK(1)")

        assert log_rows(finance, kind="auctions.market")[0]["after"] == "'=HYPERLINK(1)"

    def test_takes_as_many_queries_however_many_changes(
        self, finance: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for n in range(2, 12):
            with acting(user=UserFactory().pk):
                Market.objects.filter(pk=MarketFactory().pk).update(name=f"Market {n}", position=n)

        # session, user, memberships, changes, names
        with django_assert_num_queries(5):
            finance.get(url("audit_list"))

    def test_a_settlements_page_takes_two_queries_more_for_its_history(
        self, finance: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        settlement = settlement_of(100_00)
        for cents in range(1, 8):
            with acting(user=UserFactory().pk):
                Settlement.objects.filter(pk=settlement.pk).update(refunded_cents=cents)

        with django_assert_num_queries(20):
            finance.get(url("settlement_detail", settlement.pk))
