import threading

import pytest
from django.db import InternalError, connection, transaction
from django.db.transaction import TransactionManagementError

from accounts.models import Organization
from marketplace.db import LockSpace, database_now, lock_exclusive, lock_shared, snapshot, try_session_lock
from tests.factories import BuyerFactory


def in_another_session(work) -> list:
    """Run ``work`` on a thread, and so on a connection of its own, and return its result in a list."""
    results = []

    def run() -> None:
        results.append(work())
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=30)
    return results


def is_free(space: LockSpace, key: int) -> bool:
    with try_session_lock(space, key) as got:
        return got


@pytest.mark.django_db(transaction=True)
class TestTransactionLocks:
    @pytest.mark.parametrize("lock", [lock_shared, lock_exclusive])
    def test_are_refused_outside_a_transaction(self, lock):
        with pytest.raises(TransactionManagementError):
            lock(LockSpace.WINDOW, 1)

    @pytest.mark.parametrize("lock", [lock_shared, lock_exclusive])
    def test_last_until_the_transaction_ends(self, lock):
        with transaction.atomic():
            lock(LockSpace.WINDOW, 7)
            assert in_another_session(lambda: is_free(LockSpace.WINDOW, 7)) == [False]
            assert in_another_session(lambda: is_free(LockSpace.PUBLISHER, 7)) == [True]

        assert in_another_session(lambda: is_free(LockSpace.WINDOW, 7)) == [True]

    def test_shared_ones_are_shared(self):
        def share() -> str:
            with transaction.atomic():
                lock_shared(LockSpace.WINDOW, 7)
            return "got it"

        with transaction.atomic():
            lock_shared(LockSpace.WINDOW, 7)
            assert in_another_session(share) == ["got it"]

    @pytest.mark.parametrize("lock", [lock_shared, lock_exclusive])
    def test_take_ids_of_any_size(self, lock):
        with transaction.atomic():
            lock(LockSpace.WINDOW, 2**31 + 7)
            assert in_another_session(lambda: is_free(LockSpace.WINDOW, 7)) == [False]

        with transaction.atomic():
            lock(LockSpace.WINDOW, 2**63 - 1)


@pytest.mark.django_db(transaction=True)
class TestSessionLock:
    def test_outlives_transactions_and_ends_with_its_block(self):
        with try_session_lock(LockSpace.IDEMPOTENCY_KEY, -5) as got:
            with transaction.atomic():
                pass
            assert got
            assert in_another_session(lambda: is_free(LockSpace.IDEMPOTENCY_KEY, -5)) == [False]

        assert in_another_session(lambda: is_free(LockSpace.IDEMPOTENCY_KEY, -5)) == [True]

    def test_ends_with_its_connection(self):
        with try_session_lock(LockSpace.IDEMPOTENCY_KEY, 6):
            connection.close()

            assert in_another_session(lambda: is_free(LockSpace.IDEMPOTENCY_KEY, 6)) == [True]


@pytest.mark.django_db(transaction=True)
class TestDatabaseNow:
    def test_moves_on_inside_a_transaction(self):
        with transaction.atomic():
            first, second = database_now(), database_now()

        assert first < second
        assert first.utcoffset() is not None


@pytest.mark.django_db(transaction=True)
class TestSnapshot:
    def test_reads_one_moment(self):
        with snapshot():
            before = Organization.objects.count()
            in_another_session(BuyerFactory)

            assert Organization.objects.count() == before

        assert Organization.objects.count() == before + 1

    def test_takes_no_writes(self):
        with pytest.raises(InternalError, match="read-only"), snapshot():
            BuyerFactory()

    def test_leaves_the_transaction_it_is_in_as_it_is(self):
        with transaction.atomic(), snapshot():
            BuyerFactory()

        assert Organization.objects.count() == 1
