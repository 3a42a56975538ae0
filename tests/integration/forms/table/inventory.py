"""Forms and buttons of what is listed: sites, blocks, patterns of them, and drafts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

from django import forms

from inventory.draft_forms import StepForm
from inventory.drafting import STEPS
from inventory.forms import ListingForm, PatternForm, SiteForm
from marketplace.hours import HOUR
from tests.integration.forms.table.rows import WORDS, Filled, Pressed, Typed, any_of, one


def hour_of(scene: SimpleNamespace, hours: int) -> str:
    return f"{scene.lot.starts_at + hours * HOUR:%Y-%m-%dT%H:%M}"


def block_typed(scene: SimpleNamespace) -> Typed:
    return {
        "site": str(scene.site.pk),
        "resource_type": str(scene.product.pk),
        "units": "16",
        "starts_at": hour_of(scene, 100),
        "ends_at": hour_of(scene, 110),
        "reserve": "1.25",
        "floor": "1.00",
        "decline_hours": "4",
    }


def pattern_typed(scene: SimpleNamespace) -> Typed:
    day = scene.lot.starts_at + timedelta(days=7)
    block = block_typed(scene)
    return {name: block[name] for name in block if name not in {"starts_at", "ends_at"}} | {
        "weekdays": ["0", "3"],
        "from_hour": "22",
        "to_hour": "6",
        "first_day": f"{day:%Y-%m-%d}",
        "last_day": f"{day + timedelta(days=14):%Y-%m-%d}",
    }


def step_forms(name: str) -> Callable[[SimpleNamespace], list[forms.Form]]:
    step = next(each for each in STEPS if each.name == name)
    return lambda scene: one(StepForm(seller=scene.seller, step=step))


def step_typed(name: str) -> Callable[[SimpleNamespace], Typed]:
    step = next(each for each in STEPS if each.name == name)
    return lambda scene: {field: block_typed(scene)[field] for field in step.fields}


def draft_step(name: str) -> Filled:
    return Filled(
        "inventory:block_draft_step",
        "seller",
        f"draft.pk step_{name}",
        step_forms(name),
        step_typed(name),
        admits={"reserve": ("0",), "floor": ("0",)},
        keeps="inventory_blockdraft",
        is_like="inventory:block_create",
        label=name,
    )


ZERO_PRICES = {"reserve": ("0",), "floor": ("0",)}
"""Some give idle hours away."""

FORMS = [
    Filled(
        "inventory:site_create",
        "seller",
        "",
        lambda scene: one(SiteForm()),
        lambda scene: {"name": WORDS, "region": "us-east", "fabric": "infiniband", "power_kw": "500"},
    ),
    Filled(
        "inventory:block_create",
        "seller",
        "",
        lambda scene: one(ListingForm(seller=scene.seller)),
        block_typed,
        admits=ZERO_PRICES,
        wrong={"units": ("0",), "starts_at": ("2020-01-01T00:00",), "ends_at": ("2020-01-01T00:00",)},
    ),
    Filled(
        "inventory:block_pattern",
        "seller",
        "",
        lambda scene: one(PatternForm(seller=scene.seller)),
        pattern_typed,
        is_like="inventory:block_create",
        admits=ZERO_PRICES
        | {"first_day": ("9999-12-31", "0001-01-01")},  # it is the last day that is refused
        wrong={"last_day": ("2020-01-01",)},
    ),
    Filled(
        "inventory:block_draft_begin",
        "seller",
        "",
        step_forms("what"),
        step_typed("what"),
        wrong={"units": ("0",)},
    ),
    *(draft_step(each.name) for each in STEPS),
]

PRESSED = [
    Pressed("inventory:block_draft_review", "seller", "draft.pk", any_of("version")),
    Pressed("inventory:block_draft_discard", "seller", "nobody", is_told=False),  # it is gone, as was asked
    Pressed("inventory:block_withdraw", "seller", "nobody"),
    Pressed("inventory:block_import", "seller", "", any_of("file")),
]
