"""Nobody of our staff decides about money for an organization that they are a member of themselves."""

from __future__ import annotations

from accounts.models import Membership, User


def stake_of(person: User, *organization_ids: int) -> str:
    """Return why a person may not decide for these organizations, in a sentence; empty where they may."""
    own = Membership.objects.filter(user=person, organization_id__in=organization_ids)
    member = own.select_related("organization").order_by("id").first()
    if member is None:
        return ""
    return f"You are a member of {member.organization} yourself: somebody else of finance must decide this."
