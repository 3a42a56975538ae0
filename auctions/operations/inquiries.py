"""Asking why a bid of packages ended as it did, and answering: the engine searches, so a worker does it when asked.

The row is the truth and the job a hint. A worker that dies while it searches leaves the row ASKED and unlocked, and the
sweep finds it.
"""

from __future__ import annotations

import logging

from django.db import OperationalError, transaction
from django.db.models.functions import Now

from accounts.models import Organization, User
from accounts.stream import append_event
from auctions.answers import answer_about
from auctions.models import Bid, Inquiry
from auctions.operations.bids import BidNotFound
from auctions.queries.inquiries import may_be_asked_about
from marketplace.db import database_now
from marketplace.jobs import defer_job
from marketplace.states import require_transition

logger = logging.getLogger(__name__)

MAX_WAITING = 20
"""Inquiries of one organization that wait at a time: each may keep a worker busy for minutes."""


class InquiryRefused(Exception):
    """There is nothing to ask about this bid, or too much is being worked out already; the message says which."""


def ask_about_bid(*, organization: Organization, asked_by: User | None, bid_id: int) -> Inquiry:
    """Have it worked out why an own bid ended as it did. Asked again it is the same inquiry; a failed one is retried.

    Raise BidNotFound or InquiryRefused.
    """
    with transaction.atomic(durable=True):
        bid = Bid.objects.select_for_update(no_key=True).filter(pk=bid_id, organization=organization).first()
        if bid is None:
            raise BidNotFound(bid_id)
        inquiry = Inquiry.objects.filter(bid=bid).first()
        if inquiry is not None and inquiry.status != Inquiry.Status.FAILED:
            return inquiry
        if inquiry is None and not may_be_asked_about(bid):
            raise InquiryRefused("There is nothing more to work out about this bid.")
        waiting = Inquiry.objects.filter(bid__organization=organization, status=Inquiry.Status.ASKED)
        if waiting.count() >= MAX_WAITING:
            raise InquiryRefused(f"{MAX_WAITING} of your bids are being worked out; ask again when some are.")
        if inquiry is None:
            inquiry = Inquiry.objects.create(bid=bid, asked_by=asked_by)
        else:
            _move(inquiry, Inquiry.Status.ASKED)
            Inquiry.objects.filter(pk=inquiry.pk).update(
                status=inquiry.status, asked_by=asked_by, asked_at=Now()
            )
        defer_inquiry(inquiry.pk)
    return inquiry


def answer_inquiry(*, inquiry_id: int) -> bool:
    """Work an inquiry out and tell its organization. Return False if it was answered or another worker is at it."""
    try:
        with transaction.atomic(durable=True):
            inquiry = _enter(inquiry_id)
            if inquiry is None:
                return False
            answer = answer_about(inquiry.bid)
            inquiry.answer = answer
            _finish(inquiry, Inquiry.Status.ANSWERED)
            _write_minimum(inquiry.bid, answer)
        return True
    except OperationalError:
        raise  # the database is away: nothing is wrong with the inquiry, and the sweep comes again
    except Exception:
        logger.exception("inquiry %s cannot be answered", inquiry_id)
        with transaction.atomic(durable=True):
            inquiry = _enter(inquiry_id)
            if inquiry is not None:
                _finish(inquiry, Inquiry.Status.FAILED)
        return False


def defer_inquiry(inquiry_id: int) -> None:
    """Have a worker answer it as soon as this transaction commits."""
    defer_job("auctions.answer_inquiry", key=f"inquiry:{inquiry_id}", inquiry_id=inquiry_id)


def _enter(inquiry_id: int) -> Inquiry | None:
    return (
        Inquiry.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("bid__window")
        .filter(pk=inquiry_id, status=Inquiry.Status.ASKED)
        .first()
    )


def _finish(inquiry: Inquiry, status: Inquiry.Status) -> None:
    _move(inquiry, status)
    inquiry.answered_at = database_now()
    inquiry.save(update_fields=["status", "answered_at", "answer"])
    bid = inquiry.bid
    append_event(
        organization_id=bid.organization_id,
        kind="bid.explained" if status == Inquiry.Status.ANSWERED else "bid.not_explained",
        data={"bid": bid.pk, "window": bid.window_id},
    )


def _write_minimum(bid: Bid, answer: dict) -> None:
    """Write the first option's minimum to the bid, where the clearing would have told it had it been cheap."""
    if answer["kind"] == "minimum" and answer["options"][0]["is_exact"]:
        Bid.objects.filter(pk=bid.pk).update(minimum_to_win_ticks=answer["options"][0]["limit_ticks"])


def _move(inquiry: Inquiry, target: Inquiry.Status) -> None:
    require_transition(Inquiry.TRANSITIONS, inquiry.status, target)
    inquiry.status = target
