"""Check this auction: what was promised, what was published, and the proofs of one's own bids."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from io import BytesIO

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.access import member_needed
from accounts.middleware import MemberRequest
from auctions.models import Bid, Window, WindowRecord
from auctions.queries.records import clearing_sha256_of, own_proofs, own_pseudonym, proof_of
from marketplace.db import snapshot

PROOFS_SHOWN = 20
JSON = "application/json"
PIECE_BYTES = 256 * 1024
NOT_AT_ALL = re.compile(r"q=0(\.0*)?")


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
def window_book(request: MemberRequest, pk: int) -> HttpResponseBase:
    """Hand out a cleared window's book, the bytes that were cleared."""
    return _download(request, _packed(pk, "book_gzip"), f"window-{pk}-book.json")


@require_safe
def window_clearing(request: MemberRequest, pk: int) -> HttpResponseBase:
    """Hand out a cleared window's clearing, the bytes that the engine prints for its book."""
    return _download(request, _packed(pk, "clearing_gzip"), f"window-{pk}-clearing.json")


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


def _packed(pk: int, field: str) -> bytes:
    return bytes(get_object_or_404(WindowRecord.objects.values_list(field, flat=True), pk=pk))


def _download(request: HttpRequest, packed: bytes, filename: str) -> HttpResponseBase:
    """Answer with a file that never changes: packed as it is stored, or unpacked piece by piece for who cannot.

    Unpacked it may be 180 MB, and anyone may ask for it, so it is never in memory as a whole.
    """
    answer: HttpResponseBase
    if _takes_gzip(request):
        answer = HttpResponse(packed, content_type=JSON)
        answer["Content-Encoding"] = "gzip"
    else:
        answer = StreamingHttpResponse(_unpacked(packed), content_type=JSON)
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer["Cache-Control"] = "public, max-age=31536000, immutable"
    patch_vary_headers(answer, ["Accept-Encoding"])
    return answer


def _takes_gzip(request: HttpRequest) -> bool:
    """Say whether a client takes gzip: named, or by ``*``, and not at ``q=0`` (RFC 9110, section 12.5.3)."""
    weights = {}
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, parameters = part.partition(";")
        weights[coding.strip()] = NOT_AT_ALL.fullmatch(parameters.replace(" ", "")) is None
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


async def _unpacked(packed: bytes) -> AsyncIterator[bytes]:
    """Unpack what gzip packed, in pieces; threads do it, as the event loop is everyone's."""
    with gzip.open(BytesIO(packed)) as file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
