import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.holds import (
    HoldForDebt,
    LimitExceeded,
    LimitSuspended,
    grant_starting_limit,
    hold_debts,
    lower_holds,
    release_holds,
    set_hold,
    suspend_limit,
)
from accounts.models import BiddingLimit, Hold, Organization
from tests.factories import BuyerFactory

pytestmark = pytest.mark.django_db


def held(organization: Organization) -> int:
    return BiddingLimit.objects.get(pk=organization.pk).held_cents


def live(organization: Organization) -> dict[str, int]:
    holds = Hold.objects.filter(organization=organization, released_at=None)
    return dict(holds.values_list("reference", "amount_cents"))


class TestSetHold:
    def test_takes_changes_and_gives_back(self):
        buyer = BuyerFactory(limit_cents=100)
        seen = []
        for cents in (60, 100, 30, 0):
            set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=cents)
            seen.append((held(buyer), live(buyer)))

        assert seen == [(60, {"bid:1": 60}), (100, {"bid:1": 100}), (30, {"bid:1": 30}), (0, {})]

    def test_refuses_to_exceed_the_limit_and_says_by_what(self):
        buyer = BuyerFactory(limit_cents=100)
        set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=70)

        with pytest.raises(LimitExceeded) as exceeded:
            set_hold(organization_id=buyer.pk, reference="bid:2", amount_cents=31)

        refusal = exceeded.value
        assert (refusal.limit_cents, refusal.held_cents, refusal.asked_cents) == (100, 70, 31)
        assert live(buyer) == {"bid:1": 70}

    def test_counts_only_the_rise_of_a_hold_that_is_there(self):
        buyer = BuyerFactory(limit_cents=100)
        set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=80)

        set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=100)

        assert held(buyer) == 100

    def test_lowers_even_above_a_limit_that_was_cut(self):
        buyer = BuyerFactory(limit_cents=100)
        set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=100)
        BiddingLimit.objects.update(credit_cents=10)

        set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=90)

        assert held(buyer) == 90
        with pytest.raises(LimitExceeded):
            set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=91)

    def test_suspended_it_only_falls(self):
        buyer = BuyerFactory(limit_cents=100)
        set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=50)
        suspend_limit(organization_id=buyer.pk, reason="Pay first.")

        for reference, cents in (("bid:1", 51), ("bid:2", 1)):
            with pytest.raises(LimitSuspended, match="Pay first"):
                set_hold(organization_id=buyer.pk, reference=reference, amount_cents=cents)
        for cents in (50, 40, 0):
            set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=cents)

        assert held(buyer) == 0

    def test_a_reference_may_be_held_again_after_its_release(self):
        buyer = BuyerFactory(limit_cents=100)
        for cents in (5, 0, 6):
            set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=cents)

        assert live(buyer) == {"bid:1": 6}
        assert Hold.objects.filter(released_at__isnull=False).count() == 1


class TestLowerHolds:
    def test_lowers_and_releases_for_many_organizations_at_once(self):
        one, two = BuyerFactory(limit_cents=100), BuyerFactory(limit_cents=100)
        set_hold(organization_id=one.pk, reference="bid:1", amount_cents=50)
        set_hold(organization_id=one.pk, reference="bid:2", amount_cents=50)
        set_hold(organization_id=two.pk, reference="bid:3", amount_cents=40)

        lower_holds(amounts={"bid:1": 20, "bid:2": 0, "bid:3": 40, "bid:99": 0})

        assert (held(one), live(one)) == (20, {"bid:1": 20})
        assert (held(two), live(two)) == (40, {"bid:3": 40})

    def test_never_raises_a_hold(self):
        buyer = BuyerFactory(limit_cents=100)
        set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=50)

        with pytest.raises(ValueError, match="51 would raise it"):
            lower_holds(amounts={"bid:1": 51})

    def test_releasing_twice_gives_back_once(self):
        buyer = BuyerFactory(limit_cents=100)
        set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=50)

        release_holds(references=["bid:1"])
        release_holds(references=["bid:1"])

        assert held(buyer) == 0


class TestHeldCents:
    """The law: what is held is the sum of the live holds and, raised by bids alone, never exceeds the limit."""

    @hypothesis_settings(
        max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        steps=st.lists(
            st.tuples(st.sampled_from(["set", "lower", "release"]), st.integers(1, 4), st.integers(0, 120)),
            max_size=25,
        )
    )
    def test_is_the_sum_of_live_holds(self, db, steps):
        buyer = BuyerFactory(limit_cents=200)
        expected: dict[str, int] = defaultdict(int)
        for verb, number, cents in steps:
            reference = f"{buyer.pk}:{number}"
            if verb == "set":
                try:
                    set_hold(organization_id=buyer.pk, reference=reference, amount_cents=cents)
                    expected[reference] = cents
                except LimitExceeded:
                    assert sum(expected.values()) - expected[reference] + cents > 200
            elif verb == "lower":
                expected[reference] = min(expected[reference], cents)
                lower_holds(amounts={reference: expected[reference]})
            else:
                expected[reference] = 0
                release_holds(references=[reference])

        assert live(buyer) == {reference: cents for reference, cents in expected.items() if cents}
        assert held(buyer) == sum(expected.values()) <= 200


