"""Why an organization pays what it pays for a window: facts written at clearing, for its members alone."""

from __future__ import annotations

from django.db import models

from accounts.models import Organization
from auctions.models.markets import Lot, Window


class Receipt(models.Model):
    """What an organization pays for a window, ticks, and what of it is VCG; the rest makes up for coalitions."""

    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="receipts")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="receipts")
    payment_ticks = models.BigIntegerField()
    vcg_ticks = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["window", "organization"], name="receipt_once_per_window"),
        ]

    def __str__(self) -> str:
        return f"receipt of organization {self.organization_id} for window {self.window_id}"

    @property
    def core_ticks(self) -> int:
        return self.payment_ticks - self.vcg_ticks


class LotReceipt(models.Model):
    """What an organization pays for all its units of a lot, and the offers these displaced, highest first.

    ``displaced``: [{"units", "ticks", "is_reserve"}]; ticks for all units and hours; they add up to ``amount_ticks``.
    Lots where packages meet have none: their prices answer coalitions over many lots.
    """

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="lots")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+")
    units = models.PositiveIntegerField()
    amount_ticks = models.BigIntegerField()
    displaced = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["receipt", "lot"], name="lot_receipt_once")]

    def __str__(self) -> str:
        return f"lot {self.lot_id} in {self.receipt}"
