"""A buyer that did not pay, or took its card away, puts nothing new at stake; what is there can be taken back."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import BiddingLimit, Membership, Organization
from auctions.models import Bid, Lot
from auctions.operations.bids import cancel_bid, change_bid, place_bid
from auctions.policies import BidRejected
from auctions.terms import single_lot_terms
from settlements.models import Settlement
from settlements.operations.cards import remove_card
from settlements.operations.charging import charge_settlement, pay_settlement
from settlements.operations.suspensions import NO_CARD
from tests.factories import BuyerFactory, LotFactory, MembershipFactory
from tests.integration.settlements.steps import put_on_file, settlement_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
DECLINES = "pm_card_chargeCustomerFail"
ASKS_THE_HOLDER = "pm_card_authenticationRequired"


def charged(buyer: Organization) -> Settlement:
    return charge(settlement_of(1200, buyer=buyer))


def charge(settlement: Settlement) -> Settlement:
    charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    return settlement


def pay(settlement: Settlement, card: str = "pm_card_visa") -> None:
    on_file = put_on_file(settlement.organization, card)
    pay_settlement(
        organization_id=settlement.organization_id,
        settlement_id=settlement.pk,
        payment_method_id=on_file.pk,
    )


def place(buyer: Organization, lot: Lot, *, units: int = 2) -> Bid:
    terms = single_lot_terms(lot, units=units, price_ticks=20_000)
    return place_bid(organization=buyer, placed_by=None, window_id=lot.window_id, terms=terms)


def reason_for(buyer: Organization) -> str:
    return BiddingLimit.objects.get(pk=buyer.pk).suspended_reason


class TestAfterADecline:
    def test_new_bids_wait_until_it_is_paid(self) -> None:
        buyer, lot = BuyerFactory(), LotFactory()
        put_on_file(buyer, DECLINES)
        settlement = charged(buyer)

        with pytest.raises(BidRejected, match=r"A payment of \$12.00 was declined") as refused:
            place(buyer, lot)
        assert (refused.value.code, refused.value.field) == ("limit_suspended", "limit")
        assert place(BuyerFactory(), lot).pk

        pay(settlement)
        assert reason_for(buyer) == ""
        assert place(buyer, lot).status == Bid.Status.PLACED

    def test_bids_in_the_book_can_be_lowered_and_cancelled(self) -> None:
        buyer, lot = BuyerFactory(), LotFactory()
        put_on_file(buyer, DECLINES)
        bid = place(buyer, lot, units=4)
        charged(buyer)

        lower, higher = (single_lot_terms(lot, units=units, price_ticks=20_000) for units in (3, 5))
        with pytest.raises(BidRejected, match="was declined"):
            change_bid(organization=buyer, changed_by=None, bid_id=bid.pk, terms=higher)
        change_bid(organization=buyer, changed_by=None, bid_id=bid.pk, terms=lower)
        cancelled = cancel_bid(organization=buyer, cancelled_by=None, bid_id=bid.pk)

        assert cancelled.status == Bid.Status.CANCELLED

    def test_lasts_until_the_last_of_several_is_paid(self) -> None:
        buyer = BuyerFactory()
        first, second = settlement_of(1200, buyer=buyer), settlement_of(3400, buyer=buyer)
        put_on_file(buyer, DECLINES)
        charge(first)
        charge(second)

        pay(first)
        assert "$34.00" in reason_for(buyer)
        pay(second)
        assert reason_for(buyer) == ""

    def test_a_payment_left_half_way_does_not_lift_it(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, DECLINES)
        settlement = charged(buyer)
        pay(settlement, ASKS_THE_HOLDER)

        settlement.refresh_from_db()
        assert settlement.status == Settlement.Status.ACTION_REQUIRED
        assert "$12.00" in reason_for(buyer)

    def test_a_bank_that_asks_for_the_cardholder_has_declined_nothing(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, ASKS_THE_HOLDER)

        assert charged(buyer).status == Settlement.Status.ACTION_REQUIRED
        assert reason_for(buyer) == ""

    def test_the_page_says_so(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, DECLINES)
        charged(buyer)
        client = Client()
        client.force_login(MembershipFactory(organization=buyer, role=Membership.Role.TRADER).user)

        assert (
            "A payment of $12.00 was declined"
            in client.get(reverse("accounts:organization")).content.decode()
        )


class TestWithoutACard:
    def test_new_bids_wait_for_another_once_the_last_is_gone(self) -> None:
        buyer, lot = BuyerFactory(), LotFactory()
        card = put_on_file(buyer)
        remove_card(organization_id=buyer.pk, payment_method_id=card.pk)

        assert reason_for(buyer) == NO_CARD
        with pytest.raises(BidRejected, match="no card on file"):
            place(buyer, lot)

        put_on_file(buyer, "pm_card_mastercard")
        assert place(buyer, lot).status == Bid.Status.PLACED

    def test_a_limit_from_finance_needs_none(self) -> None:
        assert place(BuyerFactory(), LotFactory()).status == Bid.Status.PLACED
