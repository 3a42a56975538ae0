"""Post to the ledger and read balances from it.

Debits are positive, credits negative, all integer cents. ``reference`` names the one business fact a transaction books,
so booking it twice is an error (a unique violation) that undoes the whole database transaction: callers lock the row
the fact is about and look at its state first. Posting assumes a transaction.

Posting to an organization's prepaid balance locks its bidding limit, and to a seller's account that account's balance:
limits before balances, each in key order. Whoever locks limits for another reason does so before posting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, Sum

from accounts.models import BiddingLimit
from settlements.models import Account, AccountBalance, Entry, Transaction

ENTRIES_PER_STATEMENT = 2000


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
    """Post many transactions at once, in order; see ``post_transaction``."""
    for posting in postings:
        if not any(posting.cents.values()):
            raise NothingToPost(f"{posting.reference} books nothing")
    account_ids = _account_ids({key for posting in postings for key, cents in posting.cents.items() if cents})
    transactions = Transaction.objects.bulk_create(
        Transaction(
            kind=posting.kind,
            reference=posting.reference,
            description=posting.description,
            stripe_object_id=posting.stripe_object_id,
        )
        for posting in postings
    )
    entries = [
        Entry(transaction=transaction, account_id=account_ids[key], amount_cents=cents)
        for transaction, posting in zip(transactions, postings, strict=True)
        for key, cents in posting.cents.items()
        if cents
    ]
    if len(entries) > ENTRIES_PER_STATEMENT:
        _lock_guarded(account_ids)
    Entry.objects.bulk_create(entries, batch_size=ENTRIES_PER_STATEMENT)
    return transactions


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


def _lock_guarded(account_ids: Mapping[AccountKey, int]) -> None:
    """Lock what guards these accounts, in key order, once: each single statement would, but only its own."""
    buyers = [key.organization_id for key in account_ids if key.kind == Account.Kind.BUYER_PREPAID]
    limits = BiddingLimit.objects.filter(pk__in=buyers).select_for_update(no_key=True)
    list(limits.order_by("pk").values_list("pk"))
    balances = AccountBalance.objects.filter(pk__in=account_ids.values()).select_for_update(no_key=True)
    list(balances.order_by("pk").values_list("pk"))


def _account_ids(keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    """Return the ids of accounts, opening those that are missing; two openers meet in the unique constraint."""
    wanted = sorted(keys, key=lambda key: (key.kind, key.organization_id or 0))
    found = _find_accounts(wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        Account.objects.bulk_create(
            [Account(kind=key.kind, organization_id=key.organization_id) for key in missing],
            ignore_conflicts=True,
        )
        found = _find_accounts(wanted)
    return found


def _find_accounts(keys: Sequence[AccountKey]) -> dict[AccountKey, int]:
    organizations = {key.organization_id for key in keys if key.organization_id is not None}
    rows = Account.objects.filter(
        Q(organization=None) | Q(organization_id__in=organizations), kind__in={key.kind for key in keys}
    ).values_list("kind", "organization_id", "id")
    return {AccountKey(Account.Kind(kind), organization): pk for kind, organization, pk in rows}
