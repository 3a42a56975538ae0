"""The ledger defends itself: each guard is attacked with raw SQL, as a careless shell session would."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, connection, transaction

from settlements import ledger
from settlements.models import Account, Entry, Transaction

pytestmark = pytest.mark.django_db(transaction=True)


def execute(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def insert_transaction(reference: str = "raw") -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO settlements_transaction (kind, reference, description) "
            "VALUES ('charge', %s, '') RETURNING id",
            [reference],
        )
        return cursor.fetchone()[0]


def write(*entries: tuple[int, int], check_early: bool = False) -> None:
    """Write a transaction with these (account, cents), the last of them after an early check if so asked."""
    *first, last = entries
    with transaction.atomic():
        written = insert_transaction()
        for account_id, cents in first:
            insert_entry(written, account_id, cents)
        if check_early:
            execute("SET CONSTRAINTS ALL IMMEDIATE")
            execute("SET CONSTRAINTS ALL DEFERRED")
        insert_entry(written, *last)


def insert_entry(transaction_id: int, account_id: int, cents: int) -> None:
    execute(
        "INSERT INTO settlements_entry (transaction_id, account_id, amount_cents) VALUES (%s, %s, %s)",
        transaction_id,
        account_id,
        cents,
    )


@pytest.fixture
def accounts() -> tuple[int, int]:
    return (
        Account.objects.create(kind=Account.Kind.STRIPE_PENDING).pk,
        Account.objects.create(kind=Account.Kind.PLATFORM_FEES).pk,
    )


@pytest.fixture
def posted(accounts: tuple[int, int]) -> Transaction:
    with transaction.atomic():
        return ledger.post_transaction(
            ledger.Posting(
                kind=Transaction.Kind.CHARGE,
                reference="posted",
                description="",
                cents={ledger.STRIPE_PENDING: 7, ledger.PLATFORM_FEES: -7},
            )
        )


@pytest.fixture
def truncate_guard() -> Iterator[None]:
    """The guard that tests/conftest.py switches off, on again."""
    tables = ("settlements_account", "settlements_transaction", "settlements_entry")
    for table in tables:
        execute(f"ALTER TABLE {table} ENABLE TRIGGER ledger_never_truncated")
    yield
    for table in tables:
        execute(f"ALTER TABLE {table} DISABLE TRIGGER ledger_never_truncated")


class TestBalance:
    def test_refuses_at_commit_what_does_not_sum_to_zero(self, accounts: tuple[int, int]) -> None:
        with pytest.raises(IntegrityError, match="sum to 1 cents"):
            write((accounts[0], 5), (accounts[1], -4))

        assert not Transaction.objects.exists()

    def test_refuses_a_transaction_without_entries(self) -> None:
        with pytest.raises(IntegrityError, match="has no entries"), transaction.atomic():
            insert_transaction()

    def test_checks_again_after_constraints_were_forced_early(self, accounts: tuple[int, int]) -> None:
        with pytest.raises(IntegrityError, match="sum to 1 cents"):
            write((accounts[0], 5), (accounts[1], -5), (accounts[0], 1), check_early=True)

    def test_refuses_an_entry_of_nothing(self, accounts: tuple[int, int]) -> None:
        with pytest.raises(IntegrityError, match="ledger_entry_not_zero"), transaction.atomic():
            insert_entry(insert_transaction(), accounts[0], 0)


class TestSeal:
    def test_refuses_entries_that_come_in_a_later_transaction(
        self, posted: Transaction, accounts: tuple[int, int]
    ) -> None:
        with pytest.raises(IntegrityError, match="is sealed"):
            insert_entry(posted.pk, accounts[0], 5)

    def test_takes_no_writer_from_the_client(self, accounts: tuple[int, int]) -> None:
        with transaction.atomic():
            execute(
                "INSERT INTO settlements_transaction (kind, reference, description, written_by) "
                "VALUES ('charge', 'forged', '', '1'::xid8)"
            )
            forged = Transaction.objects.get(reference="forged")
            insert_entry(forged.pk, accounts[0], 5)
            insert_entry(forged.pk, accounts[1], -5)
            with connection.cursor() as cursor:
                cursor.execute("SELECT written_by = pg_current_xact_id() FROM settlements_transaction")
                assert cursor.fetchone() == (True,)


class TestAppendOnly:
    @pytest.mark.parametrize(
        "attack",
        [
            "UPDATE settlements_entry SET amount_cents = amount_cents * 2",
            "DELETE FROM settlements_entry",
            "UPDATE settlements_transaction SET description = 'changed'",
            "UPDATE settlements_transaction SET written_by = pg_current_xact_id()",
            "DELETE FROM settlements_transaction",
            "UPDATE settlements_account SET kind = 'stripe_fees' WHERE kind = 'platform_fees'",
            "DELETE FROM settlements_account",
        ],
    )
    def test_refuses_change(self, posted: Transaction, attack: str) -> None:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            execute(attack)

        assert sorted(Entry.objects.values_list("amount_cents", flat=True)) == [-7, 7]

    @pytest.mark.usefixtures("truncate_guard")
    @pytest.mark.parametrize("table", ["entry", "transaction", "account"])
    def test_refuses_truncate(self, posted: Transaction, table: str) -> None:
        with pytest.raises(IntegrityError, match="TRUNCATE on settlements_"), transaction.atomic():
            execute(f"TRUNCATE settlements_{table} CASCADE")

        assert Entry.objects.count() == 2


class TestAccounts:
    def test_refuses_a_receivable_of_nobody(self) -> None:
        with pytest.raises(IntegrityError, match="ledger_account_of_an_organization"):
            Account.objects.create(kind=Account.Kind.BUYER_RECEIVABLE)

    def test_refuses_a_second_account_for_the_same(self, accounts: tuple[int, int]) -> None:
        with pytest.raises(IntegrityError, match="ledger_account_once"):
            Account.objects.create(kind=Account.Kind.STRIPE_PENDING)


class TestPostTransaction:
    def test_refuses_to_book_the_same_fact_twice(self, posted: Transaction) -> None:
        again = ledger.Posting(
            kind=Transaction.Kind.CHARGE,
            reference=posted.reference,
            description="",
            cents={ledger.STRIPE_PENDING: 7, ledger.PLATFORM_FEES: -7},
        )
        with pytest.raises(IntegrityError, match="reference"), transaction.atomic():
            ledger.post_transaction(again)

        assert ledger.balance_cents(ledger.STRIPE_PENDING) == 7

    def test_leaves_out_accounts_with_nothing_on_them(self, posted: Transaction) -> None:
        with transaction.atomic():
            ledger.post_transaction(
                ledger.Posting(
                    kind=Transaction.Kind.CHARGE,
                    reference="second",
                    description="",
                    cents={ledger.STRIPE_PENDING: 3, ledger.PLATFORM_FEES: -3, ledger.STRIPE_FEES: 0},
                )
            )

        assert ledger.balances_cents() == {ledger.STRIPE_PENDING: 10, ledger.PLATFORM_FEES: -10}

    def test_refuses_to_book_nothing(self) -> None:
        empty = ledger.Posting(Transaction.Kind.CHARGE, "empty", "", {ledger.STRIPE_FEES: 0})
        with pytest.raises(ledger.NothingToPost):
            ledger.post_transaction(empty)
