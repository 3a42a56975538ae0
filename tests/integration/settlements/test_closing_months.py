"""Closing a month: its mismatches are seen to first, and it takes nothing any more."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from accounts.models import User
from settlements import ledger
from settlements.models import ClosedPeriod, Transaction
from settlements.operations.reconciliation import (
    CannotClose,
    close_period,
    look_for_mismatches,
    next_to_close,
)
from tests.integration.settlements.reconciliation_steps import movement

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]


class TestClosingAMonth:
    def booked(self, at: datetime) -> None:
        cents = {ledger.BANK: 5, ledger.LOSSES: -5}
        with transaction.atomic():
            posted = Transaction.objects.create(
                kind=Transaction.Kind.ROUNDING, reference=f"t:{at}", description="-", posted_at=at
            )
            for key, amount in cents.items():
                account = ledger.Account.objects.get_or_create(kind=key.kind, organization=None)[0]
                ledger.Entry.objects.create(transaction=posted, account=account, amount_cents=amount)

    def test_takes_nothing_into_it_any_more(self, person: User) -> None:
        self.booked(datetime(2026, 9, 30, 12, tzinfo=UTC))
        now = datetime(2026, 10, 3, tzinfo=UTC)
        assert next_to_close(now=now).first_day == date(2026, 9, 1)

        period = close_period(first_day=date(2026, 9, 1), by=person, now=now)

        assert (period.n_transactions, str(period)) == (1, "September 2026")
        for late in (datetime(2026, 9, 30, 23, 59, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)):
            with pytest.raises(DatabaseError, match="the books are closed"):
                self.booked(late)
        self.booked(datetime(2026, 10, 1, tzinfo=UTC))

    @pytest.mark.parametrize(
        ("day", "now", "why"),
        [
            (date(2026, 10, 1), datetime(2026, 10, 31, 23, tzinfo=UTC), "is not over"),
            (date(2026, 9, 1), datetime(2026, 12, 1, tzinfo=UTC), "is closed already"),
            (date(2026, 8, 1), datetime(2026, 12, 1, tzinfo=UTC), "September 2026 is closed"),
            (date(2026, 11, 1), datetime(2026, 12, 1, tzinfo=UTC), "October 2026 comes first"),
        ],
    )
    def test_refuses(self, person: User, day: date, now: datetime, why: str) -> None:
        close_period(first_day=date(2026, 9, 1), by=person, now=datetime(2026, 10, 1, tzinfo=UTC))

        with pytest.raises(CannotClose, match=why):
            close_period(first_day=day, by=person, now=now)

    def test_wants_its_mismatches_seen_to_first(self, person: User) -> None:
        at = datetime(2026, 9, 10, tzinfo=UTC)
        movement(at=at)
        look_for_mismatches(now=at + timedelta(days=2))

        with pytest.raises(CannotClose, match="One mismatch of September 2026"):
            close_period(first_day=date(2026, 9, 1), by=person, now=datetime(2026, 10, 1, tzinfo=UTC))

    def test_stays_closed(self, person: User) -> None:
        close_period(first_day=date(2026, 9, 1), by=person, now=datetime(2026, 10, 1, tzinfo=UTC))

        for change in (ClosedPeriod.objects.all().delete, lambda: ClosedPeriod.objects.update(n_movements=1)):
            with pytest.raises(DatabaseError, match="append-only"):
                change()
