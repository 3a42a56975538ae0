"""The laws of the market, on random small books against an exhaustive search."""

from __future__ import annotations

import copy
import itertools
import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine import book_from_document, canonical_json, clear

from .books import books
from .exhaustive import ExhaustiveClearing

Document = dict[str, Any]


def cleared(book: Document) -> Document:
    return clear(book_from_document(book)).to_document()


def shuffled(value: Any, rng: random.Random, *, rows: bool = True) -> Any:
    """Shuffle keys everywhere, and rows where the order of rows means nothing."""
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {
            key: shuffled(value[key], rng, rows=key in ("lots", "bids") and "hours" in value) for key in keys
        }
    if isinstance(value, list):
        items = [shuffled(item, rng) for item in value]
        if rows and all(isinstance(item, dict) for item in items):
            rng.shuffle(items)
        return items
    return value


class TestWinners:
    @given(books())
    def test_no_division_has_more_surplus_and_ties_go_by_the_rule(self, book):
        best = ExhaustiveClearing(book)

        clearing = cleared(book)

        assert clearing["surplus"] == best.surplus
        assert {award["bid"]: award["units"] for award in clearing["awards"]} == best.awards

    @given(books(max_lots=4, max_bids=12))
    def test_sells_no_more_than_every_hour_offers(self, book):
        clearing = cleared(book)

        sold = {(row["lot"], row["hour"]): row["sold"] for row in clearing["prices"]}
        for lot in book["lots"]:
            capacity = lot.get("capacity", [lot["units"]] * (lot["end"] - lot["start"]))
            won = sum(award["units"] for award in clearing["awards"] if award["lot"] == lot["id"])
            for hour, offered in zip(range(lot["start"], lot["end"]), capacity, strict=True):
                assert sold[lot["id"], hour] == won <= offered
            assert won % lot["unit_step"] == 0

    @given(books(max_lots=4, max_bids=12))
    def test_never_sells_an_organization_its_own_lot(self, book):
        seller = {lot["id"]: lot["seller"] for lot in book["lots"]}
        bidder = {bid["id"]: bid["bidder"] for bid in book["bids"]}

        assert all(seller[award["lot"]] != bidder[award["bid"]] for award in cleared(book)["awards"])


class TestPayments:
    @given(books())
    def test_are_what_the_others_lose(self, book):
        best = ExhaustiveClearing(book)

        clearing = cleared(book)

        assert clearing["payments"] == clearing["vcg"]
        assert set(clearing["vcg"]) == {bid["bidder"] for bid in book["bids"] if bid["id"] in best.awards}
        for bidder, amount in clearing["vcg"].items():
            assert amount == best.vcg(bidder)

    @given(books())
    def test_leave_no_coalition_that_offers_more(self, book):
        best, clearing = ExhaustiveClearing(book), cleared(book)
        gain = {bidder: -amount for bidder, amount in clearing["payments"].items()}
        bidder_of = {bid["id"]: bid["bidder"] for bid in book["bids"]}
        for award in clearing["awards"]:
            gain[bidder_of[award["bid"]]] += award["value"]
        sellers_gain = clearing["surplus"] - sum(gain.values())

        everyone = sorted(set(bidder_of.values()))
        for size in range(len(everyone) + 1):
            for coalition in itertools.combinations(everyone, size):
                ours = sellers_gain + sum(gain.get(bidder, 0) for bidder in coalition)
                assert best.coalition_surplus(set(coalition)) <= ours

    @given(books(max_lots=4, max_bids=12))
    def test_lie_between_reserve_and_value_award_by_award_and_add_up(self, book):
        clearing = cleared(book)

        bidder_of = {bid["id"]: bid["bidder"] for bid in book["bids"]}
        lots = {lot["id"]: lot for lot in book["lots"]}
        paid: dict[str, int] = {}
        for award in clearing["awards"]:
            lot = lots[award["lot"]]
            hours = lot["end"] - lot["start"]
            reserve = lot["reserve"] if isinstance(lot["reserve"], list) else [lot["reserve"]] * hours
            assert award["units"] * sum(reserve) <= award["amount"] <= award["value"]
            bidder = bidder_of[award["bid"]]
            paid[bidder] = paid.get(bidder, 0) + award["amount"]
        assert paid == clearing["payments"]
        assert sum(paid.values()) == clearing["revenue"]


class TestPrices:
    @given(books(max_lots=4, max_bids=12))
    def test_average_paid_is_at_most_the_marginal_price_and_never_below_reserve(self, book):
        lots = {lot["id"]: lot for lot in book["lots"]}
        for row in cleared(book)["prices"]:
            reserve = lots[row["lot"]]["reserve"]
            average_reserve = sum(reserve) // len(reserve) if isinstance(reserve, list) else reserve
            assert row["paid"] <= row["marginal"]
            assert row["marginal"] >= average_reserve
            assert row["paid"] >= average_reserve if row["sold"] else row["paid"] == 0


class TestLosers:
    @given(books())
    def test_every_bid_either_wins_or_loses(self, book):
        clearing = cleared(book)

        won = [award["bid"] for award in clearing["awards"]]
        lost = [loser["bid"] for loser in clearing["losers"]]
        assert sorted(won + lost) == sorted(bid["id"] for bid in book["bids"])

    @given(books())
    def test_minimum_to_win_wins_and_one_tick_less_loses(self, book):
        for loser in cleared(book)["losers"]:
            minimum = loser["minimum_to_win"]
            if minimum is None:
                assert loser["reason"] == "cannot_fit"
                assert not wins_at(book, loser["bid"], 1000)
                continue
            assert wins_at(book, loser["bid"], minimum)
            assert minimum == 0 or not wins_at(book, loser["bid"], minimum - 1)


def wins_at(book: Document, name: str, limit: int) -> bool:
    changed = copy.deepcopy(book)
    (bid,) = (bid for bid in changed["bids"] if bid["id"] == name)
    option = bid["options"][0]
    option["price" if "price" in option else "value"] = limit
    return name in ExhaustiveClearing(changed).awards


class TestOrderOfRows:
    @given(books(max_lots=4, max_bids=12), st.randoms(use_true_random=False))
    def test_changes_no_byte(self, book, rng):
        other = shuffled(book, rng)

        assert canonical_json(cleared(book)) == canonical_json(cleared(other))

    @settings(max_examples=20)
    @given(books(max_lots=4, max_bids=12))
    def test_equal_sequences_are_told_apart_by_id(self, book):
        for bid in book["bids"]:
            bid["sequence"] = 7
        backwards = json.loads(json.dumps(book))
        backwards["bids"].reverse()

        assert canonical_json(cleared(book)) == canonical_json(cleared(backwards))
