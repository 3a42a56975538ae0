"""The ledger defends itself: each guard is attacked with raw SQL, as a careless shell session would."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import BiddingLimit, Organization
from settlements import ledger
from settlements.models import Account, AccountBalance, Entry, Transaction
from tests.factories import BuyerFactory, SellerFactory

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
    tables = (
        "settlements_account",
        "settlements_accountbalance",
        "settlements_transaction",
        "settlements_entry",
    )
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


def post(kind: Transaction.Kind, cents: dict[ledger.AccountKey, int], *, stripe_object_id: str = "") -> None:
    with transaction.atomic():
        ledger.post_transaction(
            ledger.Posting(
                kind=kind,
                reference=f"test:{uuid4()}",
                description="",
                cents=cents,
                stripe_object_id=stripe_object_id,
            )
        )


def prepay(buyer: Organization, cents: int) -> None:
    post(Transaction.Kind.PREPAYMENT, {ledger.STRIPE_PENDING: cents, ledger.buyer_prepaid(buyer.pk): -cents})


def spend(buyer: Organization, cents: int) -> None:
    post(
        Transaction.Kind.PREPAID_SPENT,
        {ledger.buyer_prepaid(buyer.pk): cents, ledger.buyer_receivable(buyer.pk): -cents},
    )


def owe(key: ledger.AccountKey, cents: int) -> None:
    post(Transaction.Kind.SETTLEMENT_DUE, {ledger.STRIPE_PENDING: cents, key: -cents})


def kept_cents(organization: Organization, kind: Account.Kind) -> int:
    return AccountBalance.objects.get(account__organization=organization, account__kind=kind).balance_cents


class TestOverdraft:
    def test_of_a_prepaid_balance_is_refused_and_moves_nothing(self) -> None:
        buyer = BuyerFactory(limit_cents=0)
        prepay(buyer, 100)

        with pytest.raises(IntegrityError, match="overdrawn by 1 cents"):
            spend(buyer, 101)
        spend(buyer, 100)

        assert ledger.balance_cents(ledger.buyer_prepaid(buyer.pk)) == 0
        assert BiddingLimit.objects.get(pk=buyer.pk).prepaid_cents == 0

    def test_of_a_prepaid_balance_by_raw_entries_is_refused_too(self, accounts: tuple[int, int]) -> None:
        buyer = BuyerFactory()
        prepaid = Account.objects.create(kind=Account.Kind.BUYER_PREPAID, organization=buyer).pk

        with pytest.raises(IntegrityError, match="overdrawn"):
            write((prepaid, 5), (accounts[0], -5))

    @pytest.mark.parametrize("key_of", [ledger.seller_reserve, ledger.seller_payable])
    def test_of_what_a_seller_is_owed_is_refused(self, key_of: Callable[[int], ledger.AccountKey]) -> None:
        seller = SellerFactory()
        owe(key_of(seller.pk), 70)

        with pytest.raises(IntegrityError, match="overdrawn by 1 cents"):
            post(Transaction.Kind.TRANSFER, {key_of(seller.pk): 71, ledger.STRIPE_AVAILABLE: -71})

        assert kept_cents(seller, key_of(seller.pk).kind) == -70

    @pytest.mark.parametrize(
        "kind", [Transaction.Kind.REFUND, Transaction.Kind.DISPUTE_LOST, Transaction.Kind.REVERSAL]
    )
    def test_of_what_is_owed_now_is_a_debt_where_money_is_taken_back(self, kind: Transaction.Kind) -> None:
        seller = SellerFactory()
        payable, reserve = ledger.seller_payable(seller.pk), ledger.seller_reserve(seller.pk)

        post(kind, {payable: 30, ledger.REFUNDS_IN_FLIGHT: -30})

        assert kept_cents(seller, Account.Kind.SELLER_PAYABLE) == 30
        with pytest.raises(IntegrityError, match="overdrawn"):
            post(kind, {reserve: 30, ledger.REFUNDS_IN_FLIGHT: -30})
        with pytest.raises(IntegrityError, match="overdrawn"):
            post(Transaction.Kind.TRANSFER, {payable: 1, ledger.STRIPE_AVAILABLE: -1})
        owe(payable, 10)  # a debt is paid back in parts
        assert kept_cents(seller, Account.Kind.SELLER_PAYABLE) == 20

    def test_lowering_a_reserve_that_is_there_is_fine(self) -> None:
        seller = SellerFactory()
        payable, reserve = ledger.seller_payable(seller.pk), ledger.seller_reserve(seller.pk)
        owe(reserve, 50)

        post(Transaction.Kind.DELIVERED, {reserve: 50, payable: -50})

        assert kept_cents(seller, Account.Kind.SELLER_RESERVE) == 0
        assert kept_cents(seller, Account.Kind.SELLER_PAYABLE) == -50

    def test_sixteen_threads_drain_one_balance_exactly_to_zero(self) -> None:
        buyer = BuyerFactory(limit_cents=0)
        prepay(buyer, 1_003)
        together = threading.Barrier(16, timeout=30)

        def spend_all(spent: list[int]) -> None:
            while True:
                spend(buyer, 7)
                spent.append(7)

        def drain() -> int:
            together.wait()
            spent: list[int] = []
            with closing(connection), pytest.raises(IntegrityError, match="overdrawn"):
                spend_all(spent)
            return sum(spent)

        with ThreadPoolExecutor(16) as pool:
            spent = sum(future.result(timeout=120) for future in [pool.submit(drain) for _ in range(16)])
        spend(buyer, 2)

        assert spent == 1_001
        assert ledger.balance_cents(ledger.buyer_prepaid(buyer.pk)) == 0
        assert BiddingLimit.objects.get(pk=buyer.pk).prepaid_cents == 0

    def test_opposite_orders_of_accounts_do_not_deadlock(self) -> None:
        sellers = [SellerFactory() for _ in range(4)]
        for seller in sellers:
            owe(ledger.seller_reserve(seller.pk), 1_000)
        together = threading.Barrier(4, timeout=30)

        def move(order: list[Organization]) -> None:
            together.wait()
            try:
                for _ in range(25):
                    cents = {ledger.seller_reserve(seller.pk): 1 for seller in order}
                    post(Transaction.Kind.DELIVERED, {**cents, ledger.PLATFORM_FEES: -len(order)})
            finally:
                connection.close()

        orders = [sellers, sellers[::-1], sellers[2:] + sellers[:2], sellers[1:]]
        with ThreadPoolExecutor(4) as pool:
            for future in [pool.submit(move, order) for order in orders]:
                future.result(timeout=60)

        assert kept_cents(sellers[0], Account.Kind.SELLER_RESERVE) == -(1_000 - 75)


class TestKeptBalances:
    def test_are_the_sums_of_entries(self) -> None:
        buyer, seller = BuyerFactory(limit_cents=500), SellerFactory()
        prepay(buyer, 300)
        spend(buyer, 120)
        owe(ledger.seller_reserve(seller.pk), 80)

        limit = BiddingLimit.objects.get(pk=buyer.pk)
        assert limit.prepaid_cents == -ledger.balance_cents(ledger.buyer_prepaid(buyer.pk)) == 180
        assert limit.limit_cents == 680
        kept = kept_cents(seller, Account.Kind.SELLER_RESERVE)
        assert kept == ledger.balance_cents(ledger.seller_reserve(seller.pk)) == -80

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE settlements_accountbalance SET balance_cents = -999",
            "DELETE FROM settlements_accountbalance",
            "UPDATE accounts_biddinglimit SET prepaid_cents = 999",
        ],
    )
    def test_are_set_by_nothing_but_entries(self, sql: str) -> None:
        owe(ledger.seller_reserve(SellerFactory().pk), 80)
        BuyerFactory()

        with pytest.raises(IntegrityError, match="follows from the entries"):
            execute(sql)

    def test_are_never_truncated(self, truncate_guard: None) -> None:
        with pytest.raises(IntegrityError, match="follows from the entries"):
            execute("TRUNCATE settlements_accountbalance")

    def test_a_limit_starts_without_prepaid_money(self) -> None:
        organization = Organization.objects.create(name="Out of thin air", slug="thin-air")

        with pytest.raises(IntegrityError, match="follows from the entries"):
            BiddingLimit.objects.create(organization=organization, prepaid_cents=5)


class TestStripeObjects:
    def test_are_booked_once_for_each_kind(self) -> None:
        cents = {ledger.STRIPE_PENDING: 7, ledger.PLATFORM_FEES: -7}
        post(Transaction.Kind.CHARGE, cents, stripe_object_id="ch_1")

        with pytest.raises(IntegrityError, match="ledger_stripe_object_booked_once"):
            post(Transaction.Kind.CHARGE, cents, stripe_object_id="ch_1")
        post(Transaction.Kind.DISPUTE_OPENED, cents, stripe_object_id="ch_1")
        post(Transaction.Kind.CHARGE, cents)
        post(Transaction.Kind.CHARGE, cents)

        assert Transaction.objects.count() == 4
