"""``manage.py replay_trace``: a day of public traces through the market's real operations, at accelerated time."""

import time
from argparse import ArgumentTypeError
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.acting import acts_as
from simulation.replay import table
from simulation.replay.participants import bring_together
from simulation.replay.plan import Plan, Scale, read_plan
from simulation.replay.reconcile import DoesNotTie, reconcile
from simulation.replay.results import sales_by_type
from simulation.replay.run import StepNotTaken, run_windows
from simulation.replay.sandbox import ReplayRefused, own_sandbox, require_safe_place
from simulation.replay.traces import TraceError

HOURS_PER_DAY = 24


class Command(BaseCommand):
    help = "Replay a trace day: sellers, idle capacity and demand from public traces, through the real operations."

    def add_arguments(self, parser: CommandParser) -> None:
        scale = Scale()
        parser.add_argument(
            "--data",
            type=Path,
            default=settings.BASE_DIR.parent / "shared" / "data",
            help="folder of the trace files (default %(default)s); docs/replay.md says which",
        )
        parser.add_argument(
            "--day", type=_day, default=date(2020, 5, 5), help="of the Helios files (%(default)s)"
        )
        parser.add_argument(
            "--windows", type=_windows, default=scale.n_windows, help="one for each hour (%(default)s)"
        )
        parser.add_argument(
            "--seed", type=_natural, default=2026, help="of valuations and reserves (%(default)s)"
        )
        parser.add_argument(
            "--share",
            type=_share,
            default=scale.share,
            metavar="PERCENT",
            help="of every model's nodes that each seller owns, percent (default 2)",
        )
        parser.add_argument(
            "--demand-from", type=_natural, default=scale.demand_from, help="first day of pods (%(default)s)"
        )
        parser.add_argument(
            "--demand-days", type=_positive, default=scale.demand_days, help="days of pods (%(default)s)"
        )
        parser.add_argument(
            "--here", action="store_true", help="run on a database that holds organizations already"
        )

    @acts_as(command="replay_trace")
    def handle(self, *args: Any, **options: Any) -> None:
        scale = Scale(options["windows"], options["share"], options["demand_from"], options["demand_days"])
        try:
            require_safe_place(here=options["here"])
            plan = read_plan(options["data"], day=options["day"], seed=options["seed"], scale=scale)
            with own_sandbox():
                self._replay(plan)
        except (TraceError, ReplayRefused, StepNotTaken, DoesNotTie) as error:
            raise CommandError(str(error)) from error

    def _replay(self, plan: Plan) -> None:
        self.stdout.write(f"{table.preamble(plan)}\n\n{table.header()}")
        began = time.perf_counter()
        participants = bring_together()
        ready = time.perf_counter()
        results = run_windows(plan, participants, lambda result: self.stdout.write(table.window_row(result)))
        self.stdout.write(f"{table.total_row(results)}\n")
        ties = reconcile(results, participants)
        by_type = sales_by_type([result.window_id for result in results], participants)
        self.stdout.write(table.footer(results, by_type, len(ties)))
        ended = time.perf_counter()
        self.stdout.write(
            f"Took {ended - began:.1f} s, of which {ready - began:.1f} s to bring sellers, buyers and cards together."
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"“{text}” is no day such as 2020-05-05") from None


def _windows(text: str) -> int:
    number = _positive(text)
    if number > HOURS_PER_DAY:
        raise ArgumentTypeError(f"a day has {HOURS_PER_DAY} hours, not {number}")
    return number


def _positive(text: str) -> int:
    number = _natural(text)
    if number == 0:
        raise ArgumentTypeError("must be at least 1")
    return number


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"“{text}” is no whole number of 0 or more")
    return int(text)


def _share(text: str) -> Fraction:
    try:
        share = Fraction(text) / 100
    except (ValueError, ZeroDivisionError):
        raise ArgumentTypeError(f"“{text}” is no percentage") from None
    if not 0 < share <= 1:
        raise ArgumentTypeError(f"{text} % is not above 0 and at most 100")
    return share
