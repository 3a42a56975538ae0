"""Why a bid of packages ended as it did: whether that can be asked, and the answer in figures its owner can add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from auctions.models import Award, Bid, Inquiry, LotReceipt, WindowRecord
from auctions.queries.bids import OwnBid

Status = Inquiry.Status
ASKABLE_LOSSES = (Bid.LossReason.OUTBID, Bid.LossReason.BELOW_RESERVE)


@dataclass(frozen=True, slots=True)
class Part:
    """Units of a lot for some hours."""

    lot: int
    units: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OptionMinimum:
    """The least limit with which a bid would have won by one of its options: None where none would.

    ``is_priced``: ticks per unit-hour, else for the whole. ``is_exact``: a tick less would not have won; else it would
    have won at this limit, and may have at less.
    """

    words: str
    is_priced: bool
    limit_ticks: int | None
    is_exact: bool


@dataclass(frozen=True, slots=True)
class OtherBid:
    """What another bid, nameless, adds above the reserve with and without the winner, and what it gets then, ticks."""

    number: int
    before_ticks: int
    after_ticks: int
    now: list[Part]
    then: list[Part]

    @property
    def adds_ticks(self) -> int:
        return self.after_ticks - self.before_ticks


@dataclass(frozen=True, slots=True)
class GroupMember:
    number: int
    worth_ticks: int
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Group:
    """Bids that together could offer the sellers ``offer_ticks`` above the reserve; winners pay ``paid_ticks`` above.

    ``keeps_ticks`` is what winners among them keep at present, value less payment; ``binds``: less could not be paid.
    """

    members: list[GroupMember]
    worth_ticks: int
    keeps_ticks: int
    offer_ticks: int
    paid_ticks: int
    binds: bool


@dataclass(frozen=True, slots=True)
class Displaced:
    """What an organization's awards on ``lots`` displaced: the reserve and the others' gains are the second price."""

    lots: list[int]
    unit_hours: int
    reserve_ticks: int
    second_price_ticks: int
    amount_ticks: int
    is_proven: bool
    others: list[OtherBid]
    group: Group | None

    @property
    def core_ticks(self) -> int:
        return self.amount_ticks - self.second_price_ticks

    @property
    def average_ticks(self) -> int:
        """Ticks per unit-hour, rounded down."""
        return self.amount_ticks // self.unit_hours


@dataclass(frozen=True, slots=True)
class Explanation:
    """An inquiry about a bid, or that there could be one. ``status`` is empty as long as nobody asked."""

    status: str
    may_ask: bool
    asked_at: datetime | None = None
    minimums: Sequence[OptionMinimum] = ()
    displaced: Displaced | None = None

    @property
    def is_waiting(self) -> bool:
        return self.status == Status.ASKED


def may_be_asked_about(bid: Bid) -> bool:
    """Say whether a bid ended in a way that its receipt does not explain and a search could."""
    if bid.status == Bid.Status.LOST:
        is_open = bid.loss_reason in ASKABLE_LOSSES and bid.minimum_to_win_ticks is None
    elif bid.status in (Bid.Status.WON, Bid.Status.PART_WON):
        is_open = bool(_unexplained_lots(bid))
    else:
        return False
    return is_open and WindowRecord.objects.filter(window=bid.window_id).exists()


def explanation_of(own: OwnBid) -> Explanation:
    """Return what is known, or could be asked, of why an own bid ended as it did."""
    bid = own.bid
    if bid.status not in (Bid.Status.LOST, Bid.Status.WON, Bid.Status.PART_WON):
        return Explanation(status="", may_ask=False)
    inquiry = Inquiry.objects.filter(bid=bid).first()
    if inquiry is None:
        return Explanation(status="", may_ask=may_be_asked_about(bid))
    answer: dict[str, Any] = inquiry.answer or {"kind": ""}
    return Explanation(
        status=inquiry.status,
        may_ask=inquiry.status == Status.FAILED,
        asked_at=inquiry.asked_at,
        minimums=_minimums(own, answer) if answer["kind"] == "minimum" else (),
        displaced=_displaced(answer) if answer["kind"] == "displaced" else None,
    )


def explanation_as_json(bid: Bid) -> dict[str, Any]:
    """Return an inquiry about a bid for programs; what its ``answer`` holds, auctions/answers.py says."""
    inquiry = Inquiry.objects.filter(bid=bid).first()
    if inquiry is None:
        return {"status": "can_be_asked" if may_be_asked_about(bid) else "nothing_to_ask", "answer": None}
    return {
        "status": inquiry.status,
        "asked_at": inquiry.asked_at,
        "answered_at": inquiry.answered_at,
        "answer": inquiry.answer,
    }


def _unexplained_lots(bid: Bid) -> set[int]:
    """Lots the bid won on, of which its receipt has no list of displaced offers."""
    won = set(Award.objects.filter(bid=bid).values_list("lot_id", flat=True))
    told = LotReceipt.objects.filter(
        receipt__window=bid.window_id, receipt__organization=bid.organization_id, lot__in=won
    )
    return won - set(told.values_list("lot_id", flat=True))


def _minimums(own: OwnBid, answer: dict[str, Any]) -> list[OptionMinimum]:
    options = zip_longest(own.terms.options, own.options, answer["options"])
    return [
        OptionMinimum(
            words=", and ".join(words.legs),
            is_priced=terms.price_ticks is not None,
            limit_ticks=found["limit_ticks"],
            is_exact=found["is_exact"],
        )
        for terms, words, found in options
    ]


def _displaced(answer: dict[str, Any]) -> Displaced:
    return Displaced(
        lots=answer["lots"],
        unit_hours=answer["unit_hours"],
        reserve_ticks=answer["reserve_ticks"],
        second_price_ticks=answer["second_price_ticks"],
        amount_ticks=answer["amount_ticks"],
        is_proven=answer["is_proven"],
        others=[
            OtherBid(
                number,
                other["before_ticks"],
                other["after_ticks"],
                _parts(other["now"]),
                _parts(other["then"]),
            )
            for number, other in enumerate(answer["others"], start=1)
        ],
        group=_group(answer["group"]),
    )


def _group(told: dict[str, Any] | None) -> Group | None:
    if told is None:
        return None
    members = [
        GroupMember(number, member["worth_ticks"], _parts(member["parts"]))
        for number, member in enumerate(told["takes"], start=1)
    ]
    return Group(
        members=members,
        worth_ticks=sum(member.worth_ticks for member in members),
        keeps_ticks=told["keeps_ticks"],
        offer_ticks=told["offer_ticks"],
        paid_ticks=told["paid_ticks"],
        binds=told["binds"],
    )


def _parts(told: list[dict[str, Any]]) -> list[Part]:
    return [
        Part(
            part["lot"],
            part["units"],
            datetime.fromisoformat(part["starts_at"]),
            datetime.fromisoformat(part["ends_at"]),
        )
        for part in told
    ]
