"""Post to the ledger and read balances from it.

Debits are positive, credits negative, all integer cents. ``reference`` names the one business fact a transaction books,
so booking it twice is an error (a unique violation) that undoes the whole database transaction: callers lock the row
the fact is about and look at its state first. Posting assumes a transaction.

Posting to an organization's prepaid balance locks its bidding limit, and to a seller's account that account's balance:
limits before balances, each in key order. Whoever locks limits for another reason does so before posting, and whoever
tells a feed (accounts/stream.py) does so after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Sum

from accounts.holds import lock_limit
from settlements.models import Account, AccountBalance, Entry, Transaction

POST = """
SELECT reference, id, posted_at FROM ledger_post(%s::text[], %s::text[], %s::text[], %s::text[],
                                                 %s::text[], %s::text[], %s::bigint[], %s::bigint[])
"""


class NothingToPost(ValueError):
    """A transaction whose entries are all zero books nothing."""


@dataclass(frozen=True, slots=True)
class AccountKey:
    """An account by what it is: its kind and, for accounts of organizations, whose."""

    kind: Account.Kind
    organization_id: int | None = None


def buyer_receivable(organization_id: int) -> AccountKey:
    """What a buyer owes: debit balance."""
    return AccountKey(Account.Kind.BUYER_RECEIVABLE, organization_id)


def buyer_prepaid(organization_id: int) -> AccountKey:
    """What a buyer has paid in and not spent: credit balance."""
    return AccountKey(Account.Kind.BUYER_PREPAID, organization_id)


def seller_reserve(organization_id: int) -> AccountKey:
    """What a seller is owed once it has delivered: credit balance."""
    return AccountKey(Account.Kind.SELLER_RESERVE, organization_id)


def seller_payable(organization_id: int) -> AccountKey:
    """What a seller is owed now, having delivered: credit balance."""
    return AccountKey(Account.Kind.SELLER_PAYABLE, organization_id)


PLATFORM_FEES = AccountKey(Account.Kind.PLATFORM_FEES)
STRIPE_PENDING = AccountKey(Account.Kind.STRIPE_PENDING)
STRIPE_AVAILABLE = AccountKey(Account.Kind.STRIPE_AVAILABLE)
STRIPE_FEES = AccountKey(Account.Kind.STRIPE_FEES)
REFUNDS_IN_FLIGHT = AccountKey(Account.Kind.REFUNDS_IN_FLIGHT)
DISPUTES_IN_FLIGHT = AccountKey(Account.Kind.DISPUTES_IN_FLIGHT)
BANK = AccountKey(Account.Kind.BANK)
ROUNDING = AccountKey(Account.Kind.ROUNDING)
LOSSES = AccountKey(Account.Kind.LOSSES)


@dataclass(frozen=True, slots=True)
class Posting:
    """A transaction to post: cents per account, debits positive. Accounts with zero cents are left out.

    ``stripe_object_id`` names the Stripe object whose money it books: no other transaction of its kind books it again.
    """

    kind: Transaction.Kind
    reference: str
    description: str
    cents: Mapping[AccountKey, int]
    stripe_object_id: str = ""


def post_transaction(posting: Posting) -> Transaction:
    """Post one transaction. Raise NothingToPost, or IntegrityError when its reference was posted before.

    Whether the entries sum to zero is for the database to say, when its transaction commits.
    """
    return post_transactions([posting])[0]


def post_transactions(postings: Sequence[Posting]) -> list[Transaction]:
    """Post many transactions at once, in order; see ``post_transaction``. It is one round trip.

    Accounts that are missing are opened (migrations/0002_ledger_guards.py).
    """
    for posting in postings:
        if not any(posting.cents.values()):
            raise NothingToPost(f"{posting.reference} books nothing")
    if not postings:
        return []
    entries = [
        (posting.reference, str(key.kind), key.organization_id, cents)
        for posting in postings
        for key, cents in posting.cents.items()
        if cents
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            POST,
            [
                [str(posting.kind) for posting in postings],
                [posting.reference for posting in postings],
                [posting.description for posting in postings],
                [posting.stripe_object_id for posting in postings],
                *map(list, zip(*entries, strict=True)),
            ],
        )
        written = {reference: (pk, at) for reference, pk, at in cursor.fetchall()}
    return [_transaction(posting, *written[posting.reference]) for posting in postings]


def lock_sides(*, buyer_id: int, seller_id: int) -> None:
    """Lock what posting between a buyer and a seller locks, for a caller that tells a feed before it posts."""
    lock_limit(buyer_id)
    balances = AccountBalance.objects.select_for_update(no_key=True, of=("self",))
    list(balances.filter(account__organization_id=seller_id).order_by("account_id").values_list("pk"))


def balance_cents(key: AccountKey) -> int:
    """Return an account's balance, cents: debits less credits. An account never used has none."""
    account = Account.objects.filter(kind=key.kind, organization=key.organization_id)
    entries = Entry.objects.filter(account__in=account)
    return entries.aggregate(total=Sum("amount_cents", default=0))["total"]


def balances_cents() -> dict[AccountKey, int]:
    """Return the balance of every account that has entries, cents. They sum to zero."""
    rows = Entry.objects.values_list("account__kind", "account__organization_id").annotate(
        Sum("amount_cents")
    )
    return {AccountKey(Account.Kind(kind), organization): total for kind, organization, total in rows}


def _transaction(posting: Posting, pk: int, posted_at: datetime) -> Transaction:
    """Return the row that ``posting`` became, as reading it would."""
    names = ["id", "kind", "reference", "stripe_object_id", "description", "posted_at"]
    values = [pk, posting.kind, posting.reference, posting.stripe_object_id, posting.description, posted_at]
    return Transaction.from_db(connection.alias, names, values)
