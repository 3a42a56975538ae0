"""What people read about their organization: members, keys, and what is held against its limit."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import ApiKey, BiddingLimit, CreditChange, Membership, Organization

N_CREDIT_CHANGES = 100


def members_of(organization: Organization) -> QuerySet[Membership]:
    """Return the memberships with their people, first joined first."""
    return Membership.objects.filter(organization=organization).select_related("user").order_by("id")


def live_keys_of(organization: Organization) -> QuerySet[ApiKey]:
    """Return the keys that are not revoked with who made them, newest first."""
    return (
        ApiKey.objects.filter(organization=organization, revoked_at=None)
        .select_related("created_by")
        .order_by("-id")
    )


def limits() -> QuerySet[BiddingLimit]:
    """Return every buyer's limit with its organization, by name; ``is_proposed`` where a change of credit waits."""
    waiting = CreditChange.objects.filter(
        organization_id=OuterRef("organization_id"), status=CreditChange.Status.PROPOSED
    )
    return (
        BiddingLimit.objects.filter(organization__is_buyer=True)
        .select_related("organization")
        .annotate(is_proposed=Exists(waiting))
        .order_by("-is_proposed", "organization__name", "organization_id")
    )


def credit_changes_of(organization_id: int) -> list[CreditChange]:
    """Return an organization's latest changes of credit, newest first."""
    changes = CreditChange.objects.filter(organization_id=organization_id)
    return list(changes.select_related("proposed_by", "decided_by").order_by("-id")[:N_CREDIT_CHANGES])