class TestHoldDebts:
    def test_put_a_debt_in_the_place_of_bids_even_above_the_limit(self):
        buyer = BuyerFactory(limit_cents=100)
        set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=60)
        set_hold(organization_id=buyer.pk, reference="bid:2", amount_cents=40)
        BiddingLimit.objects.update(credit_cents=0)

        debt = HoldForDebt(organization_id=buyer.pk, reference="settlement:1", amount_cents=75)
        hold_debts(released=["bid:1", "bid:2"], debts=[debt])

        assert (held(buyer), live(buyer)) == (75, {"settlement:1": 75})


class TestStartingLimit:
    @pytest.mark.parametrize(("before", "after"), [(0, 25_000_00), (1, 1), (90_000_00, 90_000_00)])
    def test_is_granted_only_where_there_was_none(self, before, after, settings):
        settings.STARTING_LIMIT_CENTS = 25_000_00
        buyer, other = BuyerFactory(limit_cents=before), BuyerFactory(limit_cents=0)

        grant_starting_limit(organization_id=buyer.pk)

        assert BiddingLimit.objects.get(pk=buyer.pk).limit_cents == after
        assert BiddingLimit.objects.get(pk=other.pk).limit_cents == 0

    def test_is_granted_once_and_not_over_finances_zero(self, settings):
        granted, refused = BuyerFactory(limit_cents=0), BuyerFactory(limit_cents=0)
        assert grant_starting_limit(organization_id=granted.pk)
        BiddingLimit.objects.filter(pk=refused.pk).update(limit_set_at=Now())
        BiddingLimit.objects.filter(pk=granted.pk).update(credit_cents=0)

        assert not grant_starting_limit(organization_id=granted.pk)
        assert not grant_starting_limit(organization_id=refused.pk)
        assert set(BiddingLimit.objects.values_list("limit_cents", flat=True)) == {0}


class TestInvariants:
    def test_nothing_negative_is_held(self):
        with pytest.raises(IntegrityError, match="held_not_negative"):
            BiddingLimit.objects.filter(pk=BuyerFactory().pk).update(held_cents=-1)

    def test_a_hold_is_more_than_nothing(self):
        with pytest.raises(IntegrityError, match="hold_positive"):
            Hold.objects.create(organization=BuyerFactory(), reference="bid:1", amount_cents=0)

    def test_a_reference_is_held_once(self):
        buyer = BuyerFactory()
        Hold.objects.create(organization=buyer, reference="bid:1", amount_cents=1)

        with pytest.raises(IntegrityError, match="hold_one_live_per_reference"):
            Hold.objects.create(organization=buyer, reference="bid:1", amount_cents=1)


def run_together(*works: Callable[[], None]) -> None:
    """Run each of ``works`` on a thread and connection of its own, all let go at once; raise what one raised."""
    ready = threading.Barrier(len(works), timeout=30)

    def run(work: Callable[[], None]) -> None:
        ready.wait()
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(run, work) for work in works]:
            future.result(timeout=60)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_only_one_of_two_gets_the_last_cents(self):
        buyer = BuyerFactory(limit_cents=100)
        with transaction.atomic():
            set_hold(organization_id=buyer.pk, reference="bid:0", amount_cents=40)
        outcomes = []

        def bid(number: int) -> None:
            try:
                with transaction.atomic():
                    set_hold(organization_id=buyer.pk, reference=f"bid:{number}", amount_cents=60)
                outcomes.append("held")
            except LimitExceeded:
                outcomes.append("refused")

        run_together(lambda: bid(1), lambda: bid(2))

        assert sorted(outcomes) == ["held", "refused"]
        assert held(buyer) == sum(live(buyer).values()) == 100

    def test_lowering_in_opposite_orders_does_not_deadlock(self):
        buyers = [BuyerFactory(limit_cents=1_000) for _ in range(2)]
        with transaction.atomic():
            for buyer, number in product(buyers, range(20)):
                set_hold(organization_id=buyer.pk, reference=f"bid:{buyer.pk}-{number}", amount_cents=10)
        references = [f"bid:{buyer.pk}-{number}" for buyer in buyers for number in range(20)]

        def lower(own: list[str]) -> None:
            for reference in own:
                with transaction.atomic():
                    lower_holds(amounts={reference: 3, own[-1]: 3})

        run_together(lambda: lower(references), lambda: lower(references[::-1]))

        for buyer in buyers:
            total = Hold.objects.filter(organization=buyer, released_at=None).aggregate(
                cents=Sum("amount_cents")
            )
            assert held(buyer) == total["cents"] == 20 * 3
