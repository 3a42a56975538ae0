"""Reads of the fee: what was or will be in force, and what a change would have come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet, Sum

from auctions.models import Market
from settlements.models import FeePolicy, SettlementLine
from settlements.splitting import BPS_PER_WHOLE

PREVIEW_DAYS = 30


@dataclass(frozen=True, slots=True)
class FeeInForce:
    """The fee at an instant; ``policy`` is the version it comes from, None where none was in force: the setting."""

    bps: int
    policy: FeePolicy | None

    @property
    def label(self) -> str:
        return percent(self.bps)


@dataclass(frozen=True, slots=True)
class MarketFee:
    """A market's fee now, and its versions to come."""

    market: Market
    fee: FeeInForce
    later: list[FeePolicy]


@dataclass(frozen=True, slots=True)
class FeePreview:
    """What a fee would have come to on the sales of the last days, next to what it came to. Cents."""

    n_lines: int
    sales_cents: int
    fee_cents: int
    new_fee_cents: int

    @property
    def change_cents(self) -> int:
        return self.new_fee_cents - self.fee_cents


def percent(bps: int) -> str:
    """Return a fee for people: 250 basis points are ``2.5 %``."""
    return f"{bps / 100:g} %"


def fee_in_force(market_id: int | None, at: datetime) -> FeeInForce:
    """Return the fee of a market (None: of markets without a fee of their own) at an instant."""
    begun = FeePolicy.objects.filter(valid_from__lte=at)
    policy = None
    if market_id is not None:
        policy = begun.filter(market_id=market_id).order_by("-valid_from").first()
    policy = policy or begun.filter(market=None).order_by("-valid_from").first()
    return FeeInForce(settings.PLATFORM_FEE_BPS if policy is None else policy.bps, policy)


def fees_of_markets(now: datetime) -> list[MarketFee]:
    """Return every market's fee in force and the versions to come, its own or everybody's."""
    policies = list(FeePolicy.objects.select_related("market").order_by("valid_from"))
    return [_market_fee(market, policies, now) for market in Market.objects.order_by("name", "id")]


def versions() -> QuerySet[FeePolicy]:
    """Return every version, the one that begins last first."""
    return FeePolicy.objects.select_related("market", "added_by").order_by("-valid_from", "-id")


def preview_of(*, market_id: int | None, bps: int, now: datetime) -> FeePreview:
    """Return what ``bps`` would have come to on the sales that it is for, drawn up in the last 30 days."""
    lines = SettlementLine.objects.filter(settlement__created_at__gte=now - timedelta(days=PREVIEW_DAYS))
    if market_id is not None:
        lines = lines.filter(settlement__window__market_id=market_id)
    else:
        own = FeePolicy.objects.filter(valid_from__lte=now).exclude(market=None).values("market_id")
        lines = lines.exclude(settlement__window__market_id__in=own)
    found = lines.aggregate(sales=Sum("amount_cents", default=0), fee=Sum("fee_cents", default=0))
    return FeePreview(
        n_lines=lines.count(),
        sales_cents=found["sales"],
        fee_cents=found["fee"],
        new_fee_cents=found["sales"] * bps // BPS_PER_WHOLE,
    )


def _market_fee(market: Market, policies: list[FeePolicy], now: datetime) -> MarketFee:
    own = [policy for policy in policies if policy.market_id == market.pk]
    of_all = [policy for policy in policies if policy.market_id is None]
    begun = [policy for policy in own if policy.valid_from <= now] or [
        policy for policy in of_all if policy.valid_from <= now
    ]
    fee = FeeInForce(begun[-1].bps, begun[-1]) if begun else FeeInForce(settings.PLATFORM_FEE_BPS, None)
    has_own = any(policy.valid_from <= now for policy in own)
    later = [policy for policy in (own if has_own else [*own, *of_all]) if policy.valid_from > now]
    return MarketFee(market=market, fee=fee, later=later)
