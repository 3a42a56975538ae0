"""A clearing as what it claims, in plain Python, read from its JSON form. Whatever is out of form is a finding."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Set
from typing import Any, NamedTuple

from auctions.engine.verify.findings import Report
from auctions.engine.verify.sheets import Id, Sheet

VERSIONS = ("0.1.0",)
"""Of the engine: those whose clearings this checks. Of an unknown one nobody could say which rule it followed."""
REASONS = ("below_reserve", "outbid", "cannot_fit", "lost_to_own_option")


class Award(NamedTuple):
    """`option` counts within the bid, `leg` within the option. `value` and `amount`: ticks."""

    bid: Id
    option: int
    leg: int
    lot: Id
    units: int
    start: int
    end: int
    value: int
    amount: int


class Price(NamedTuple):
    """`paid` and `marginal`: ticks per unit-hour."""

    lot: Id
    hour: int
    paid: int
    marginal: int
    sold: int


class Loser(NamedTuple):
    bid: Id
    reason: str
    minimum: int | None


class Claim(NamedTuple):
    """`surplus`, `revenue`, `payments` and `vcg` (by bidder): ticks."""

    status: str
    gap: float | None
    surplus: int
    revenue: int
    awards: list[Award]
    payments: dict[Any, int]
    vcg: dict[Any, int]
    prices: list[Price]
    losers: list[Loser]


_CLEARING = {
    *("format", "engine", "book_sha256", "status", "surplus", "revenue"),
    *("awards", "payments", "vcg", "prices", "losers"),
}
_LOSER = {"bid", "reason", "minimum_to_win"}


def read_claim(document: Any, sheet: Sheet, report: Report) -> Claim | None:
    """Read a clearing of the book; None, with findings, where its form is so wrong that nothing else can be checked."""
    if not _has_members(document, "clearing", _CLEARING, {"gap"}, report):
        return None
    found = len(report.findings)
    _check_head(document, sheet, report)
    awards = _rows(document["awards"], "awards", Award, ("bid", "lot"), report)
    prices = _rows(document["prices"], "prices", Price, ("lot",), report)
    losers = _losers(document["losers"], report)
    for name in ("surplus", "revenue"):
        _expect_integer(document[name], name, report)
    for name in ("payments", "vcg"):
        _check_ticks_by_bidder(document[name], name, report)
    if len(report.findings) > found:
        return None
    return Claim(
        document["status"],
        document.get("gap"),
        document["surplus"],
        document["revenue"],
        [Award(**row) for row in awards],
        document["payments"],
        document["vcg"],
        [Price(**row) for row in prices],
        [Loser(row["bid"], row["reason"], row["minimum_to_win"]) for row in losers],
    )


def _check_head(document: dict[str, Any], sheet: Sheet, report: Report) -> None:
    if type(document["format"]) is not int or document["format"] != 1:
        report.find("format", "must be 1")
    if document["engine"] not in VERSIONS:
        report.find("engine", f"must name a version that is known here: {', '.join(VERSIONS)}")
    if document["book_sha256"] != sheet.sha256:
        report.find("book_sha256", f"is not the hash of this book, which is {sheet.sha256}")


def check_status(claim: Claim, report: Report) -> None:
    gap = claim.gap
    if claim.status == "optimal" and gap is not None:
        report.find("gap", "must not be given with status optimal")
    if claim.status == "bounded" and not (
        type(gap) in (int, float) and math.isfinite(gap or 0) and 0 <= (gap or 0) <= 1
    ):
        report.find("gap", "must be a number from 0 to 1 with status bounded")
    if claim.status not in ("optimal", "bounded"):
        report.find("status", "must be optimal or bounded")


def with_minimums(claim: Claim, minimums: Mapping[str, int], report: Report) -> Claim:
    """The claim with what losers were told on demand in place of what it says."""
    losers = {str(loser.bid): loser for loser in claim.losers}
    for bid, limit in minimums.items():
        if bid not in losers:
            report.find("minimums", f"bid {json.dumps(bid)} is not among the losers")
        else:
            losers[bid] = losers[bid]._replace(minimum=limit)
    return claim._replace(losers=list(losers.values()))


def _rows(
    value: Any, path: str, kind: type[Award] | type[Price], texts: tuple[str, ...], report: Report
) -> list[dict[str, Any]]:
    if type(value) is not list:
        report.find(path, "must be a list")
        return []
    names = frozenset(kind._fields)
    kinds = [(name, str if name in texts else int) for name in kind._fields]
    for row, record in enumerate(value):
        if not _has_members(record, f"{path}[{row}]", names, frozenset(), report):
            continue
        for name, wanted in kinds:
            if type(record[name]) is not wanted:
                report.find(
                    f"{path}[{row}].{name}", f"must be {'a string' if wanted is str else 'an integer'}"
                )
    return value


def _losers(value: Any, report: Report) -> list[dict[str, Any]]:
    if type(value) is not list:
        report.find("losers", "must be a list")
        return []
    for row, record in enumerate(value):
        path = f"losers[{row}]"
        if not _has_members(record, path, _LOSER, frozenset(), report):
            continue
        if type(record["bid"]) is not str:
            report.find(f"{path}.bid", "must be a string")
        if record["reason"] not in REASONS:
            report.find(f"{path}.reason", f"must be one of {', '.join(REASONS)}")
        if record["minimum_to_win"] is not None:
            _expect_integer(record["minimum_to_win"], f"{path}.minimum_to_win", report)
    return value


def _check_ticks_by_bidder(value: Any, path: str, report: Report) -> None:
    if type(value) is not dict:
        report.find(path, "must be an object")
        return
    for bidder, ticks in value.items():
        _expect_integer(ticks, f"{path}[{json.dumps(bidder)}]", report)


def _expect_integer(value: Any, path: str, report: Report) -> None:
    if type(value) is not int:
        report.find(path, "must be an integer")


def _has_members(value: Any, path: str, required: Set[str], optional: Set[str], report: Report) -> bool:
    if type(value) is not dict:
        report.find(path, "must be an object")
        return False
    if value.keys() == required:
        return True
    missing, unknown = required - value.keys(), value.keys() - required - optional
    for name in sorted(missing):
        report.find(path, f"lacks {name}")
    for name in sorted(unknown):
        report.find(path, f"has the unknown key {json.dumps(name)}")
    return not missing and not unknown
