"""Check this auction: what was promised, what was published, and the proofs of one's own bids."""

from __future__ import annotations

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.access import member_needed
from accounts.middleware import MemberRequest
from auctions.models import Bid, Window, WindowRecord
from auctions.queries.records import clearing_sha256_of, own_proofs, own_pseudonym, proof_of
from marketplace.db import snapshot

PROOFS_SHOWN = 20
JSON = "application/json"


@require_safe
@snapshot()
def window_check(request: MemberRequest, pk: int) -> HttpResponse:
    """Walk anyone through checking a window, and its bidders through proving their bids."""
    window = get_object_or_404(Window.objects.select_related("market"), pk=pk)
    organization = request.organization
    context = {
        "window": window,
        "clearing_sha256": clearing_sha256_of(window),
        "proofs": own_proofs(window, organization, limit=PROOFS_SHOWN) if organization else [],
        "pseudonym": own_pseudonym(window, organization) if organization else "",
    }
    return render(request, "auctions/window_check.html", context)


@require_safe
def window_book(request: MemberRequest, pk: int) -> HttpResponse:
    """Hand out a cleared window's book, the bytes that were cleared."""
    return _download(_record(pk).book, f"window-{pk}-book.json")


@require_safe
def window_clearing(request: MemberRequest, pk: int) -> HttpResponse:
    """Hand out a cleared window's clearing, the bytes that the engine prints for its book."""
    return _download(_record(pk).clearing, f"window-{pk}-clearing.json")


@require_safe
@member_needed
@snapshot()
def bid_proof(request: MemberRequest, pk: int) -> HttpResponse:
    """Hand out what proves that an own bid was in its window's book when that closed."""
    bid = get_object_or_404(Bid.objects.select_related("window"), pk=pk, organization=request.organization)
    proof = proof_of(bid)
    if proof is None:
        raise Http404("there is no proof before the window has closed, nor of a bid that was cancelled")
    answer = JsonResponse(proof)
    answer["Content-Disposition"] = f'attachment; filename="bid-{pk}-proof.json"'
    return answer


def _record(pk: int) -> WindowRecord:
    return get_object_or_404(WindowRecord, pk=pk)


def _download(content: bytes, filename: str) -> HttpResponse:
    """Answer with a file that never changes."""
    answer = HttpResponse(content, content_type=JSON)
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer
