"""Jobs for workers. Each makes one call to an operation; what it leaves undone, the sweep finds."""

from marketplace.db import database_now
from marketplace.jobs import task
from notifications.jobs import QUEUE_LETTERS, QUEUE_WEBHOOKS, SEND_LETTER, SEND_WAITING
from notifications.operations.calls import send_waiting
from notifications.operations.letters import send_letter


@task(name=SEND_LETTER, queue=QUEUE_LETTERS)
def send_due_letter(*, row_id: int) -> None:
    """Send a letter. Not retried here: the sweep finds one that was not sent."""
    send_letter(letter_id=row_id, now=database_now())


@task(name=SEND_WAITING, queue=QUEUE_WEBHOOKS)
def send_waiting_events(*, row_id: int) -> None:
    """Send what waits for an endpoint. Not retried here: the sweep finds what is due."""
    send_waiting(endpoint_id=row_id)
