"""Putting a bid together from options and legs, step by step and without scripts: every button is a form of its own."""

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import BiddingLimit, Hold, Membership
from auctions.composer import Composer
from auctions.models import Bid, Lot
from auctions.terms import terms_of
from marketplace.hours import HOUR
from tests.factories import LotFactory, ResourceTypeFactory
from tests.integration.auctions.conftest import Auction, close_and_clear, turn_clock_past_freeze
from tests.integration.auctions.pages import Visit, bid_on, visit
from tests.integration.auctions.test_expressive_bids import bid_of, leg_on, option, place

FORM = "%Y-%m-%dT%H:%M"


@pytest.fixture
def trader(auction: Auction) -> Visit:
    return visit(auction.buyer)


@pytest.fixture
def other(auction: Auction) -> Lot:
    return LotFactory(window=auction.window)


def compose(lot: Lot) -> str:
    return reverse("auctions:bid_compose", args=[lot.pk])


def recompose(bid: Bid) -> str:
    return reverse("auctions:bid_recompose", args=[bid.pk])


def typed(lot: Lot, *, prefix: str = "option-0-leg-0", **changed: object) -> dict[str, object]:
    said = {
        "accept": "lots",
        "lots": str(lot.pk),
        "units": "4",
        "parts": "any",
        "least": "",
        "earliest": f"{lot.starts_at:{FORM}}",
        "latest": f"{lot.ends_at:{FORM}}",
        "hours": "",
        **changed,
    }
    return {f"{prefix}-{name}": value for name, value in said.items()}


def one_option(lot: Lot, **changed: object) -> dict[str, object]:
    return {
        "options": "1",
        "option-0-legs": "1",
        "option-0-limit": "price",
        "option-0-amount": "2.5000",
        **typed(lot, **changed),
    }


def data_of(composer: Composer) -> dict[str, list[str]]:
    """What a browser would send back of what is shown."""
    sent: dict[str, list[str]] = {}
    for name, value in composer.typed_pairs():
        sent.setdefault(name, []).append(value)
    return sent


def shown(answer) -> Composer:
    return answer.context["composer"]


def errors_of(answer) -> dict[str, str]:
    assert answer.status_code == 422
    found = {}
    for form in shown(answer).forms:
        for name, messages in form.errors.items():
            found[f"{form.prefix}-{name}"] = " ".join(messages)
    return found


class TestTicket:
    def test_leads_here_and_starts_with_its_lot(self, auction: Auction, trader: Visit) -> None:
        simple = trader.client.get(reverse("auctions:bid_ticket", args=[auction.lot.pk])).content.decode()
        assert compose(auction.lot) in simple

        answer = trader.client.get(compose(auction.lot))

        (option,) = shown(answer).options
        (leg,) = option.leg_forms
        assert leg["lots"].value() == str(auction.lot.pk)
        assert leg["earliest"].value() == f"{auction.lot.starts_at:{FORM}}"
        assert "error-summary" not in answer.content.decode()

    def test_asks_a_visitor_to_log_in(self, auction: Auction, client) -> None:
        assert "Log in to bid" in client.get(compose(auction.lot)).content.decode()

    def test_tells_a_viewer_why_not(self, auction: Auction) -> None:
        viewer = visit(auction.buyer, Membership.Role.VIEWER)

        answer = viewer.client.post(compose(auction.lot), one_option(auction.lot) | {"do": "confirm"})

        assert answer.status_code == 403
        assert not Bid.objects.exists()


