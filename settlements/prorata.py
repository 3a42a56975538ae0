"""What minutes of an outage are worth. Pure: integers in, integers out."""

from marketplace.money import split_cents


def refund_of_outage(amount_cents: int, *, n_minutes: int, refunded_minutes: int, upheld_minutes: int) -> int:
    """Return the cents that ``upheld_minutes`` more are worth, of an amount paid for ``n_minutes``.

    All minutes refunded together, the ``refunded_minutes`` before included, are worth their share of the amount by
    largest remainder; this refund is what that adds. So outages one after the other come to the same as one, and all
    minutes to the whole amount. Raise ValueError on more minutes than there are.

    >>> refund_of_outage(1000, n_minutes=180, refunded_minutes=0, upheld_minutes=60)
    333
    >>> refund_of_outage(1000, n_minutes=180, refunded_minutes=60, upheld_minutes=120)
    667
    """
    if min(refunded_minutes, upheld_minutes) < 0 or refunded_minutes + upheld_minutes > n_minutes:
        raise ValueError(f"{refunded_minutes} and {upheld_minutes} of {n_minutes} minutes")
    before = _worth(amount_cents, refunded_minutes, n_minutes)
    return _worth(amount_cents, refunded_minutes + upheld_minutes, n_minutes) - before


def _worth(amount_cents: int, minutes: int, n_minutes: int) -> int:
    return split_cents(amount_cents, [minutes, n_minutes - minutes])[0]
