"""Finance's own marks on settlements: notes that stay."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from settlements.models.settlements import Settlement


class SettlementNote(models.Model):
    """What a finance person wrote about a settlement. Notes are added, never changed."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=2000)
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(name="settlement_note_says_something", condition=~Q(text=""))]

    def __str__(self) -> str:
        return f"note {self.pk} on settlement {self.settlement_id}"
