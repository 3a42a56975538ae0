"""A seller's reliability, as every screen shows it: the score with its sample, or that the seller is new."""

from django import template

from accounts.models import Organization
from inventory.models import SellerReliability

register = template.Library()


@register.inclusion_tag("components/reliability.html")
def reliability(seller: Organization) -> dict[str, object]:
    """Show how much of what a seller sold it delivered. Read ``seller`` with its ``reliability`` in list queries."""
    found: SellerReliability | None = getattr(seller, "reliability", None)
    score_bps = found.score_bps if found else None
    return {
        "percent": "" if score_bps is None else f"{score_bps // 100}.{score_bps % 100 // 10}",
        "n_deliveries": found.n_deliveries if found else 0,
        "n_missed": found.n_missed if found else 0,
        "n_outages": found.n_outages if found else 0,
    }
