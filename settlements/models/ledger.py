"""The double-entry ledger: accounts, transactions that sum to zero, and entries nobody can change.

The guards are triggers in the database (migrations/0002_ledger_guards.py, …_ledger_overdrafts.py): a transaction's
entries sum to zero when it commits, rows are append-only, no entry joins a transaction that an earlier database
transaction wrote, and what we owe to an organization never falls below nothing. Undo is a reversal.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization


class Account(models.Model):
    """An account of the ledger. Debits are positive, credits negative; a balance is the sum of its entries."""

    class Kind(models.TextChoices):
        BUYER_RECEIVABLE = "buyer_receivable", "Owed by a buyer"
        BUYER_PREPAID = "buyer_prepaid", "Prepaid by a buyer"
        SELLER_RESERVE = "seller_reserve", "Held for a seller until delivered"
        SELLER_PAYABLE = "seller_payable", "Owed to a seller"
        PLATFORM_FEES = "platform_fees", "Platform fees earned"
        STRIPE_PENDING = "stripe_pending", "Balance at Stripe, pending"
        STRIPE_AVAILABLE = "stripe_available", "Balance at Stripe, available"
        STRIPE_FEES = "stripe_fees", "Stripe fees paid"
        REFUNDS_IN_FLIGHT = "refunds_in_flight", "Refunds on their way"
        DISPUTES_IN_FLIGHT = "disputes_in_flight", "Disputed, held by Stripe"
        BANK = "bank", "Paid out to our bank"
        ROUNDING = "rounding", "Rounding"
        LOSSES = "losses", "Losses borne by us"

    OF_ORGANIZATIONS = (
        Kind.BUYER_RECEIVABLE,
        Kind.BUYER_PREPAID,
        Kind.SELLER_RESERVE,
        Kind.SELLER_PAYABLE,
    )

    kind = models.CharField(max_length=20, choices=Kind)
    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="ledger_accounts"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "organization"], nulls_distinct=False, name="ledger_account_once"
            ),
            models.CheckConstraint(
                name="ledger_account_of_an_organization_or_the_house",
                condition=Q(
                    kind__in=["buyer_receivable", "buyer_prepaid", "seller_reserve", "seller_payable"],
                    organization__isnull=False,
                )
                | (
                    ~Q(kind__in=["buyer_receivable", "buyer_prepaid", "seller_reserve", "seller_payable"])
                    & Q(organization=None)
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}" + (f": {self.organization}" if self.organization_id else "")


class AccountBalance(models.Model):
    """The balance of an account of a seller's, kept by trigger as entries are written, because it is guarded.

    A debit that would leave a debit balance is refused: nobody is paid what is not owed to them. SELLER_PAYABLE
    (``may_owe``) may be overdrawn by a refund, a lost dispute or a reversal alone: the seller then owes it to us. A
    buyer's prepaid balance is kept where it guards the bidding limit: accounts.BiddingLimit.prepaid_cents. All other
    balances are sums of entries.
    """

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, primary_key=True, related_name="balance"
    )
    balance_cents = models.BigIntegerField(default=0)
    may_owe = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="ledger_reserve_not_overdrawn", condition=Q(balance_cents__lte=0) | Q(may_owe=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.balance_cents} on {self.account_id}"


class Transaction(models.Model):
    """A balanced set of entries. ``reference`` names the one business fact it books, so nothing is booked twice.

    ``stripe_object_id`` names the Stripe object whose money it books, if it books one's: once for each kind.
    """

    class Kind(models.TextChoices):
        SETTLEMENT_DUE = "settlement_due", "Settlement drawn up"
        PREPAYMENT = "prepayment", "Prepayment received"
        PREPAID_SPENT = "prepaid_spent", "Paid from the prepaid balance"
        PREPAID_RETURNED = "prepaid_returned", "Prepayment returned"
        CHARGE = "charge", "Charge collected"
        FUNDS_AVAILABLE = "funds_available", "Pending funds became available"
        DEFAULT = "default", "Buyer defaulted"
        DELIVERED = "delivered", "Delivered: owed to the seller"
        TRANSFER = "transfer", "Transferred to a seller"
        TRANSFER_REVERSAL = "transfer_reversal", "Transfer taken back"
        REFUND = "refund", "Refund decided"
        REFUND_PAID = "refund_paid", "Refund left Stripe"
        REFUND_FAILED = "refund_failed", "Refund came back"
        DISPUTE_OPENED = "dispute_opened", "Dispute opened"
        DISPUTE_WON = "dispute_won", "Dispute won"
        DISPUTE_LOST = "dispute_lost", "Dispute lost"
        PAYOUT = "payout", "Paid out to our bank"
        STRIPE_FEE = "stripe_fee", "Other Stripe fee"
        ROUNDING = "rounding", "Rounding"
        REVERSAL = "reversal", "Reversal"

    kind = models.CharField(max_length=20, choices=Kind)
    reference = models.CharField(max_length=120, unique=True)
    stripe_object_id = models.CharField(max_length=80, blank=True, db_default="")
    description = models.CharField(max_length=200)
    posted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_object_id", "kind"],
                condition=~Q(stripe_object_id=""),
                name="ledger_stripe_object_booked_once",
            ),
        ]
        indexes = [models.Index(fields=["posted_at"], name="transaction_by_time")]

    def __str__(self) -> str:
        return self.reference


class Entry(models.Model):
    """An amount on one account, cents: a debit is positive, a credit negative."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries")
    amount_cents = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(name="ledger_entry_not_zero", condition=~Q(amount_cents=0))]

    def __str__(self) -> str:
        return f"{self.amount_cents} on {self.account_id}"

    @property
    def debit_cents(self) -> int:
        return max(self.amount_cents, 0)

    @property
    def credit_cents(self) -> int:
        return max(-self.amount_cents, 0)
