"""Jobs for workers. Each makes one call to an operation; what it leaves undone, the sweep finds."""

from marketplace.db import database_now
from marketplace.jobs import task
from notifications.jobs import QUEUE_LETTERS, SEND_LETTER
from notifications.operations.letters import send_letter


@task(name=SEND_LETTER, queue=QUEUE_LETTERS)
def send_due_letter(*, row_id: int) -> None:
    """Send a letter. Not retried here: the sweep finds one that was not sent."""
    send_letter(letter_id=row_id, now=database_now())
