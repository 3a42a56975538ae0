"""The steps on the way to a listing: which page asks what, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DraftStep:
    """A page of the way to a listing: its name in the address, what it asks, and the fields it has."""

    name: str
    title: str
    lede: str
    fields: tuple[str, ...]


STEPS = (
    DraftStep(
        "what",
        "What stands idle",
        "One type of machine and how many units of it. Buyers may take part, in whole nodes.",
        ("resource_type", "units"),
    ),
    DraftStep(
        "where",
        "Where it stands",
        "Its region, with the type, decides which product it is; its network is shown to buyers.",
        ("site",),
    ),
    DraftStep(
        "when",
        "When it is idle",
        "Whole UTC hours. Buyers may take any of them in a row.",
        ("starts_at", "ends_at"),
    ),
    DraftStep(
        "reserve",
        "What it must earn",
        "The reserve is the least you accept. Winners pay the second price, which is often more.",
        ("reserve", "floor", "decline_hours"),
    ),
)


def step_named(name: str) -> DraftStep | None:
    """Return the step of this name, or None."""
    return next((step for step in STEPS if step.name == name), None)


def step_after(step: DraftStep) -> DraftStep | None:
    """Return the next step, or None where the review comes next."""
    return next(iter(STEPS[STEPS.index(step) + 1 :]), None)


def step_of(field: str) -> DraftStep | None:
    """Return the step that asks for a field; None for what concerns the whole."""
    return next((step for step in STEPS if field in step.fields), None)


def next_step_of(said: Mapping[str, str]) -> DraftStep | None:
    """Return the first step of which something needed is not said yet, or None where only the review is left."""
    optional = {"floor", "decline_hours"}
    return next(
        (step for step in STEPS if any(not said.get(name) for name in step.fields if name not in optional)),
        None,
    )
