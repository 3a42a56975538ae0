"""What a card on file brings: the starting limit, once per organization and once per number."""

import pytest
from pytest_django import Settings

from accounts.models import BiddingLimit, Organization
from accounts.operations import set_credit
from settlements.models import Customer
from settlements.operations.cards import remove_card
from settlements.operations.customers import ensure_customer
from settlements.queries.cards import why_no_limit
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory
from tests.integration.settlements.steps import put_on_file, stripe_client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
STARTING_LIMIT = 25_000_00


@pytest.fixture(autouse=True)
def starting_limit(settings: Settings, stripe_sandbox: SandboxServer) -> None:
    settings.STARTING_LIMIT_CENTS = STARTING_LIMIT
    settings.STARTING_LIMIT_ONCE_PER_CARD = True


def limit_of(organization: Organization) -> int:
    return BiddingLimit.objects.get(pk=organization.pk).limit_cents


class TestStartingLimit:
    def test_comes_once_for_the_same_number(self) -> None:
        first, second = BuyerFactory(limit_cents=0), BuyerFactory(limit_cents=0)
        put_on_file(first)
        put_on_file(second)

        assert (limit_of(first), limit_of(second)) == (STARTING_LIMIT, 0)
        assert why_no_limit(first.pk) == ""
        assert "to another organization before" in why_no_limit(second.pk)

        put_on_file(second, "pm_card_mastercard")
        assert limit_of(second) == STARTING_LIMIT

    def test_a_number_stays_spent_when_its_card_is_removed(self) -> None:
        first, second = BuyerFactory(limit_cents=0), BuyerFactory(limit_cents=0)
        card = put_on_file(first)
        remove_card(organization_id=first.pk, payment_method_id=card.pk)
        put_on_file(second)

        assert limit_of(second) == 0

    def test_test_numbers_are_everybodys(self, settings: Settings) -> None:
        settings.STARTING_LIMIT_ONCE_PER_CARD = False
        first, second = BuyerFactory(limit_cents=0), BuyerFactory(limit_cents=0)
        put_on_file(first)
        put_on_file(second)

        assert (limit_of(first), limit_of(second)) == (STARTING_LIMIT, STARTING_LIMIT)

    def test_does_not_come_back_after_finance_took_it(self) -> None:
        buyer = BuyerFactory(limit_cents=0)
        first = put_on_file(buyer)
        set_credit(organization=buyer, credit_cents=0, reason="None")
        remove_card(organization_id=buyer.pk, payment_method_id=first.pk)
        put_on_file(buyer, "pm_card_mastercard")

        assert limit_of(buyer) == 0
        assert "set your bidding limit to $0.00" in why_no_limit(buyer.pk)

    def test_a_limit_set_by_finance_spends_no_number(self) -> None:
        own, other = BuyerFactory(limit_cents=0), BuyerFactory(limit_cents=0)
        set_credit(organization=own, credit_cents=100, reason="Some")
        put_on_file(own)
        put_on_file(other)

        assert (limit_of(own), limit_of(other)) == (100, STARTING_LIMIT)


class TestCustomer:
    def test_a_failure_that_stripe_remembers_is_asked_anew(self, stripe_sandbox: SandboxServer) -> None:
        buyer = BuyerFactory()
        stripe_sandbox.sandbox.faults.arm_api(
            ApiFault(kind="error", phase="after", method="POST", path="/v1/customers")
        )
        with pytest.raises(OutcomeUnknown):
            ensure_customer(buyer.pk)

        stripe_id = ensure_customer(buyer.pk)

        assert Customer.objects.get(organization=buyer).stripe_id == stripe_id

    def test_an_answer_that_is_lost_is_asked_for_again(
        self, stripe_sandbox: SandboxServer, settings: Settings
    ) -> None:
        buyer = BuyerFactory()
        settings.STRIPE_READ_TIMEOUT_S = 0.2
        stripe_sandbox.sandbox.faults.arm_api(
            ApiFault(kind="timeout", phase="after", method="POST", path="/v1/customers")
        )
        with pytest.raises(OutcomeUnknown):
            ensure_customer(buyer.pk)
        stripe_sandbox.sandbox.faults.release()
        settings.STRIPE_READ_TIMEOUT_S = 20.0

        ensure_customer(buyer.pk)

        of_buyer = [
            customer
            for customer in stripe_client().v1.customers.list({"limit": 100}).data
            if customer.metadata["organization"] == str(buyer.pk)
        ]
        assert len(of_buyer) == 1
