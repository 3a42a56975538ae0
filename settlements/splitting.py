"""How a settlement's ticks become cents, its lines and the fee. Pure: integers in, integers out."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.money import cents_from_ticks, split_cents

BPS_PER_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class SplitAmount:
    """A settlement in cents: ``lines_cents`` sum to ``amount_cents``, of each line ``fees_cents`` is the platform's."""

    amount_cents: int
    lines_cents: list[int]
    fees_cents: list[int]


def split_amount(awards_ticks: Sequence[int], *, fee_bps: int) -> SplitAmount:
    """Round the sum of ``awards_ticks`` down to the cent once, and split it and the fee by largest remainder.

    The fee, too, is taken of the whole and rounded down once, in the sellers' favour. A line's fee never exceeds
    the line: it is at most the line's exact share rounded up. Raise ValueError on a fee outside 0 to 10,000 bps.
    """
    if not 0 <= fee_bps <= BPS_PER_WHOLE:
        raise ValueError(f"a fee of {fee_bps} basis points is no share of an amount")
    amount_cents = cents_from_ticks(sum(awards_ticks))
    lines_cents = split_cents(amount_cents, awards_ticks)
    fees_cents = split_cents(amount_cents * fee_bps // BPS_PER_WHOLE, lines_cents)
    return SplitAmount(amount_cents=amount_cents, lines_cents=lines_cents, fees_cents=fees_cents)


@dataclass(frozen=True, slots=True)
class RefundPart:
    """What goes back of one line, cents, and how much of it the platform's fee bears."""

    amount_cents: int
    fee_cents: int


def split_refund(amount_cents: int, *, share_cents: int, fee_cents: int) -> RefundPart:
    """Say what the seller's share and the fee, as far as they are left, bear of a line's refund: by largest remainder.

    Refunds of a line one after the other come to the line's fee and share exactly when all of it has gone back.
    Raise ValueError on a refund of more than is left.
    """
    if not 0 < amount_cents <= share_cents + fee_cents:
        raise ValueError(f"{amount_cents} cents of a line of which {share_cents + fee_cents} are left")
    _, fee = split_cents(amount_cents, [share_cents, fee_cents])
    return RefundPart(amount_cents=amount_cents, fee_cents=fee)


def prepaid_part(amount_cents: int, *, card_left_cents: int, prepaid_left_cents: int) -> int:
    """Return how much of a refund goes back to the prepaid balance: in proportion to what card and balance paid.

    What is left of either is never exceeded. Raise ValueError on a refund of more than is left of both.
    """
    if not 0 < amount_cents <= card_left_cents + prepaid_left_cents:
        raise ValueError(
            f"{amount_cents} cents of a payment of which {card_left_cents + prepaid_left_cents} are left"
        )
    return split_cents(amount_cents, [card_left_cents, prepaid_left_cents])[1]
