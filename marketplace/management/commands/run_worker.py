"""``manage.py run_worker``: jobs, sweeps and live prices; see marketplace/worker.py."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand

from marketplace.worker import run_worker


class Command(BaseCommand):
    help = "Run jobs, sweep for due windows and settlements, and publish live prices, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(run_worker())
