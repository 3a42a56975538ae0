"""Forms and buttons of the market: saved searches, bids, standing orders, and what an operator runs."""

from __future__ import annotations

from types import SimpleNamespace

from auctions.composer import Composer, options_typed
from auctions.forms import TicketForm
from auctions.operations.markets import terms_of_market
from auctions.order_forms import OrderForm, order_typed
from auctions.standing.terms import order_terms_of
from auctions.terms import terms_of
from auctions.views.board import SearchForm
from auctions.views.operate import MarketForm
from auctions.views.operate import ReasonForm as CancelForm
from inventory.forms import CostForm
from tests.integration.forms.table.rows import WORDS, Filled, Pressed, Typed, one


def composer_of(scene: SimpleNamespace) -> Composer:
    return Composer.for_lot(scene.lot, units="4", price="1.50")


def recomposer_of(scene: SimpleNamespace) -> Composer:
    return Composer(scene.bid.window, options_typed(terms_of(scene.bid)))


def pairs_of(composer: Composer) -> Typed:
    typed: Typed = {}
    for name, value in composer.typed_pairs():
        typed.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in typed.items()}


def order_of(scene: SimpleNamespace) -> Typed:
    return order_typed(order_terms_of(scene.order)) | {"market": str(scene.market.pk)}


def market_typed(scene: SimpleNamespace) -> Typed:
    return {"name": WORDS, "cadence": "30", "lead_from": "1", "lead_to": "48", "position": "3"}


FORMS = [
    Filled(
        "auctions:search_save",
        "buyer",
        "",
        lambda scene: one(SearchForm()),
        lambda scene: {"name": WORDS, "query": f"region={scene.site.region}"},
        wrong={"query": ("", "region=nowhere")},
    ),
    *(
        Filled(
            name,
            "buyer",
            "lot.pk",
            lambda scene: one(TicketForm(lot=scene.lot)),
            lambda scene: {"units": "4", "price": "1.50"},
            wrong={"units": ("9",)},
            is_like="" if name == "auctions:bid_review" else "auctions:bid_review",
        )
        for name in ("auctions:bid_review", "auctions:bid_confirm")
    ),
    Filled(
        "auctions:bid_change",
        "buyer",
        "bid.pk",
        lambda scene: one(TicketForm(lot=scene.lot)),
        lambda scene: {"units": "4", "price": "1.50", "sequence": str(scene.bid.sequence)},
        is_like="auctions:bid_review",
    ),
    Filled(
        "auctions:bid_compose",
        "buyer",
        "lot.pk",
        lambda scene: list(composer_of(scene).forms),
        lambda scene: pairs_of(composer_of(scene)),
        beside={"do": "review"},
    ),
    Filled(
        "auctions:bid_recompose",
        "buyer",
        "bid.pk",
        lambda scene: list(recomposer_of(scene).forms),
        lambda scene: pairs_of(recomposer_of(scene)) | {"sequence": str(scene.bid.sequence)},
        beside={"do": "review"},
        is_like="auctions:bid_compose",
    ),
    Filled(
        "auctions:order_create",
        "buyer",
        "",
        lambda scene: one(OrderForm()),
        order_of,
        beside={"do": "review"},
        admits={"price": ("0",)},
    ),
    Filled(
        "auctions:order_change",
        "buyer",
        "order.pk",
        lambda scene: one(OrderForm()),
        lambda scene: order_of(scene) | {"revision": str(scene.order.revision)},
        is_like="auctions:order_create",
    ),
    Filled(
        "auctions:operate_market_create",
        "operator",
        "",
        lambda scene: one(MarketForm()),
        lambda scene: market_typed(scene) | {"slug": "overnight-2"},
        wrong={"slug": ("two words",)},
    ),
    Filled(
        "auctions:operate_market_change",
        "operator",
        "market.pk",
        lambda scene: one(MarketForm(market=scene.market)),
        lambda scene: market_typed(scene) | {"version": terms_of_market(scene.market).version},
        is_like="auctions:operate_market_create",
    ),
    Filled(
        "auctions:operate_window_cancel",
        "operator",
        "lot.window_id",
        lambda scene: one(CancelForm()),
        lambda scene: {"reason": WORDS},
    ),
    Filled(
        "auctions:reserve_advice",
        "seller",
        "",
        lambda scene: one(CostForm()),
        lambda scene: {
            "purchase": "30000.00",
            "life_years": "5",
            "residual_percent": "10",
            "power_watts": "1000",
            "energy": "0.08",
            "version": "never saved",
        },
        query="?type={type_slug}&region={region}",
        admits={"energy": ("0",)},
    ),
]

PRESSED = [
    Pressed("auctions:bid_ask", "buyer", "bid.pk"),
    Pressed("auctions:bid_cancel", "buyer", "won.pk"),
    Pressed("auctions:operate_window_retry", "operator", "lot.window_id"),
    Pressed("auctions:operate_market_pause", "operator", "nobody"),
    Pressed("auctions:order_cancel", "buyer", "nobody"),
    Pressed("auctions:order_pause", "buyer", "nobody"),
    Pressed("auctions:order_resume", "buyer", "order.pk", is_told=False),  # it bids, as was asked
]
