"""Hypothesis strategies for small books of divisible single-lot bids, ties and awkward sizes included."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

SELLERS = ("s", "o1")
BIDDERS = ("o1", "o2", "o3")


@st.composite
def lots(draw: st.DrawFn, name: str, hours: int) -> dict[str, Any]:
    start = draw(st.integers(0, hours - 1))
    end = draw(st.integers(start + 1, hours))
    lot = {
        "id": name,
        "seller": draw(st.sampled_from(SELLERS)),
        "units": draw(st.integers(1, 5)),
        "unit_step": draw(st.sampled_from([1, 1, 2])),
        "start": start,
        "end": end,
        "reserve": draw(
            st.one_of(
                st.integers(0, 3), st.lists(st.integers(0, 3), min_size=end - start, max_size=end - start)
            )
        ),
    }
    if draw(st.booleans()):
        lot["capacity"] = draw(st.lists(st.integers(0, 5), min_size=end - start, max_size=end - start))
    return lot


@st.composite
def bids(draw: st.DrawFn, name: str, sequence: int, lots: list[dict[str, Any]], hours: int) -> dict[str, Any]:
    lot = draw(st.sampled_from(lots))
    step, length = lot["unit_step"], lot["end"] - lot["start"]
    units = draw(st.integers(1, 3 * step))
    leg = {
        "lots": [lot["id"]],
        "units": units,
        "min_units": draw(st.integers(1, min(step, units))),
        "earliest": draw(st.integers(0, lot["start"])),
        "latest": draw(st.integers(lot["end"], hours)),
        "hours": length,
    }
    if draw(st.integers(0, 3)):
        limit = {"price": draw(st.integers(0, 6))}
    else:
        limit = {"value": draw(st.integers(0, 6)) * units}
    return {
        "id": name,
        "bidder": draw(st.sampled_from(BIDDERS)),
        "sequence": sequence,
        "options": [limit | {"legs": [leg]}],
    }


@st.composite
def books(draw: st.DrawFn, max_lots: int = 2, max_bids: int = 5) -> dict[str, Any]:
    hours = draw(st.integers(1, 3))
    offered = [draw(lots(f"L{row}", hours)) for row in range(draw(st.integers(1, max_lots)))]
    n_bids = draw(st.integers(0, max_bids))
    sequences = draw(st.permutations(range(n_bids)))
    placed = [draw(bids(f"b{row}", sequences[row], offered, hours)) for row in range(n_bids)]
    return {
        "format": 1,
        "rule": draw(st.sampled_from(["core", "vcg"])),
        "hours": hours,
        "lots": offered,
        "bids": placed,
    }
