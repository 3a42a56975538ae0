"""Reconciling: what ties stays silent, and a mismatch of each kind is found."""

from datetime import UTC, timedelta

import pytest
from django.db import transaction

from auctions.models import Award
from marketplace.db import database_now
from settlements import stripe_gateway as gateway
from settlements.models import (
    Account,
    BalanceDay,
    BalanceMovement,
    BankPayout,
    Mismatch,
    PendingFunds,
    Settlement,
    SettlementLine,
)
from settlements.operations.balances import count_days, days_of, read_balance
from settlements.operations.bank_payouts import apply_payout
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import settle_window
from settlements.operations.funds import book_available
from settlements.operations.reconciliation import import_movements, look_for_mismatches, take_in, tie_payout
from settlements.queries.bank_payouts import held_page
from settlements.queries.mismatches import FINDERS, NEXT_ACTION
from settlements.queries.reconciliation import balances, days, window_steps
from settlements.stripe_facts import Movement
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_reconciliation
from tests.factories import BuyerFactory, WindowFactory
from tests.integration.settlements.reconciliation_steps import (
    bank_payout,
    charge_of,
    found,
    later,
    movement,
    overrule,
    paid,
)
from tests.integration.settlements.steps import mark_cleared, put_on_file, settlement_of, stripe_client, win
from tests.integration.stripe_sandbox.steps import control

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Kind = Mismatch.Kind
AT_STRIPE = ("stripe_available", "stripe_pending")


def two_of(kinds: tuple[str, str]) -> list[int]:
    """Ids of two accounts of the house, opened where they are missing."""
    return [Account.objects.get_or_create(kind=kind, organization=None)[0].pk for kind in kinds]


class TestWhatTies:
    def test_is_silent_from_clearing_to_stripe(self) -> None:
        settlement = paid()

        count_days(days_of(import_movements(now=database_now())), now=database_now())
        assert found() == set()

        steps = window_steps(settlement.window)
        assert [step.what for step in steps if not step.ties] == []
        assert {step.left_cents for step in steps} == {10_000, 0}
        (today, *_) = days(until=database_now().astimezone(UTC).date())
        assert (today.n_movements, today.stripe_cents, today.ledger_cents, today.n_open) == (
            1,
            9_680,
            9_680,
            0,
        )

    def test_with_ticks_that_are_no_whole_cents(self) -> None:
        buyer, window = BuyerFactory(), WindowFactory()
        win(buyer, 6_000_50, window=window)
        win(buyer, 4_000_75, window=window)
        put_on_file(buyer)
        (settlement,) = settle_window(window_id=mark_cleared(window).pk)
        assert (settlement.amount_ticks, settlement.amount_cents) == (10_001_25, 10_001)
        charge_settlement(settlement_id=settlement.pk)

        import_movements(now=database_now())

        assert found() == set()

    def test_with_what_was_carried_into_it(self) -> None:
        buyer = BuyerFactory()
        small = settlement_of(30, buyer=buyer)
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)
        small.refresh_from_db()
        assert small.status == Settlement.Status.PAID

        import_movements(now=database_now())

        assert found() == set()

    def test_with_a_payout_on_its_way_arrived_and_returned(self, stripe_sandbox: SandboxServer) -> None:
        paid()

        def ties() -> bool:
            import_movements(now=later())
            for funds_id in PendingFunds.objects.filter(booked_at=None).values_list("pk", flat=True):
                book_available(funds_id=funds_id)
            look_for_mismatches(now=later() + timedelta(days=9))
            return not Mismatch.objects.filter(status=Mismatch.Status.OPEN).exists()

        payout = bank_payout(stripe_sandbox)
        assert payout.status == BankPayout.Status.PENDING
        assert ties()
        for change in ("clock", f"payouts/{payout.stripe_id}/fail"):
            control(stripe_sandbox, change, {"seconds": 3 * 86_400} if change == "clock" else {})
            told = gateway.retrieve_payout(payout.stripe_id)
            with transaction.atomic():
                apply_payout(told)
            assert ties()
        payout.refresh_from_db()
        assert payout.status == BankPayout.Status.FAILED

    def test_takes_each_movement_in_once(self) -> None:
        paid()

        assert len(import_movements(now=database_now())) == 1
        assert import_movements(now=database_now()) == []
        assert BalanceMovement.objects.count() == 1


