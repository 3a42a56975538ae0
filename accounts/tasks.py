"""Jobs for workers about who takes part."""

from django.utils import timezone
from procrastinate.contrib.django import app

from accounts.api.idempotency import purge_expired_keys
from marketplace.jobs import task

QUEUE_UPKEEP = "upkeep"
"""What keeps the house in order, which nobody waits for."""


@app.periodic(cron="17 * * * *")
@task(name="accounts.purge_idempotency_keys", queue=QUEUE_UPKEEP)
def purge_idempotency_keys(timestamp: int) -> None:
    """Delete keys older than a day, hourly."""
    purge_expired_keys(now=timezone.now())
