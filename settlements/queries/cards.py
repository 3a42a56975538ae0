"""Cards on file, and why there is no limit in spite of one."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import BiddingLimit
from settlements.models import PaymentMethod


def payable_cards(organization_id: int) -> QuerySet[PaymentMethod]:
    """Return an organization's cards on file, the default first."""
    cards = PaymentMethod.objects.filter(organization_id=organization_id, removed_at=None)
    return cards.order_by("-is_default", "-id")


def why_no_limit(organization_id: int) -> str:
    """Say why a buyer with a card on file has no bidding limit; empty when it has one, or no card yet."""
    limit = BiddingLimit.objects.get(organization_id=organization_id)
    if limit.limit_cents or not payable_cards(organization_id).exists():
        return ""
    if limit.limit_set_at is None:
        return (
            "This card brought a bidding limit to another organization before, and does so once. "
            "Add another card, or ask us to set your limit."
        )
    return "Our finance staff has set your bidding limit to $0.00. A card does not raise it; ask us to."
