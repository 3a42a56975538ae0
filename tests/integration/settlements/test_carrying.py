"""Amounts too small for a card: carried into the next settlement, booked each by itself, or written off by finance."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Hold, Organization
from settlements import ledger
from settlements.models import CollectionDecision, Settlement, Transaction
from settlements.operations.carrying import CARRIED_FOR
from settlements.operations.charging import charge_settlement
from tests.factories import BuyerFactory, MembershipFactory, UserFactory
from tests.integration.settlements.dunning_steps import deadline_of, due_settlement, run_until
from tests.integration.settlements.steps import n_payments, put_on_file, settlement_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status


@pytest.fixture
def buyer() -> Organization:
    buyer = BuyerFactory()
    put_on_file(buyer)
    return buyer


@pytest.fixture
def finance() -> Client:
    client = Client()
    client.force_login(UserFactory(is_finance=True))
    return client


def owed(buyer: Organization) -> int:
    return ledger.balance_cents(ledger.buyer_receivable(buyer.pk))


def age(settlement: Settlement, by: timedelta = CARRIED_FOR) -> None:
    Settlement.objects.filter(pk=settlement.pk).update(created_at=settlement.created_at - by)


class TestCarrying:
    def test_the_next_settlement_collects_it_and_each_is_booked_by_itself(self, buyer: Organization) -> None:
        small = settlement_of(30, buyer=buyer)
        assert small.status == Status.CARRIED

        large = settlement_of(10_000, buyer=buyer)
        assert (large.carried_in_cents, large.to_collect_cents) == (30, 10_030)
        charge_settlement(settlement_id=large.pk)

        small.refresh_from_db()
        assert (small.status, small.carried_into_id) == (Status.PAID, large.pk)
        assert large.attempts.get().amount_cents == 10_030
        assert owed(buyer) == 0
        booked = Transaction.objects.get(reference=f"settlement:{small.pk}:charge:carried")
        assert sorted(entry.amount_cents for entry in booked.entries.all()) == [-30, 30]
        assert ledger.balance_cents(ledger.STRIPE_PENDING) == 10_030 - 321
        assert not Hold.objects.filter(released_at=None).exists()

    def test_several_that_are_enough_together_are_charged(self, buyer: Organization) -> None:
        first, second = settlement_of(20, buyer=buyer), settlement_of(20, buyer=buyer)
        third = settlement_of(20, buyer=buyer)

        assert (second.status, third.status, third.to_collect_cents) == (Status.CARRIED, Status.DUE, 60)
        assert charge_settlement(settlement_id=third.pk) == Status.PAID

        assert set(Settlement.objects.values_list("status", flat=True)) == {Status.PAID}
        assert set(Settlement.objects.filter(carried_into=third)) == {first, second}
        assert n_payments() == 1
        assert owed(buyer) == 0

    def test_is_carried_once(self, buyer: Organization) -> None:
        settlement_of(30, buyer=buyer)
        settlement_of(10_000, buyer=buyer)

        assert settlement_of(5_000, buyer=buyer).to_collect_cents == 5_000

    def test_nothing_to_pay_carries_nothing(self, buyer: Organization) -> None:
        small = settlement_of(30, buyer=buyer)
        settlement_of(0, buyer=buyer)

        small.refresh_from_db()
        assert (small.status, small.carried_into_id) == (Status.CARRIED, None)

    def test_another_buyers_is_left_alone(self, buyer: Organization) -> None:
        settlement_of(30)

        assert settlement_of(10_000, buyer=buyer).carried_in_cents == 0

    def test_waits_for_another_when_its_collector_defaults(self) -> None:
        buyer = BuyerFactory()
        small = settlement_of(30, buyer=buyer)
        large = due_settlement(buyer)
        run_until(deadline_of(large))
        put_on_file(buyer)

        next_one = settlement_of(10_000, buyer=buyer)

        small.refresh_from_db()
        large.refresh_from_db()
        assert (large.status, large.carried_in_cents) == (Status.DEFAULTED, 0)
        assert small.carried_into_id == next_one.pk
        assert owed(buyer) == 10_030

    def test_the_pages_say_where_it_went(self, buyer: Organization) -> None:
        small = settlement_of(30, buyer=buyer)
        large = settlement_of(10_000, buyer=buyer)
        client = Client()
        client.force_login(MembershipFactory(organization=buyer).user)

        def page(settlement: Settlement) -> str:
            address = reverse("settlements:own_settlement_detail", args=[settlement.pk])
            return client.get(address).content.decode()

        assert f"Settlement {large.pk} collects it" in page(small)
        assert "Carried in from" in page(large)
        assert "$100.30" in page(large)


class TestTheDatabaseRefuses:
    def test_a_sum_that_is_not_what_is_carried_in(self, buyer: Organization) -> None:
        settlement_of(30, buyer=buyer)
        large = settlement_of(10_000, buyer=buyer)

        with pytest.raises(IntegrityError, match="collect what is carried"), transaction.atomic():
            Settlement.objects.filter(pk=large.pk).update(carried_in_cents=31)

    def test_letting_go_of_one_alone(self, buyer: Organization) -> None:
        small = settlement_of(30, buyer=buyer)
        settlement_of(10_000, buyer=buyer)

        with pytest.raises(IntegrityError, match="collect what is carried"), transaction.atomic():
            Settlement.objects.filter(pk=small.pk).update(carried_into=None)

    def test_carrying_what_a_card_takes(self, buyer: Organization) -> None:
        large, other = settlement_of(10_000, buyer=buyer), settlement_of(10_000, buyer=buyer)

        with pytest.raises(IntegrityError, match="carried_while_too_small"), transaction.atomic():
            Settlement.objects.filter(pk=large.pk).update(carried_into=other)


class TestWriteOff:
    def post(self, client: Client, *settlements: Settlement, **fields: str) -> tuple[int, str]:
        form = {"settlement": [own.pk for own in settlements], "account": "rounding", "reason": "Q3 close"}
        answer = client.post(reverse("settlements:carried_list"), form | fields)
        return answer.status_code, answer.content.decode()

    @pytest.mark.parametrize("account", ["rounding", "losses"])
    def test_books_it_where_finance_says_and_records_who(self, finance: Client, account: str) -> None:
        small = settlement_of(30)
        age(small)

        assert self.post(finance, small, account=account)[0] == 302

        small.refresh_from_db()
        assert small.status == Status.WRITTEN_OFF
        assert owed(small.organization) == 0
        key = ledger.ROUNDING if account == "rounding" else ledger.LOSSES
        assert ledger.balance_cents(key) == 30
        assert CollectionDecision.objects.get().reason == "Q3 close"
        assert not Hold.objects.filter(released_at=None).exists()

    def test_refuses_what_is_too_young_and_writes_off_none(self, finance: Client) -> None:
        old, young = settlement_of(30), settlement_of(31)
        age(old)

        status, page = self.post(finance, old, young)

        assert (status, "may be written off from" in page) == (422, True)
        assert set(Settlement.objects.values_list("status", flat=True)) == {Status.CARRIED}

    def test_refuses_what_another_collects_now(self, finance: Client, buyer: Organization) -> None:
        small = settlement_of(30, buyer=buyer)
        age(small)
        large = settlement_of(10_000, buyer=buyer)

        status, page = self.post(finance, small)

        assert (status, f"is collected with settlement {large.pk}" in page) == (422, True)

    def test_refuses_to_do_it_twice_or_to_nothing(self, finance: Client) -> None:
        small = settlement_of(30)
        age(small)
        self.post(finance, small)

        assert "is written off. Nothing" in self.post(finance, small)[1]
        assert "Choose at least one" in self.post(finance)[1]

    def test_is_finances_alone(self) -> None:
        client = Client()
        client.force_login(MembershipFactory(organization=BuyerFactory()).user)

        assert client.get(reverse("settlements:carried_list")).status_code == 403

    def test_lists_what_waits_with_as_many_queries_for_many(
        self, finance: Client, django_assert_num_queries: object
    ) -> None:
        for _ in range(3):
            settlement_of(30)

        with django_assert_num_queries(4):  # type: ignore[operator]
            page = finance.get(reverse("settlements:carried_list")).content.decode()
        assert page.count("$0.30") == 3
