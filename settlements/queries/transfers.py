"""Reads of transfers: what is due to be sent or looked up, and what sellers and finance see of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Sum, Value
from django.db.models.expressions import Func
from django.db.models.fields import DurationField
from django.db.models.functions import Least

from marketplace.money import format_cents
from settlements import ledger
from settlements.models import (
    Account,
    AccountBalance,
    Entry,
    SellerAccount,
    Settlement,
    Transaction,
    Transfer,
    TransferHold,
)

Status = Transfer.Status
BATCH = 50
JOB_HEAD_START = timedelta(seconds=10)
FIRST_LOOKUP_AFTER = timedelta(seconds=60)
MAX_DOUBLINGS = 6
ACCOUNT_ASKED_EVERY = timedelta(hours=1)
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class TransferPage:
    """Transfers newest first; ``next_before`` is the id to go on from, None at the end."""

    transfers: list[Transfer]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class SellerMoney:
    """Where a seller's money stands, cents: held until delivered, owed now, paid out so far."""

    held_cents: int
    owed_cents: int
    paid_cents: int


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for finance: transfers of one kind of wait, how many and cents in all."""

    label: str
    status: Transfer.Status
    n: int
    amount_cents: int


def transfers_to_send(now: datetime) -> list[int]:
    """Return transfers that may leave: approved, due, not held, their seller can be paid."""
    payable = SellerAccount.objects.filter(payouts_enabled=True, transfers_active=True)
    held = TransferHold.objects.filter(delivery_id=OuterRef("delivery_id"), lifted_at=None)
    due = Transfer.objects.filter(
        Q(next_try_at=None) | Q(next_try_at__lte=now),
        ~Exists(held),
        status=Status.APPROVED,
        seller_id__in=payable.values("organization_id"),
        created_at__lt=now - JOB_HEAD_START,
    )
    return list(due.order_by("next_try_at", "id").values_list("id", flat=True)[:BATCH])


def accounts_to_refresh(now: datetime) -> list[int]:
    """Return sellers with transfers ready to be sent that Stripe did not let be paid an hour ago, or longer."""
    waiting = Transfer.objects.filter(seller_id=OuterRef("organization_id"), status=Status.APPROVED)
    stopped = SellerAccount.objects.exclude(payouts_enabled=True, transfers_active=True)
    due = stopped.filter(
        Q(checked_at=None) | Q(checked_at__lt=now - ACCOUNT_ASKED_EVERY),
        Exists(waiting),
        stripe_id__isnull=False,
    )
    return list(
        due.order_by("checked_at", "organization_id").values_list("organization_id", flat=True)[:BATCH]
    )


def transfers_to_resolve(now: datetime) -> list[int]:
    """Return transfers being sent that nobody has asked Stripe about for a while; the while doubles each time."""
    doublings = Least(F("n_calls") - 1, Value(MAX_DOUBLINGS))
    seconds = Func(Value(2), doublings, function="power") * Value(FIRST_LOOKUP_AFTER.total_seconds())
    pause = Func(
        seconds,
        function="make_interval",
        template="make_interval(secs => %(expressions)s)",
        output_field=DurationField(),
    )
    sending = Transfer.objects.filter(status=Status.SENDING, called_at__lt=Value(now) - pause)
    return list(sending.order_by("called_at", "id").values_list("id", flat=True)[:BATCH])


def transfers_with_available_funds(now: datetime) -> list[int]:
    """Return transfers that drew on pending funds which have become available."""
    due = Transfer.objects.filter(available_on__lte=now)
    return list(due.order_by("available_on", "id").values_list("id", flat=True)[:BATCH])


def listed() -> QuerySet[Transfer]:
    """Return transfers with what a list row shows; ``open_holds`` are the reasons that keep one back."""
    holds = TransferHold.objects.filter(lifted_at=None).order_by("id")
    return Transfer.objects.select_related(
        "seller__seller_account",
        "delivery__line__settlement__window__market",
        "delivery__line__award__lot__block__resource_type",
        "proposed_by",
        "approved_by",
        "rejected_by",
    ).prefetch_related(Prefetch("delivery__transfer_holds", holds, to_attr="open_holds"))


def transfers_of(settlement: Settlement) -> QuerySet[Transfer]:
    """Return what of a settlement goes, or went, to its sellers."""
    own = Transfer.objects.filter(delivery__line__settlement=settlement)
    return own.select_related("seller").order_by("id")


def page_of(transfers: QuerySet[Transfer], *, before: int | None) -> TransferPage:
    """Return a page of transfers older than the id ``before``: a keyset, as quick at the end as at the start."""
    older = transfers if before is None else transfers.filter(pk__lt=before)
    rows = list(older.order_by("-id")[: PAGE_SIZE + 1])
    return TransferPage(rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].pk if len(rows) > PAGE_SIZE else None)


def why_waiting(transfer: Transfer) -> str:
    """Say in people's words why a transfer (from ``listed``) has not been paid; empty when it has."""
    holds = transfer.delivery.open_holds  # type: ignore[attr-defined]  # prefetched
    account = getattr(transfer.seller, "seller_account", None)
    match transfer.status:
        case Status.PAID | Status.REVERSED:
            return ""
        case Status.CANCELLED:
            return transfer.message
        case Status.SENDING:
            return "Waiting for Stripe’s answer."
        case Status.FAILED:
            return "Stripe refused it. Our finance staff looks into it."
        case Status.REJECTED:
            return "Our finance staff looks into it. The amount stays owed."
        case _ if holds:
            return "Held back: " + " ".join(hold.reason for hold in holds)
        case Status.PENDING_APPROVAL:
            threshold = format_cents(settings.TRANSFER_FOUR_EYES_CENTS)
            return f"From {threshold} on, two people of our finance staff must agree."
        case _ if account is None or not account.can_be_paid:
            return "Stripe does not let this seller be paid yet: payouts must be set up."
        case _:
            return transfer.message or "It is sent in a moment."


