"""What lets anyone check an auction: the root, the record, and to each bidder the proofs of its own bids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import Organization
from auctions.models import Bid, Window, WindowRecord
from auctions.queries.bids import bids_of
from auctions.sealing import inclusion_proof, inclusion_proofs, organization_pseudonym, seals_of_closed
from auctions.terms import terms_of


@dataclass(frozen=True, slots=True)
class OwnProof:
    """A bid with what proves that it was in the book; ``rank`` is its place there, from 1."""

    bid: Bid
    proof: dict[str, Any]

    @property
    def rank(self) -> int:
        return int(self.proof["position"]) + 1


def proof_of(bid: Bid) -> dict[str, Any] | None:
    """Return what proves that ``bid`` was in its window's book, or None: not closed, or not in it at close."""
    window = bid.window
    if not window.bids_root or bid.status == Bid.Status.CANCELLED:
        return None
    return inclusion_proof(window, seals_of_closed(window), bid, terms_of(bid))


def own_proofs(window: Window, organization: Organization, *, limit: int) -> list[OwnProof]:
    """Return the proofs of an organization's first ``limit`` bids in a window that has closed, earliest first."""
    if not window.bids_root:
        return []
    seals = seals_of_closed(window)
    bids = bids_of(organization).filter(window=window).exclude(status=Bid.Status.CANCELLED)
    shown = [(bid, terms_of(bid)) for bid in bids.order_by("sequence")[:limit]]
    proofs = inclusion_proofs(window, seals, shown)
    return [OwnProof(bid, proof) for (bid, _), proof in zip(shown, proofs, strict=True)]


def own_pseudonym(window: Window, organization: Organization) -> str:
    """Return the name an organization has in a window's book; nobody but its members is told."""
    return organization_pseudonym(window, organization.pk)


def clearing_sha256_of(window: Window) -> str | None:
    """Return the hash of a cleared window's clearing, or None where there is no record."""
    return WindowRecord.objects.filter(window=window).values_list("clearing_sha256", flat=True).first()
