"""Markets as an operator runs them: created, changed, paused, resumed.

Windows that bids or lots may stand in run to their end, whatever happens to their market. Windows that were only
scheduled are taken back, and the sweep schedules anew by what the market says then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction

from auctions.models import Market, Window
from marketplace.hours import HOUR
from marketplace.states import require_transition
from marketplace.versions import version_of

MINUTE = timedelta(minutes=1)
SHORTEST_CADENCE = timedelta(minutes=5)
LONGEST_CADENCE = timedelta(days=31)
LONGEST_LEAD = timedelta(days=731)


class MarketRejected(Exception):
    """What was asked of a market cannot be; ``field`` names what is wrong, the text says why, for people."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """What an operator says of a market: a window every ``cadence``, delivery ``lead_from`` to ``lead_to`` after it."""

    name: str
    position: int
    cadence: timedelta
    lead_from: timedelta
    lead_to: timedelta

    @property
    def version(self) -> str:
        return version_of(self)


class MarketChanged(Exception):
    """Somebody changed the market since it was looked at; nothing was done. ``terms`` are the present ones."""

    def __init__(self, terms: MarketTerms) -> None:
        super().__init__(
            f"The market was changed since you opened this page. It is “{terms.name}” now, a window every "
            f"{terms.cadence // MINUTE:,} minutes, delivery {terms.lead_from // HOUR:,} to {terms.lead_to // HOUR:,} "
            f"hours after it, place {terms.position}. Nothing was done: send it again to have it as below."
        )
        self.terms = terms


def create_market(*, slug: str, terms: MarketTerms) -> Market:
    """Start a market; the next sweep schedules its first window. Raise MarketRejected."""
    _require_sound(terms)
    try:
        with transaction.atomic(durable=True):
            return Market.objects.create(
                slug=slug,
                name=terms.name,
                position=terms.position,
                cadence=terms.cadence,
                lead_from=terms.lead_from,
                lead_to=terms.lead_to,
            )
    except IntegrityError:
        raise MarketRejected("slug", f"A market has the address “{slug}” already.") from None


def terms_of_market(market: Market) -> MarketTerms:
    """Return what a market says now."""
    return MarketTerms(
        name=market.name,
        position=market.position,
        cadence=market.cadence,
        lead_from=market.lead_from,
        lead_to=market.lead_to,
    )


def change_market(*, market_id: int, terms: MarketTerms, version_seen: str) -> Market:
    """Run a market by other terms from its next window on.

    ``version_seen`` is of the terms that were looked at. Raise MarketRejected, MarketChanged.
    """
    _require_sound(terms)
    with transaction.atomic(durable=True):
        market = Market.objects.select_for_update(no_key=True).get(pk=market_id)
        present = terms_of_market(market)
        if present.version != version_seen:
            raise MarketChanged(present)
        market.name, market.position = terms.name, terms.position
        market.cadence, market.lead_from, market.lead_to = terms.cadence, terms.lead_from, terms.lead_to
        market.save(update_fields=["name", "position", "cadence", "lead_from", "lead_to"])
        _take_back_scheduled(market)
    return market


def pause_market(*, market_id: int) -> Market:
    """Schedule no more windows of a market; the one under way runs to its end. Raise IllegalTransition."""
    return _move(market_id, Market.Status.PAUSED)


def resume_market(*, market_id: int) -> Market:
    """Have windows of a paused market scheduled again. Raise IllegalTransition."""
    return _move(market_id, Market.Status.ACTIVE)


def _move(market_id: int, target: Market.Status) -> Market:
    with transaction.atomic(durable=True):
        market = Market.objects.select_for_update(no_key=True).get(pk=market_id)
        require_transition(Market.TRANSITIONS, market.status, target)
        market.status = target
        market.save(update_fields=["status"])
        if target == Market.Status.PAUSED:
            _take_back_scheduled(market)
    return market


def _take_back_scheduled(market: Market) -> None:
    """Forget windows that nothing stands in yet: they were a plan."""
    Window.objects.filter(market=market, status=Window.Status.SCHEDULED, lots=None, bids=None).delete()


def _require_sound(terms: MarketTerms) -> None:
    if not SHORTEST_CADENCE <= terms.cadence <= LONGEST_CADENCE:
        raise MarketRejected("cadence", "A window takes between 5 minutes and 31 days.")
    if terms.cadence % timedelta(minutes=1):
        raise MarketRejected("cadence", "A window takes whole minutes.")
    for field, lead in (("lead_from", terms.lead_from), ("lead_to", terms.lead_to)):
        if lead % HOUR:
            raise MarketRejected(field, "Delivery begins and ends on whole hours.")
        if not timedelta(0) <= lead <= LONGEST_LEAD:
            raise MarketRejected(field, "Delivery is between 0 and 731 days (17,544 hours) after the close.")
    if terms.lead_to <= terms.lead_from:
        raise MarketRejected("lead_to", "Delivery must end after it begins.")