def money_of(seller_id: int) -> SellerMoney:
    """Return where a seller's money stands, by the ledger."""
    paid = Entry.objects.filter(
        account__kind=ledger.seller_payable(seller_id).kind,
        account__organization_id=seller_id,
        transaction__kind__in=[Transaction.Kind.TRANSFER, Transaction.Kind.TRANSFER_REVERSAL],
    )
    kept = AccountBalance.objects.filter(account__organization_id=seller_id)
    balances = dict(kept.values_list("account__kind", "balance_cents"))
    return SellerMoney(
        held_cents=-balances.get(Account.Kind.SELLER_RESERVE, 0),
        owed_cents=-balances.get(Account.Kind.SELLER_PAYABLE, 0),
        paid_cents=paid.aggregate(cents=Sum("amount_cents", default=0))["cents"],
    )


def postings_of(transfer: Transfer) -> list[Transaction]:
    """Return what a transfer posted to the ledger, oldest first, with entries."""
    entries = Entry.objects.select_related("account__organization").order_by("id")
    own = Transaction.objects.filter(reference__startswith=f"transfer:{transfer.pk}:")
    return list(own.order_by("id").prefetch_related(Prefetch("entries", entries)))


def queues() -> list[Queue]:
    """Return what waits for finance, the most pressing first; queues of nothing are left out."""
    waiting = Transfer.objects.all()
    kinds = [
        ("To approve", waiting.filter(status=Status.PENDING_APPROVAL).exclude(proposed_by=None)),
        ("To propose", waiting.filter(status=Status.PENDING_APPROVAL, proposed_by=None)),
        ("Failed", waiting.filter(status=Status.FAILED)),
        ("Rejected", waiting.filter(status=Status.REJECTED)),
    ]
    states = (Status.PENDING_APPROVAL, Status.PENDING_APPROVAL, Status.FAILED, Status.REJECTED)
    found = [
        Queue(label, status, rows.count(), rows.aggregate(cents=Sum("amount_cents", default=0))["cents"])
        for (label, rows), status in zip(kinds, states, strict=True)
    ]
    return [queue for queue in found if queue.n]
