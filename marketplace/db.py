"""What the domain asks of Postgres beyond the ORM: advisory locks, reads of one moment, the database's own clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum

from django.db import connection, transaction


class LockSpace(IntEnum):
    """The first key of every advisory lock, so that no two uses collide."""

    WINDOW = 1
    PUBLISHER = 2
    IDEMPOTENCY_KEY = 3
    RECONCILIATION = 4
    WINDOW_ROOM = 5


def lock_shared(space: LockSpace, key: int) -> None:
    """Take an advisory lock that others may share, until this transaction ends."""
    _require_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [int(space), _in_32_bits(key)])


def lock_exclusive(space: LockSpace, key: int) -> None:
    """Take an advisory lock that nobody shares, until this transaction ends."""
    _require_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [int(space), _in_32_bits(key)])


@contextmanager
def try_session_lock(space: LockSpace, key: int) -> Iterator[bool]:
    """Try for an exclusive advisory lock that outlives transactions, and say whether it was got; never wait.

    The lock ends with the block, or with the connection: when the process dies, so does the lock. ``key`` is 32 bits,
    signed. Behind a pooler that shares sessions between clients (transaction pooling) this holds nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [int(space), key])
        (got,) = cursor.fetchone()
    try:
        yield got
    finally:
        if got:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [int(space), key])


@contextmanager
def snapshot() -> Iterator[None]:
    """Let every read of the block see the database as of its first one; writing is an error.

    Inside a transaction this does nothing: that transaction has chosen what its reads see, and cannot choose anew.
    """
    if transaction.get_connection().in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _in_32_bits(key: int) -> int:
    """Fold a row's id into what an advisory lock takes. Two ids on one lock only wait for each other."""
    return key % 2**31


def database_now() -> datetime:
    """Return the database's clock as of this statement (not of the transaction's start)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now


def _require_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "a transaction-level lock outside a transaction holds nothing"
        )