class TestWhatDoesNot:
    def test_window_not_settled(self) -> None:
        window = mark_cleared(WindowFactory())

        assert found() == {(Kind.WINDOW_NOT_SETTLED, f"window:{window.pk}")}

    def test_awards_differ(self) -> None:
        settlement = settlement_of(1000)
        Award.objects.filter(window=settlement.window_id).update(amount_ticks=90_000)

        assert found() == {
            (Kind.AWARDS_DIFFER, f"window:{settlement.window_id}:buyer:{settlement.organization_id}")
        }

    def test_lines_differ(self) -> None:
        settlement = settlement_of(1000)
        overrule("UPDATE settlements_settlementline SET amount_cents = 999, fee_cents = 0")

        assert found() == {(Kind.LINES_DIFFER, f"settlement:{settlement.pk}")}
        assert SettlementLine.objects.get().amount_cents == 999

    def test_not_booked(self) -> None:
        settlement = settlement_of(1000)
        overrule("DELETE FROM settlements_entry")
        overrule("DELETE FROM settlements_transaction")

        assert found() == {
            (Kind.NOT_BOOKED, f"settlement:{settlement.pk}"),
            (Kind.RECEIVABLE_DIFFERS, f"settlement:{settlement.pk}"),
        }

    def test_receivable_differs(self) -> None:
        settlement = settlement_of(1000)
        overrule("UPDATE settlements_settlement SET status = 'paid', paid_at = now()")

        assert found() == {(Kind.RECEIVABLE_DIFFERS, f"settlement:{settlement.pk}")}
        mismatch = Mismatch.objects.get()
        assert (mismatch.ours_cents, mismatch.theirs_cents, mismatch.difference_cents) == (1000, 0, 1000)

    def test_movement_not_booked(self) -> None:
        stripe_client().v1.payment_intents.create(
            {
                "amount": 5_000,
                "currency": "usd",
                "confirm": True,
                "payment_method": "pm_card_visa",
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            }
        )
        import_movements(now=database_now())
        (charge,) = stripe_client().v1.charges.list().data

        assert found() == {(Kind.MOVEMENT_NOT_BOOKED, charge.id)}
        assert Mismatch.objects.get().theirs_cents == 5_000 - 175

    def test_movement_that_names_no_object(self) -> None:
        assert found() | {(Kind.MOVEMENT_NOT_BOOKED, movement())} == found()

    def test_booked_not_moved(self) -> None:
        settlement = paid()

        assert found() == {(Kind.BOOKED_NOT_MOVED, charge_of(settlement))}

    def test_net_differs(self) -> None:
        settlement = paid()
        movement(source=charge_of(settlement), net=9_679, fee=320)

        assert found() == {(Kind.NET_DIFFERS, charge_of(settlement))}
        assert Mismatch.objects.get().difference_cents == 1

    def test_fee_differs(self) -> None:
        settlement = paid()
        movement(source=charge_of(settlement), net=9_680, fee=321)

        assert found() == {(Kind.FEE_DIFFERS, charge_of(settlement))}

    def test_currency_differs(self) -> None:
        settlement = paid()
        stripe_id = movement(source=charge_of(settlement), net=9_680, fee=320, currency="eur")

        assert found() == {(Kind.CURRENCY_DIFFERS, stripe_id)}

    def test_payout_differs_from_the_movements_it_holds(self, stripe_sandbox: SandboxServer) -> None:
        paid()
        payout = bank_payout(stripe_sandbox)
        amount_cents = payout.amount_cents
        BankPayout.objects.filter(pk=payout.pk).update(amount_cents=amount_cents + 7)

        (mismatch,) = tie_payout(payout_id=payout.stripe_id, now=database_now())

        assert (mismatch.kind, mismatch.difference_cents) == (Kind.PAYOUT_DIFFERS, 7)
        payout.refresh_from_db()
        assert (payout.n_held, payout.difference_cents) == (1, 7)
        (held,) = held_page(payout, before=None).movements
        assert (held.type, held.net_cents) == ("charge", 9_680)
        BankPayout.objects.filter(pk=payout.pk).update(amount_cents=amount_cents)
        assert tie_payout(payout_id=payout.stripe_id, now=database_now()) == []
        mismatch.refresh_from_db()
        assert mismatch.status == Mismatch.Status.TIED

    def test_a_payout_that_stripe_refuses_keeps_the_balance_from_nothing(
        self, stripe_sandbox: SandboxServer
    ) -> None:
        paid()
        payout = bank_payout(stripe_sandbox)
        BankPayout.objects.filter(pk=payout.pk).update(
            stripe_id="po_nobody_knows", automatic=True, status=BankPayout.Status.PAID
        )

        sweep_reconciliation(now=database_now())

        assert BankPayout.objects.get().tied_at is None
        assert BalanceDay.objects.exclude(read_at=None).exists()

    def test_held_as_pending_although_stripe_lets_it_be_used(self) -> None:
        settlement = paid()
        at = database_now() - timedelta(hours=5)
        take_in([Movement("txn_1", "charge", charge_of(settlement), 10_000, 320, 9_680, "usd", at, at)])

        assert found() == {(Kind.AVAILABILITY_DIFFERS, charge_of(settlement))}
        mismatch = Mismatch.objects.get()
        assert (mismatch.ours_cents, mismatch.theirs_cents) == (9_680, 0)

    def test_pending_and_available_apart_once_they_have_not_tied_for_an_hour(self) -> None:
        settlement = paid()
        now = database_now()
        count_days(days_of(import_movements(now=now)), now=now)
        assert read_balance(now=now) == []
        assert [tie.difference_cents for tie in balances()] == [0, 0, 0]

        overrule("UPDATE settlements_entry SET account_id = %s WHERE account_id = %s", *two_of(AT_STRIPE))
        count_days([], now=now)

        assert read_balance(now=now) == []
        pending, available = read_balance(now=now + timedelta(hours=2))
        assert (pending.subject, pending.difference_cents) == ("balance:pending", -9_680)
        assert (available.subject, available.difference_cents) == ("balance:available", 9_680)
        assert [tie.difference_cents for tie in balances()] == [-9_680, 9_680, 0]
        look_for_mismatches(now=now)
        assert Mismatch.objects.filter(kind=Kind.BALANCE_DIFFERS, status="open_mismatch").count() == 2

        overrule(
            "UPDATE settlements_entry SET account_id = %s WHERE account_id = %s", *two_of(AT_STRIPE)[::-1]
        )
        count_days([], now=now)
        assert read_balance(now=now + timedelta(hours=3)) == []
        assert not Mismatch.objects.filter(kind=Kind.BALANCE_DIFFERS, status="open_mismatch").exists()
        assert settlement.pk

    def test_every_kind_has_a_next_action(self) -> None:
        assert set(NEXT_ACTION) == set(Kind)
        assert set(FINDERS) <= set(Kind)
