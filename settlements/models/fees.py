"""FeePolicy: what share of a sale is the platform's, from when on, everywhere or in one market."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User
from auctions.models import Market
from marketplace.audit import audited


@audited()
class FeePolicy(models.Model):
    """A version of the fee, basis points, valid from an instant until the next version of the same market begins.

    A market's own versions go before those without a market. Versions are only ever added, and only for the future (a
    trigger refuses anything else), so what was drawn up keeps its fee. Before the first one PLATFORM_FEE_BPS holds.
    """

    market = models.ForeignKey(
        Market, null=True, blank=True, on_delete=models.PROTECT, related_name="fee_policies"
    )
    bps = models.PositiveSmallIntegerField(help_text="Basis points: 500 is 5 %.")
    valid_from = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "fee policies"
        constraints = [
            models.CheckConstraint(name="fee_policy_is_a_share", condition=Q(bps__lte=10_000)),
            models.CheckConstraint(
                name="fee_policy_for_the_future", condition=Q(valid_from__gte=F("created_at"))
            ),
            models.UniqueConstraint(
                fields=["market", "valid_from"], nulls_distinct=False, name="fee_policy_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bps / 100:g} %"
