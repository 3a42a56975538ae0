"""``manage.py run_demo_market``: two weeks of prices the first time; then sellers list, buyers bid, until stopped."""

import signal
import threading
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from marketplace.acting import acts_as
from simulation.demo_market import run_demo_market
from simulation.history import seed_history


class Command(BaseCommand):
    help = "Keep the demo market alive: list blocks and place bids every few seconds, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=2026, help="of the dice (default 2026)")

    @acts_as(command="run_demo_market")
    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        seed_history(now=datetime.now(UTC))
        run_demo_market(stop, seed=options["seed"])