class TestEditing:
    def test_adds_and_takes_away_options_and_legs_and_keeps_what_was_typed(
        self, auction: Auction, trader: Visit
    ) -> None:
        said = one_option(auction.lot, units="half")

        added = shown(trader.client.post(compose(auction.lot), said | {"do": "add-option"}))
        assert [len(one.leg_forms) for one in added.options] == [1, 1]
        assert added.options[0].leg_forms[0]["units"].value() == "half"
        assert not any(form.is_bound for form in added.forms)

        data = data_of(added)
        legs = shown(trader.client.post(compose(auction.lot), data | {"do": "add-leg-1"}))
        assert [len(one.leg_forms) for one in legs.options] == [1, 2]
        assert legs.options[1].leg_forms[0]["parts"].value() == "all"

        data = data_of(legs)
        back = shown(trader.client.post(compose(auction.lot), data | {"do": "remove-leg-1-0"}))
        assert [len(one.leg_forms) for one in back.options] == [1, 1]
        data = data_of(back)
        assert (
            len(shown(trader.client.post(compose(auction.lot), data | {"do": "remove-option-0"})).options)
            == 1
        )

    @pytest.mark.parametrize(
        "action", ["remove-option-0", "remove-leg-0-0", "add-leg-9", "remove-leg", "nonsense"]
    )
    def test_what_does_not_apply_changes_nothing(self, auction: Auction, trader: Visit, action: str) -> None:
        answer = trader.client.post(compose(auction.lot), one_option(auction.lot) | {"do": action})

        assert [len(one.leg_forms) for one in shown(answer).options] == [1]

    @pytest.mark.parametrize("junk", [{}, {"options": "x"}, {"options": "-1"}, {"options": "99999999999"}])
    def test_what_is_no_bid_starts_over(self, auction: Auction, trader: Visit, junk: dict[str, str]) -> None:
        answer = trader.client.post(compose(auction.lot), junk)

        assert answer.status_code == 200
        assert len(shown(answer).options) == 1

    def test_tells_the_cost_while_typing(self, auction: Auction, trader: Visit) -> None:
        cost = trader.client.post(
            compose(auction.lot), one_option(auction.lot) | {"do": "cost"}
        ).content.decode()
        assert "$20.00" in cost
        assert "$99,980.00" in cost

        half = one_option(auction.lot, units="") | {"do": "cost"}
        assert "–" in trader.client.post(compose(auction.lot), half).content.decode()


class TestReview:
    def test_says_the_bid_in_words_and_places_nothing(
        self, auction: Auction, other: Lot, trader: Visit
    ) -> None:
        kind = auction.lot.block.resource_type
        said = {
            "options": "2",
            "option-0-legs": "2",
            "option-0-limit": "value",
            "option-0-amount": "80",
            **typed(auction.lot, parts="all"),
            **typed(other, prefix="option-0-leg-1", parts="all", units="8"),
            "option-1-legs": "1",
            "option-1-limit": "price",
            "option-1-amount": "2.5",
            **typed(
                auction.lot,
                prefix="option-1-leg-0",
                accept="filter",
                types=[str(kind.pk)],
                regions=["us-east", "us-west"],
                hours="1",
                parts="least",
                least="2",
            ),
            "do": "review",
        }

        answer = trader.client.post(compose(auction.lot), said)

        first, second = answer.context["words"]
        assert first.sentence.startswith("4 GPUs for ")
        assert f"on lot {other.pk} (" in first.legs[1]
        assert first.limit == "for $80.0000 in all at most"
        assert "2 to 4 GPUs for any 1 h in a row between" in second.sentence
        assert f"any {kind.name} lot in US East or US West" in second.sentence
        assert answer.context["matches"] == [1]
        assert "$80.00" in answer.content.decode()
        assert not Bid.objects.exists()

        back = trader.client.post(compose(auction.lot), data_of(shown(answer)) | {"do": "edit"})
        assert [len(one.leg_forms) for one in shown(back).options] == [2, 1]

    @pytest.mark.parametrize(
        ("changed", "field", "words"),
        [
            ({"units": "2.5"}, "option-0-leg-0-units", "not a whole number"),
            ({"units": "9"}, "option-0-leg-0-units", "offers 8 units"),
            ({"lots": "twelve"}, "option-0-leg-0-lots", "Write lot numbers"),
            ({"lots": ""}, "option-0-leg-0-lots", "at least one lot"),
            ({"lots": "999999999"}, "option-0-leg-0-lots", "no such lot"),
            ({"accept": "filter"}, "option-0-leg-0-types", "at least one type"),
            ({"accept": "filter", "types": ["x"]}, "option-0-leg-0-types", "x"),
            ({"accept": "elsewhere"}, "option-0-leg-0-accept", "valid choice"),
            ({"parts": "least"}, "option-0-leg-0-least", "at least"),
            ({"parts": "least", "least": "7"}, "option-0-leg-0-least", "between 1 and 4"),
            ({"earliest": "tomorrow"}, "option-0-leg-0-earliest", "a day and an hour"),
            ({"latest": ""}, "option-0-leg-0-latest", "until when"),
            ({"hours": "9"}, "option-0-leg-0-hours", "between 1 and 2 hours"),
            ({"hours": "x"}, "option-0-leg-0-hours", "whole number of hours"),
        ],
    )
    def test_explains_each_mistake_at_its_field(
        self, auction: Auction, trader: Visit, changed: dict[str, object], field: str, words: str
    ) -> None:
        answer = trader.client.post(
            compose(auction.lot), one_option(auction.lot, **changed) | {"do": "review"}
        )

        assert words in errors_of(answer)[field]
        assert "error-summary" in answer.content.decode()

    @pytest.mark.parametrize(
        ("amount", "words"),
        [
            ("", "the most you would pay"),
            ("0", "at least one tick"),
            ("1.23456", "four decimals"),
            ("9e9", "price"),
        ],
    )
    def test_explains_what_is_wrong_with_a_limit(
        self, auction: Auction, trader: Visit, amount: str, words: str
    ) -> None:
        said = one_option(auction.lot) | {"option-0-amount": amount, "do": "review"}

        assert words in errors_of(trader.client.post(compose(auction.lot), said))["option-0-amount"]

    def test_refuses_what_the_limit_does_not_cover(self, auction: Auction, trader: Visit) -> None:
        BiddingLimit.objects.filter(organization=auction.buyer).update(credit_cents=19_99)

        answer = trader.client.post(compose(auction.lot), one_option(auction.lot) | {"do": "review"})

        assert answer.status_code == 422
        assert "bidding limit" in " ".join(shown(answer).errors)


