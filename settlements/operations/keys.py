"""Idempotency keys of what does no harm when Stripe does it twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet

from settlements.stripe_facts import OutcomeUnknown


@contextmanager
def another_key_after_failure(rows: QuerySet[Any], field: str) -> Iterator[None]:
    """Give the rows another key where Stripe answers that it failed: to the same it answers the same for a day.

    An answer that is lost leaves the key as it is, since the same call may be under way. Not for money: what may have
    moved is looked up before it is asked for again.
    """
    try:
        yield
    except OutcomeUnknown as unknown:
        if unknown.is_answer:
            rows.update(**{field: uuid.uuid4()})
        raise
