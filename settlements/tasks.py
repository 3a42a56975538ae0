"""Jobs for workers. Each makes one call to an operation; what it leaves undone, the sweep finds.

``row_id`` names the row a job is about, so that the sweep can defer any of them the same way.
"""

from procrastinate import RetryStrategy

from marketplace.db import database_now
from marketplace.jobs import task
from settlements.jobs import (
    BOOK_AVAILABLE,
    CHARGE,
    DELIVERY_NOTICE,
    DETACH_PAYMENT_METHOD,
    HANDLE_EVENT,
    QUEUE_MAIL,
    QUEUE_STRIPE,
    REFRESH_ACCOUNT,
    REFRESH_DISPUTE,
    REFRESH_PREPAID_DISPUTE,
    RESOLVE,
    RESOLVE_PREPAYMENT,
    RESOLVE_REFUND,
    RESOLVE_TRANSFER,
    SEND_NOTICE,
    SEND_REFUND,
    SEND_RETURN,
    SEND_REVERSAL,
    SEND_TRANSFER,
    TAKE_STEP,
)
from settlements.operations.cards import detach_removed_card
from settlements.operations.charging import charge_settlement, resolve_attempt
from settlements.operations.delivery_notices import send_delivery_notice
from settlements.operations.disputes import refresh_dispute
from settlements.operations.dunning import take_step
from settlements.operations.events import handle_event
from settlements.operations.funds import book_available
from settlements.operations.notices import send_notice
from settlements.operations.prepaid_disputes import refresh_prepaid_dispute
from settlements.operations.prepaid_returns import send_return
from settlements.operations.prepayments import resolve_prepayment
from settlements.operations.refund_sending import resolve_refund_attempt, send_refund
from settlements.operations.reversals import send_reversal
from settlements.operations.seller_accounts import refresh_account
from settlements.operations.transfers import resolve_transfer, send_transfer
from settlements.stripe_facts import OutcomeUnknown

SOON = RetryStrategy(max_attempts=6, exponential_wait=3, retry_exceptions=[OutcomeUnknown])
"""3, 9, 27, 81, 243 seconds."""


@task(name=CHARGE, queue=QUEUE_STRIPE)
def charge(*, row_id: int) -> None:
    """Charge a due settlement. Not retried here: if the answer is lost, its attempt is what the sweep resolves."""
    charge_settlement(settlement_id=row_id)


@task(name=RESOLVE, queue=QUEUE_STRIPE)
def resolve(*, row_id: int) -> None:
    """Learn what became of a charge attempt. Not retried here: the sweep asks again, less and less often."""
    resolve_attempt(attempt_id=row_id)


@task(name=HANDLE_EVENT, queue=QUEUE_STRIPE, retry=SOON)
def handle_stripe_event(*, row_id: int) -> None:
    """Handle a stored Stripe event, once."""
    handle_event(event_id=row_id)


@task(name=DETACH_PAYMENT_METHOD, queue=QUEUE_STRIPE, retry=SOON)
def detach_payment_method(*, row_id: int) -> None:
    """Detach a removed card at Stripe."""
    detach_removed_card(payment_method_id=row_id)


@task(name=TAKE_STEP, queue=QUEUE_STRIPE)
def take_dunning_step(*, row_id: int) -> None:
    """Take a step of dunning. Not retried here: what it leaves undone, the sweep finds."""
    take_step(step_id=row_id, now=database_now())


@task(name=SEND_NOTICE, queue=QUEUE_MAIL)
def send_mail(*, row_id: int) -> None:
    """Send an e-mail, once. Not retried here: the sweep finds one that was not sent."""
    send_notice(notice_id=row_id, now=database_now())


@task(name=SEND_REFUND, queue=QUEUE_STRIPE)
def send_decided_refund(*, row_id: int) -> None:
    """Send a decided refund. Not retried here: if the answer is lost, its attempt is what the sweep resolves."""
    send_refund(refund_id=row_id)


@task(name=RESOLVE_REFUND, queue=QUEUE_STRIPE)
def resolve_refund(*, row_id: int) -> None:
    """Learn what became of a refund's attempt. Not retried here: the sweep asks again, less and less often."""
    resolve_refund_attempt(attempt_id=row_id)


@task(name=REFRESH_DISPUTE, queue=QUEUE_STRIPE)
def ask_about_dispute(*, row_id: int) -> None:
    """Ask Stripe how a dispute stands. Not retried here: the sweep asks again."""
    refresh_dispute(dispute_id=row_id)


@task(name=DELIVERY_NOTICE, queue=QUEUE_MAIL)
def send_notice_of_delivery(*, row_id: int) -> None:
    """Send an e-mail about a delivery. Not retried here: the sweep finds what was not sent."""
    send_delivery_notice(notice_id=row_id)


@task(name=SEND_TRANSFER, queue=QUEUE_STRIPE)
def send(*, row_id: int) -> None:
    """Send a transfer that may leave. Not retried here: if the answer is lost, the sweep resolves it."""
    send_transfer(transfer_id=row_id, now=database_now())


@task(name=RESOLVE_TRANSFER, queue=QUEUE_STRIPE)
def resolve_sending(*, row_id: int) -> None:
    """Learn what became of a transfer. Not retried here: the sweep asks again, less and less often."""
    resolve_transfer(transfer_id=row_id, now=database_now())


@task(name=REFRESH_ACCOUNT, queue=QUEUE_STRIPE)
def ask_about_account(*, row_id: int) -> None:
    """Ask Stripe whether a seller can be paid. Not retried here: the sweep asks again."""
    refresh_account(organization_id=row_id)


@task(name=RESOLVE_PREPAYMENT, queue=QUEUE_STRIPE)
def resolve_open_prepayment(*, row_id: int) -> None:
    """Learn what became of a prepayment. Not retried here: the sweep asks again, less and less often."""
    resolve_prepayment(prepayment_id=row_id, now=database_now())


@task(name=BOOK_AVAILABLE, queue=QUEUE_STRIPE)
def book_available_funds(*, row_id: int) -> None:
    """Book funds that should be available by now. Not retried here: the sweep asks again."""
    book_available(funds_id=row_id)


@task(name=SEND_REVERSAL, queue=QUEUE_STRIPE)
def take_transfer_back(*, row_id: int) -> None:
    """Take part of a transfer back. Not retried here: the sweep looks it up."""
    send_reversal(reversal_id=row_id)


@task(name=SEND_RETURN, queue=QUEUE_STRIPE)
def return_part_of_prepayment(*, row_id: int) -> None:
    """Return part of a prepayment. Not retried here: the sweep looks it up."""
    send_return(return_id=row_id)


@task(name=REFRESH_PREPAID_DISPUTE, queue=QUEUE_STRIPE)
def ask_about_prepaid_dispute(*, row_id: int) -> None:
    """Ask Stripe how the dispute of a prepayment stands. Not retried here: the sweep asks again."""
    refresh_prepaid_dispute(dispute_id=row_id)
