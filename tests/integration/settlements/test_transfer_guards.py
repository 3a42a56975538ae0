"""What the database refuses of a transfer, whoever writes it."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from settlements.models import Delivery, SettlementLine, Transfer
from settlements.operations.transfer_holds import place_hold
from tests.integration.settlements.payout_steps import paid_settlement, transfer_ready

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Transfer.Status


class TestDatabaseGuards:
    def refused(self, constraint: str, **changes: object) -> None:
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            Transfer.objects.update(**changes)
        assert constraint in str(refusal.value.__cause__.diag.constraint_name)

    @pytest.mark.parametrize("status", [status for status in Delivery.Status if status != "delivered"])
    def test_nothing_before_delivery(self, status: str) -> None:
        settlement = paid_settlement(10_000)
        delivery = Delivery.objects.get(line__settlement=settlement)
        Delivery.objects.filter(pk=delivery.pk).update(
            status=status,
            due_at=None if status == "awaiting_payment" else delivery.starts_at,
            handed_over_at=delivery.starts_at,
        )

        with pytest.raises(IntegrityError, match="nothing is transferred before"):
            Transfer.objects.create(
                delivery=delivery,
                number=1,
                seller_id=delivery.seller_id,
                amount_cents=100,
                idempotency_key="8f0d4a3c-52f5-4c0c-a8b0-1a9c7b9c1111",
            )

    def test_never_beyond_the_share(self) -> None:
        transfer = transfer_ready()
        transfer.pk, transfer.number = None, 2
        transfer.idempotency_key = "8f0d4a3c-52f5-4c0c-a8b0-1a9c7b9c1111"
        transfer.amount_cents = 1
        with pytest.raises(IntegrityError, match="would exceed its share"):
            transfer.save(force_insert=True)

    def test_not_while_held(self) -> None:
        transfer = transfer_ready()
        with transaction.atomic():
            place_hold([transfer.delivery], reference="outage:1", reason="An outage is open.", by=None)

        self.refused("transfer_not_while_held", status=Status.SENDING)

    def test_not_beyond_what_refunds_left(self) -> None:
        transfer = transfer_ready()
        SettlementLine.objects.filter(delivery=transfer.delivery_id).update(
            refunded_cents=2_000, refunded_fee_cents=100
        )
        self.refused("transfer_within_what_is_left", status=Status.SENDING)

    def test_it_keeps_its_facts(self) -> None:
        transfer_ready()
        self.refused("transfer_keeps_its_facts", number=2)
        Transfer.objects.update(needs_second=True, status=Status.PENDING_APPROVAL)
        self.refused("transfer_keeps_its_facts", needs_second=False)
        self.refused("transfer_within_share", amount_cents=F("amount_cents") + 1)
        Transfer.objects.update(amount_cents=F("amount_cents") - 1)
        self.refused("transfer_keeps_its_facts", amount_cents=F("amount_cents") + 1)

    def test_no_other_currency(self) -> None:
        transfer = transfer_ready()
        transfer.pk = None
        self.refused("transfer_keeps_its_facts", currency="eur")

    def test_it_stays(self) -> None:
        transfer = transfer_ready()
        with pytest.raises(IntegrityError, match="never forgotten"):
            transfer.delete()