class TestConfirm:
    def test_places_one_bid_for_two_clicks(self, auction: Auction, trader: Visit) -> None:
        said = one_option(auction.lot, parts="all", hours="1") | {
            "do": "confirm",
            "request_key": str(uuid4()),
        }

        first = trader.client.post(compose(auction.lot), said)
        trader.client.post(compose(auction.lot), said)

        assert first.url == reverse("auctions:bid_list")
        (leg,) = terms_of(Bid.objects.get()).options[0].legs
        assert (leg.min_units, leg.hours) == (4, 1)
        assert Hold.objects.get().amount_cents == 10_00

    def test_leads_through_a_login_with_what_was_typed(self, auction: Auction, trader: Visit) -> None:
        trader.client.logout()

        answer = trader.client.post(
            compose(auction.lot), one_option(auction.lot, units="3") | {"do": "review"}
        )

        (back,) = parse_qs(urlsplit(answer.url).query)["next"]
        trader.client.force_login(trader.user)
        (option,) = shown(trader.client.get(back)).options
        assert option.leg_forms[0]["units"].value() == "3"


class TestOwnBids:
    def test_a_package_asks_for_the_units_of_all_its_parts_for_a_price_in_all(
        self, auction: Auction, trader: Visit, other: Lot
    ) -> None:
        legs = [leg_on(lot, units=8, min_units=8) for lot in (auction.lot, other)]
        place(auction, bid_of(option(*legs, value=800_000)))

        in_list = trader.client.get(reverse("auctions:bid_list")).text
        assert "16 GPUs" in in_list
        assert '$80.0000 <span class="muted small nowrap">in all</span>' in in_list

        close_and_clear(auction.window)
        result = trader.client.get(reverse("auctions:window", args=[auction.window.pk])).text
        assert "16 of 16 GPUs" in result
        assert "$80.0000 <span" in result

    def test_are_told_in_words_everywhere(self, auction: Auction, other: Lot, trader: Visit) -> None:
        bid = place(
            auction,
            bid_of(
                option(leg_on(auction.lot, min_units=4), leg_on(other, min_units=4), value=500_000),
                option(leg_on(other, units=8)),
            ),
        )
        words = "up to 8 GPUs for "

        for address in (reverse("auctions:bid_list"), reverse("auctions:bid_detail", args=[bid.pk])):
            page = trader.client.get(address).content.decode()
            assert words in page
            assert recompose(bid) in page

        close_and_clear(auction.window)
        for address in (
            reverse("auctions:bid_list"),
            reverse("auctions:bid_detail", args=[bid.pk]),
            reverse("auctions:window", args=[auction.window.pk]),
            reverse("auctions:award_list"),
        ):
            assert trader.client.get(address).status_code == 200
        assert (
            "the 2 parts" in trader.client.get(reverse("auctions:bid_detail", args=[bid.pk])).content.decode()
        )

    def test_with_a_filter_are_told_before_it_comes_to_anything(
        self, auction: Auction, trader: Visit
    ) -> None:
        wanted = ResourceTypeFactory(name="H900")
        said = one_option(auction.lot, accept="filter", types=[str(wanted.pk)]) | {"do": "confirm"}
        trader.client.post(compose(auction.lot), said)

        assert "any H900 lot" in trader.client.get(reverse("auctions:bid_list")).content.decode()

    def test_take_as_many_queries_for_many_as_for_one(
        self, auction: Auction, trader: Visit, django_assert_max_num_queries
    ) -> None:
        wanted = ResourceTypeFactory()
        said = one_option(auction.lot, accept="filter", types=[str(wanted.pk)], units="1") | {"do": "confirm"}
        for _ in range(10):
            trader.client.post(compose(auction.lot), said)

        with django_assert_max_num_queries(16):
            assert len(trader.client.get(reverse("auctions:bid_list")).context["bids"]) == 10

    def test_are_changed_as_they_were_said(self, auction: Auction, other: Lot, trader: Visit) -> None:
        terms = bid_of(option(leg_on(auction.lot, other, units=8, min_units=8, hours=1)))
        bid = place(auction, terms)
        simple = trader.client.get(reverse("auctions:bid_change", args=[bid.pk]))
        assert simple.url == recompose(bid)

        data = data_of(shown(trader.client.get(recompose(bid))))
        answer = trader.client.post(recompose(bid), data | {"option-0-amount": "3", "do": "confirm"})

        assert answer.url == reverse("auctions:bid_detail", args=[bid.pk])
        (changed,) = terms_of(Bid.objects.get()).options
        assert (changed.price_ticks, changed.legs) == (30_000, terms.options[0].legs)

    def test_keep_their_cost_beside_a_refusal(self, auction: Auction, trader: Visit) -> None:
        bid = place(auction, bid_of(option(leg_on(auction.lot, min_units=4))))

        data = data_of(shown(trader.client.get(recompose(bid)))) | {"option-0-leg-0-units": "9"}
        answer = trader.client.post(recompose(bid), data | {"option-0-amount": "2.5", "do": "review"})

        assert answer.status_code == 422
        assert answer.context["cost"].max_cents == 45_00  # 9 units × 2 h × $2.5000

    @pytest.mark.parametrize("do", ["review", "confirm"])
    def test_are_left_alone_by_a_stale_page(self, auction: Auction, trader: Visit, do: str) -> None:
        bid = place(auction, bid_of(option(leg_on(auction.lot, min_units=4))))
        page = trader.client.get(recompose(bid))
        assert f'name="sequence" value="{bid.sequence}"' in page.content.decode()
        data = data_of(shown(page)) | {"sequence": str(bid.sequence)}
        trader.client.post(recompose(bid), data | {"option-0-amount": "3", "do": "confirm"})

        edited = trader.client.post(recompose(bid), data | {"do": "edit"})
        assert edited.context["sequence"] == bid.sequence
        answer = trader.client.post(recompose(bid), data | {"option-0-amount": "1.5", "do": do})

        assert answer.status_code == 422
        assert "This bid was changed meanwhile" in answer.content.decode()
        assert answer.context["sequence"] == Bid.objects.get().sequence
        assert terms_of(Bid.objects.get()).options[0].price_ticks == 30_000

    def test_only_rise_while_frozen(self, auction: Auction, trader: Visit) -> None:
        bid = place(auction, bid_of(option(leg_on(auction.lot, min_units=4))))
        turn_clock_past_freeze(auction.window)

        page = trader.client.get(recompose(bid))
        assert "Or: add an option" not in page.content.decode()

        data = data_of(shown(page))
        answer = trader.client.post(recompose(bid), data | {"option-0-amount": "1.5", "do": "confirm"})
        assert "can only rise" in errors_of(answer)["option-0-amount"]

    def test_of_others_are_unknown(self, auction: Auction, trader: Visit) -> None:
        theirs = bid_on(auction.lot, auction.rival)

        assert trader.client.get(recompose(theirs)).status_code == 404

    def test_of_a_lot_already_begun_keep_their_hours(self, auction: Auction, trader: Visit) -> None:
        later = {"earliest": f"{auction.lot.starts_at + HOUR:{FORM}}"}

        trader.client.post(compose(auction.lot), one_option(auction.lot, **later) | {"do": "confirm"})

        (leg,) = terms_of(Bid.objects.get()).options[0].legs
        assert (leg.earliest_at, leg.hours) == (auction.lot.starts_at + HOUR, 1)
