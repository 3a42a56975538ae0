"""What the gateway takes and gives: plain facts of Stripe's objects, and the three ways in which it can fail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class OutcomeUnknown(Exception):
    """Stripe may or may not have done what was asked: look it up, or ask again with the same idempotency key.

    ``is_answer``: it answered that it failed, and answers the same to the same key for a day.
    """

    def __init__(self, text: str, *, is_answer: bool = False) -> None:
        super().__init__(text)
        self.is_answer = is_answer


class Refused(Exception):
    """Stripe did not do what was asked, and will not. ``code`` is Stripe's, the text is Stripe's for developers.

    ``param`` is the parameter that Stripe takes exception to, where it names one.
    """

    def __init__(self, code: str, text: str, *, param: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.param = param


class CardRefused(Refused):
    """It was the card, or its bank, that refused."""


class WebhookRefused(Exception):
    """A webhook that Stripe did not sign, or too long ago, or that is no event. The text says which."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A PaymentIntent as it stands. Amounts are cents; ``fee_cents`` is zero until it succeeded."""

    id: str
    status: str
    amount_cents: int
    received_cents: int
    currency: str
    customer_id: str
    metadata: dict[str, str]
    charge_id: str
    fee_cents: int
    decline_code: str
    authentication_url: str
    balance_transaction_id: str = ""
    available_at: datetime | None = None
    instructions: TransferInstructions | None = None


@dataclass(frozen=True, slots=True)
class TransferInstructions:
    """Where to send a bank transfer, and how many cents of it have not come yet."""

    account_holder: str
    bank: str
    routing_number: str
    account_number: str
    reference: str
    page_url: str
    remaining_cents: int


@dataclass(frozen=True, slots=True)
class PrepaymentOrder:
    """What a buyer pays in. Asked again with the same key it must be the same to the byte, or Stripe refuses it."""

    idempotency_key: str
    amount_cents: int
    currency: str
    customer_id: str
    description: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class PaymentSession:
    """A Checkout Session in which something is paid. ``url`` is where; ``payment_intent_id`` is empty until a try."""

    id: str
    url: str
    status: str
    customer_id: str
    payment_intent_id: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class BalanceMove:
    """A balance transaction: what it moved, net of Stripe's fee, and whether that can be used yet."""

    id: str
    net_cents: int
    is_available: bool
    available_at: datetime


@dataclass(frozen=True, slots=True)
class Card:
    """A card saved at Stripe, and the customer it belongs to (empty once detached).

    ``fingerprint`` is the same for the same number, whoever adds it; empty where Stripe gives none.
    """

    id: str
    customer_id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class SetupSession:
    """A Checkout Session that saves a card. ``url`` is where the buyer goes, ``payment_method_id`` what came of it."""

    id: str
    url: str
    status: str
    customer_id: str
    payment_method_id: str


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What to charge. Asked again with the same key it must be the same to the byte, or Stripe refuses it.

    With ``return_url`` the buyer is present: Stripe may ask for authentication and send the buyer back there.
    """

    idempotency_key: str
    amount_cents: int
    currency: str
    customer_id: str
    payment_method_id: str
    description: str
    metadata: dict[str, str]
    return_url: str = ""


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What to give back. Asked again with the same key it must be the same to the byte, or Stripe refuses it."""

    idempotency_key: str
    charge_id: str
    amount_cents: int
    is_duplicate: bool
    metadata: dict[str, str]
    instructions_email: str = ""
    """Where Stripe asks for bank details: only for what a bank transfer paid."""


@dataclass(frozen=True, slots=True)
class StripeRefund:
    """A refund as it stands. ``paid_*`` is how it left the balance (a negative net), ``failed_*`` how it came back."""

    id: str
    status: str
    amount_cents: int
    currency: str
    charge_id: str
    metadata: dict[str, str]
    failure_reason: str
    paid_transaction_id: str
    paid_net_cents: int
    failed_transaction_id: str
    failed_net_cents: int


@dataclass(frozen=True, slots=True)
class StripeDispute:
    """A dispute as it stands. ``taken_*`` left the balance with it, ``returned_*`` came back; fees are costs to us."""

    id: str
    status: str
    amount_cents: int
    currency: str
    charge_id: str
    payment_intent_id: str
    reason: str
    due_at: datetime | None
    n_submissions: int
    taken_cents: int
    taken_fee_cents: int
    returned_cents: int
    returned_fee_cents: int


@dataclass(frozen=True, slots=True)
class ConnectAccount:
    """A seller's connected account as it stands. ``currently_due`` names what Stripe still asks for."""

    id: str
    organization: str
    details_submitted: bool
    payouts_enabled: bool
    transfers_active: bool
    currently_due: list[str]
    disabled_reason: str


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """What to transfer to a seller. ``source_charge_id`` empty: out of the available balance."""

    idempotency_key: str
    amount_cents: int
    currency: str
    account_id: str
    source_charge_id: str
    description: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class PaidTransfer:
    """A transfer as it stands. ``moved_cents`` left our balance, available or, drawn on a fresh charge, pending."""

    id: str
    amount_cents: int
    reversed_cents: int
    currency: str
    account_id: str
    metadata: dict[str, str]
    balance_transaction_id: str
    moved_cents: int
    is_available: bool
    available_on: datetime


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout of our balance to our bank as it stands."""

    id: str
    status: str
    amount_cents: int
    currency: str
    automatic: bool
    arrival_at: datetime
    balance_transaction_id: str
    failure_message: str


@dataclass(frozen=True, slots=True)
class Balance:
    """Our balance at Stripe in USD, cents: what can be used, and what is still held back."""

    available_cents: int
    pending_cents: int


@dataclass(frozen=True, slots=True)
class Movement:
    """A balance transaction: what an object (``source_id``) moved our balance by, cents; net is amount less fee."""

    id: str
    type: str
    source_id: str
    amount_cents: int
    fee_cents: int
    net_cents: int
    currency: str
    created_at: datetime
    available_at: datetime


@dataclass(frozen=True, slots=True)
class StripeReversal:
    """What was taken back of a transfer: ``returned_cents`` came to our balance, to be used once ``move`` says so."""

    id: str
    amount_cents: int
    transfer_id: str
    metadata: dict[str, str]
    move: BalanceMove

    @property
    def returned_cents(self) -> int:
        return self.move.net_cents
