"""Ticks, cents, and the one place where one becomes the other.

A tick is $0.0001 and prices a unit-hour; a cent is money that is charged, owed or paid. Both are integers
everywhere. Ticks become cents once, when a settlement is drawn up, rounded down in the buyer's favour.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

TICKS_PER_CENT = 100
CENTS_PER_DOLLAR = 100
TICKS_PER_DOLLAR = 10_000
MAX_PRICE_TICKS = 10_000 * TICKS_PER_DOLLAR
"""The highest price a form or an API accepts, ticks per unit-hour: $10,000. Far above any GPU, far below 2**53."""

_PRICE = re.compile(r"(?P<sign>[-−])?\$?(?P<amount>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)", re.ASCII)
"""A comma parts thousands and nothing else: “2,49” is refused, not read as $249."""


class InvalidPrice(ValueError):
    """The text is no price: not a number, negative, finer than a tick, or absurdly high."""


def cents_from_ticks(ticks: int) -> int:
    """Return the whole cents in ``ticks``, rounded down. Raise ValueError if negative."""
    if ticks < 0:
        raise ValueError(f"{ticks} ticks: an amount is never negative")
    return ticks // TICKS_PER_CENT


def cents_to_cover(ticks: int) -> int:
    """Return the fewest cents that are worth at least ``ticks``: what a hold must reserve."""
    if ticks < 0:
        raise ValueError(f"{ticks} ticks: an amount is never negative")
    return -(-ticks // TICKS_PER_CENT)


def split_cents(total_cents: int, weights: Sequence[int]) -> list[int]:
    """Split ``total_cents`` in proportion to ``weights`` by largest remainder, so that the parts sum to the total.

    Equal remainders go to the earlier part. With weights that are all zero the first part takes everything.
    Raise ValueError on a negative total or weight, or when there is nothing to split among.
    """
    if total_cents < 0 or any(weight < 0 for weight in weights):
        raise ValueError("a total and its weights are never negative")
    if not weights:
        raise ValueError("no parts to split among")
    whole = sum(weights)
    if whole == 0:
        return [total_cents, *[0] * (len(weights) - 1)]
    parts = [total_cents * weight // whole for weight in weights]
    remainders = [total_cents * weight % whole for weight in weights]
    missing = total_cents - sum(parts)
    for index in sorted(range(len(weights)), key=lambda i: (-remainders[i], i))[:missing]:
        parts[index] += 1
    return parts


def parse_price(text: str) -> int:
    """Return the ticks per unit-hour that ``text`` (dollars, such as ``2.4950``) says. Raise InvalidPrice."""
    return parse_amount(text, most_ticks=MAX_PRICE_TICKS, per=" per unit-hour")


def parse_amount(text: str, *, most_ticks: int, per: str = "") -> int:
    """Return the ticks that ``text`` (dollars) says, at most ``most_ticks``. Raise InvalidPrice."""
    written = _PRICE.fullmatch(text.strip())
    if written is None:
        raise InvalidPrice(f"“{text}” is not a price. Write dollars, such as 2.4950.")
    if written["sign"]:
        raise InvalidPrice("A price cannot be negative.")
    ticks = Decimal(written["amount"].replace(",", "")) * TICKS_PER_DOLLAR
    if ticks > most_ticks:
        raise InvalidPrice(f"A price cannot exceed {format_ticks(most_ticks)}{per}.")
    if ticks != ticks.to_integral_value():
        raise InvalidPrice("Prices move in ticks of $0.0001: use at most four decimals.")
    return int(ticks)


def format_ticks(ticks: int) -> str:
    """Return a price for people: ``24950`` ticks is ``$2.4950``."""
    sign = "−" if ticks < 0 else ""
    dollars, rest = divmod(abs(ticks), TICKS_PER_DOLLAR)
    return f"{sign}${dollars:,}.{rest:04d}"


def format_cents(cents: int) -> str:
    """Return an amount for people: ``123456`` cents is ``$1,234.56``."""
    sign = "−" if cents < 0 else ""
    dollars, rest = divmod(abs(cents), 100)
    return f"{sign}${dollars:,}.{rest:02d}"


def dollars_of_ticks(ticks: int) -> str:
    """Return a price as a plain number of dollars, for files: ``24950`` ticks is ``2.4950``."""
    dollars, rest = divmod(abs(ticks), TICKS_PER_DOLLAR)
    return f"{'-' if ticks < 0 else ''}{dollars}.{rest:04d}"
