"""Reserve advice: its sample, its page, its costs, its short form and its API."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from auctions.models import Market, ProductPrice, Window
from auctions.queries.advice import sample_of
from auctions.queries.prices import Product
from inventory.models import ResourceType, UnitCost
from marketplace.db import database_now
from tests.factories import (
    AwardFactory,
    BlockFactory,
    BuyerFactory,
    LotFactory,
    MarketFactory,
    ResourceTypeFactory,
    SellerFactory,
    SiteFactory,
    WindowFactory,
)
from tests.integration.auctions.pages import Visit, visit

pytestmark = pytest.mark.django_db
URL = "/sell/reserve/"
COSTS = {
    "purchase": "30000.00",
    "life_years": "5",
    "residual_percent": "10",
    "power_watts": "1000",
    "energy": "0.12",
    "version": "never saved",
}


@pytest.fixture
def resource_type() -> ResourceType:
    return ResourceTypeFactory(power_watts=700)


@pytest.fixture
def market() -> Market:
    return MarketFactory()


@pytest.fixture
def seller() -> Visit:
    return visit(SellerFactory())


def cleared_lots(
    resource_type: ResourceType, market: Market, n: int, *, units: int = 4, at: int = 20_000, to: int = 30_000
) -> None:
    """Clear ``n`` lots of 8 units and 2 hours; each sold ``units`` at ``at`` to a limit of ``to``."""
    for index in range(n):
        closes_at = database_now() - timedelta(hours=index + 1)
        window = WindowFactory(
            market=market,
            opens_at=closes_at - timedelta(minutes=15),
            closes_at=closes_at,
            status=Window.Status.CLEARED,
            cleared_at=closes_at,
            surplus_ticks=0,
            revenue_ticks=0,
        )
        ProductPrice.objects.create(
            window=window,
            resource_type=resource_type,
            region="us-west",
            paid_ticks=at if units else None,
            sold_unit_hours=2 * units,
            offered_unit_hours=16,
        )
        block = BlockFactory(resource_type=resource_type, site=SiteFactory(region="us-west"))
        lot = LotFactory(window=window, block=block, on_offer=False, capacity_units=[8, 8])
        if units:
            AwardFactory(
                lot=lot,
                units=units,
                amount_ticks=at * units * 2,
                value_ticks=to * units * 2,
                reserve_cost_ticks=500 * units * 2,
            )


def asked(resource_type: ResourceType, **query: str) -> str:
    return f"{URL}?" + "&".join(
        f"{name}={text}" for name, text in {"type": resource_type.slug, "region": "us-west", **query}.items()
    )


class TestSample:
    def test_is_of_this_product_and_market_in_cleared_windows(
        self, resource_type: ResourceType, market: Market
    ) -> None:
        cleared_lots(resource_type, market, 2)
        cleared_lots(resource_type, MarketFactory(), 1)
        cleared_lots(ResourceTypeFactory(), market, 1)
        open_lot = LotFactory(
            window=WindowFactory(market=market),
            block=BlockFactory(resource_type=resource_type, site=SiteFactory(region="us-west")),
        )

        sample = sample_of(Product(resource_type, "us-west"), market)

        assert open_lot.on_offer
        assert [(lot.offered_unit_hours, len(lot.sales)) for lot in sample.lots] == [(16, 1), (16, 1)]
        assert sample.lots[0].sales[0].limit_ticks == 30_000

    def test_leaves_out_what_a_buyer_did_not_pay_for(
        self, resource_type: ResourceType, market: Market
    ) -> None:
        cleared_lots(resource_type, market, 1)
        award = market.windows.get().awards.get()
        award.cancelled_at, award.cancelled_from = database_now(), award.starts_at
        award.save()

        assert sample_of(Product(resource_type, "us-west"), market).lots[0].sales == ()


class TestPage:
    def test_shows_each_reserve_with_its_sample(
        self, seller: Visit, resource_type: ResourceType, market: Market
    ) -> None:
        cleared_lots(resource_type, market, 9)

        response = seller.client.get(asked(resource_type, reserve="2.60"))

        outcomes = {row.outcome.reserve_ticks: row for row in response.context["rows"]}
        assert outcomes[20_000].marks == ["typical price"]
        assert outcomes[26_000].marks == ["your reserve"]
        assert (outcomes[26_000].outcome.fill_percent, outcomes[26_000].outcome.revenue_ticks) == (50, 13_000)
        assert outcomes[35_000].outcome.n_sold == 0
        assert response.context["advice"].best.reserve_ticks == 30_000
        page = response.content.decode()
        assert "9 of 9" in page
        assert "What this assumes" in page

    def test_says_which_field_is_wrong_and_keeps_what_was_typed(
        self, seller: Visit, resource_type: ResourceType, market: Market
    ) -> None:
        cleared_lots(resource_type, market, 9)

        response = seller.client.get(asked(resource_type, reserve="cheap"))

        assert response.status_code == 422
        page = response.content.decode()
        assert "“cheap” is not a price" in page
        assert 'value="cheap"' in page
        assert response.context["rows"]

    @pytest.mark.parametrize(("n", "words"), [(0, "No past lots yet"), (7, "Too few past lots")])
    def test_says_when_there_is_too_little_to_tell(
        self, seller: Visit, resource_type: ResourceType, market: Market, n: int, words: str
    ) -> None:
        cleared_lots(resource_type, market, n)

        page = seller.client.get(asked(resource_type)).content.decode()

        assert words in page

    def test_takes_as_many_queries_for_many_lots_as_for_few(
        self,
        seller: Visit,
        resource_type: ResourceType,
        market: Market,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        cleared_lots(resource_type, market, 20)

        # session, person, memberships, types, cost, markets, lots, awards
        with django_assert_max_num_queries(9):
            seller.client.get(asked(resource_type))

    def test_is_for_sellers(self, resource_type: ResourceType) -> None:
        assert visit(BuyerFactory()).client.get(asked(resource_type)).status_code == 403
        assert Client().get(asked(resource_type)).status_code == 302


class TestCosts:
    def test_are_remembered_and_set_the_floors(
        self, seller: Visit, resource_type: ResourceType, market: Market
    ) -> None:
        cleared_lots(resource_type, market, 9, at=1_000, to=8_000)

        response = seller.client.post(asked(resource_type), COSTS, follow=True)

        saved = UnitCost.objects.get()
        assert (saved.organization, saved.resource_type) == (seller.organization, resource_type)
        assert (saved.purchase_cents, saved.energy_ticks) == (30_000_00, 1_200)
        rows = {row.outcome.reserve_ticks: row for row in response.context["rows"]}
        assert rows[1_200].marks == ["power"]
        assert rows[7_365].marks == ["power and depreciation"]
        assert rows[1_000].is_below_power
        assert response.context["advice"].best.reserve_ticks >= 1_200
        assert response.context["cost_form"]["purchase"].value() == "30000.00"

    def test_are_saved_over_and_nobody_elses(self, seller: Visit, resource_type: ResourceType) -> None:
        other = visit(SellerFactory())
        for each, watts in ((seller, "1000"), (other, "900"), (seller, "800")):
            drawn = each.client.get(asked(resource_type)).context["cost_form"]["version"].value()
            each.client.post(asked(resource_type), COSTS | {"power_watts": watts, "version": drawn})

        assert sorted(UnitCost.objects.values_list("power_watts", flat=True)) == [800, 900]
        shown = other.client.get(asked(resource_type)).context["cost_form"]
        assert shown["power_watts"].value() == 900

    def test_in_two_tabs_the_second_is_told_and_keeps_what_was_typed(
        self, seller: Visit, resource_type: ResourceType
    ) -> None:
        page = asked(resource_type)
        seller.client.post(page, COSTS | {"power_watts": "1000"})
        answer = seller.client.post(page, COSTS | {"power_watts": "800"})
        assert answer.status_code == 422
        assert "1,000 W and $0.1200 per kWh now" in " ".join(answer.context["cost_form"].non_field_errors())
        assert 'value="800"' in answer.content.decode()
        assert UnitCost.objects.get().power_watts == 1000

        fresh = {"version": answer.context["cost_form"]["version"].value()}
        assert seller.client.post(page, COSTS | {"power_watts": "800"} | fresh).status_code == 302
        assert UnitCost.objects.get().power_watts == 800

    def test_the_same_sent_twice_is_no_other_change(self, seller: Visit, resource_type: ResourceType) -> None:
        answers = [seller.client.post(asked(resource_type), COSTS).status_code for _ in range(2)]
        assert answers == [302, 302]

    @pytest.mark.parametrize(
        ("field", "typed", "message"),
        [
            ("purchase", "much", "Write an amount in dollars"),
            ("purchase", "-1", "greater than or equal to 0"),
            ("purchase", "1.005", "2 decimal places"),
            ("life_years", "0", "greater than or equal to 1"),
            ("life_years", "4.5", "whole number of years"),
            ("residual_percent", "101", "less than or equal to 100"),
            ("power_watts", "-5", "greater than or equal to 0"),
            ("power_watts", "", "required"),
            ("energy", "0,12", "is not a price"),
        ],
    )
    def test_name_the_field_that_is_wrong_and_keep_what_was_typed(
        self, seller: Visit, resource_type: ResourceType, field: str, typed: str, message: str
    ) -> None:
        response = seller.client.post(asked(resource_type), COSTS | {field: typed})

        assert response.status_code == 422
        form = response.context["cost_form"]
        assert set(form.errors) == {field}
        assert message in " ".join(form.errors[field])
        assert {name: form[name].value() for name in COSTS} == COSTS | {field: typed}
        assert not UnitCost.objects.exists()


class TestBrief:
    def test_answers_the_form_of_a_new_block(
        self, seller: Visit, resource_type: ResourceType, market: Market
    ) -> None:
        cleared_lots(resource_type, market, 9)
        site = SiteFactory(organization=seller.organization, region="us-west")

        def brief(**query: object) -> str:
            return seller.client.get(reverse("auctions:reserve_brief"), query).content.decode()

        full = brief(site=site.pk, resource_type=resource_type.pk, reserve="2.5")
        assert "$2.0000" in full
        assert f"type={resource_type.slug}&amp;region=us-west&amp;reserve=2.5000" in full
        assert "Choose a site and a type" in brief(site="", resource_type="x")
        foreign = SiteFactory(region="us-west")
        assert "Choose a site and a type" in brief(site=foreign.pk, resource_type=resource_type.pk)


class TestApi:
    def test_gives_the_figures_of_the_page(
        self, seller: Visit, resource_type: ResourceType, market: Market
    ) -> None:
        cleared_lots(resource_type, market, 9)
        seller.client.post(asked(resource_type), COSTS)
        query = {"resource_type": resource_type.slug, "region": "us-west", "market": market.slug}

        told = json.loads(seller.client.get("/api/v1/reserve-advice/", query).content)

        rows = seller.client.get(asked(resource_type)).context["rows"]
        assert told["power_ticks"] == 1_200
        assert [(each["reserve_ticks"], each["margin_ticks"]) for each in told["outcomes"]] == [
            (row.outcome.reserve_ticks, row.margin_ticks) for row in rows
        ]

    def test_names_what_is_wrong(self, seller: Visit, resource_type: ResourceType) -> None:
        response = seller.client.get(
            "/api/v1/reserve-advice/", {"resource_type": "no-such", "region": "atlantis"}
        )

        assert response.status_code == 400 or response.status_code == 422
        page = response.content.decode()
        assert all(name in page for name in ("resource_type", "region", "market"))
