"""manage.py replay_trace: a tiny trace through the real operations, and every way it refuses to run."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from io import StringIO
from pathlib import Path

import pytest
import pytest_django
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Organization
from auctions.models import Award, Bid, Lot, Market, Window
from inventory.models import Block, BlockHour
from marketplace.db import database_now
from settlements import ledger
from settlements.models import Settlement
from simulation.replay.participants import bring_together
from simulation.replay.plan import Scale, read_plan
from simulation.replay.reconcile import DoesNotTie, reconcile
from simulation.replay.run import run_windows
from simulation.replay.sandbox import own_sandbox
from simulation.replay.table import WIDTHS
from tests.factories import BuyerFactory
from tests.trace_files import write_traces

pytestmark = pytest.mark.django_db(transaction=True)

TABLE_WIDTH = sum(WIDTHS.values())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_traces(tmp_path)


def replay(folder: Path, *options: str) -> str:
    out = StringIO()
    call_command(
        "replay_trace",
        f"--data={folder}",
        "--windows=2",
        "--share=100",
        "--demand-from=0",
        "--demand-days=1",
        *options,
        stdout=out,
    )
    return out.getvalue()


def rows(output: str) -> dict[str, dict[str, str]]:
    """Return the table by window and column, seconds left out."""
    found = {}
    for line in output.splitlines():
        if re.match(r" +(\d\d|all) ", line):
            cells = dict(zip(WIDTHS, line[:TABLE_WIDTH].split(), strict=True))
            found[cells["hour"]] = cells
    return found


def without_seconds(output: str) -> list[str]:
    return [line[:TABLE_WIDTH] if "$" in line or "  " in line else line for line in output.splitlines()[:-1]]


@contextmanager
def a_worker(*, last_heartbeat: datetime) -> Iterator[None]:
    """Have a worker that was last heard of then, in a table that is not flushed between tests."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [last_heartbeat])
        try:
            yield
        finally:
            cursor.execute("DELETE FROM procrastinate_workers")


class TestReplay:
    def test_its_figures_are_those_of_the_rows(self, folder: Path) -> None:
        total = rows(replay(folder))["all"]

        sold = sum(award.unit_hours for award in Award.objects.all())
        charged = sum(row.amount_cents for row in Settlement.objects.filter(status=Settlement.Status.PAID))
        balances = ledger.balances_cents()
        assert sold > 0
        assert int(total["bids"]) == Bid.objects.count()
        assert int(total["offered"]) == sum(sum(lot.capacity_units or []) for lot in Lot.objects.all()) == 90
        assert int(total["sold"]) == sold == sum(hour.sold_units for hour in BlockHour.objects.all())
        assert total["charged $"] == f"{charged / 100:,.2f}"
        assert charged == balances[ledger.STRIPE_PENDING] + balances[ledger.STRIPE_FEES]
        assert sum(balances.values()) == 0

    def test_the_windows_add_up_to_the_total(self, folder: Path) -> None:
        table = rows(replay(folder))

        for column in ("bids", "offered", "sold", "charges"):
            assert int(table["00"][column]) + int(table["01"][column]) == int(table["all"][column])

    def test_every_window_went_all_the_way(self, folder: Path) -> None:
        replay(folder)

        market = Market.objects.get(slug="replay-1")
        windows = Window.objects.filter(market=market).order_by("delivery_from")
        assert [window.status for window in windows] == ["cleared", "cleared", "cancelled"]
        assert market.status == Market.Status.PAUSED

    def test_what_did_not_sell_is_off_the_market(self, folder: Path) -> None:
        replay(folder)

        assert not Block.objects.filter(status=Block.Status.LISTED).exists()

    def test_same_seed_same_table(self, folder: Path) -> None:
        first = replay(folder, "--seed=7")
        second = replay(folder, "--seed=7", "--here")

        assert without_seconds(first) == without_seconds(second)
        assert "seed 7" in first

    def test_another_seed_another_table(self, folder: Path) -> None:
        assert rows(replay(folder, "--seed=7")) != rows(replay(folder, "--seed=8", "--here"))


class TestReconciliation:
    def test_tells_every_figure_that_does_not_tie(self, folder: Path) -> None:
        plan = read_plan(folder, day=date(2020, 5, 5), seed=1, scale=Scale(2, Fraction(1), 0, 1))
        with own_sandbox():
            participants = bring_together()
            first, second = run_windows(plan, participants, lambda result: None)
            reconcile([first, second], participants)
            more_charged = replace(first, charged_cents=first.charged_cents + 1)
            with pytest.raises(DoesNotTie, match=r"^cents paid and told as charged: \d+ and \d+$"):
                reconcile([more_charged, second], participants)
            BlockHour.objects.filter(sold_units__gt=0).update(sold_units=0)
            with pytest.raises(DoesNotTie, match=r"^unit-hours awarded and marked sold: \d+ and 0$"):
                reconcile([first, second], participants)


class TestRefusals:
    def test_never_with_a_live_stripe_key(self, folder: Path, settings: pytest_django.Settings) -> None:
        settings.STRIPE_SECRET_KEY = "sk_live_1"
        with pytest.raises(CommandError, match="STRIPE_SECRET_KEY is set"):
            replay(folder)
        assert not Organization.objects.exists()

    def test_not_among_others_unless_told(self, folder: Path) -> None:
        BuyerFactory()
        with pytest.raises(CommandError, match=r"holds 1 organizations.*--here"):
            replay(folder)
        assert Organization.objects.count() == 1

    def test_not_beside_a_worker(self, folder: Path) -> None:
        with (
            a_worker(last_heartbeat=database_now()),
            pytest.raises(CommandError, match="A worker runs on this database"),
        ):
            replay(folder)

    def test_a_worker_long_gone_is_no_hindrance(self, folder: Path) -> None:
        with a_worker(last_heartbeat=database_now() - timedelta(hours=1)):
            assert "all" in rows(replay(folder))

    def test_a_missing_file_stops_it_before_anything_is_written(self, folder: Path) -> None:
        (folder / "alibaba_2023_gpu_pods.csv").unlink()
        with pytest.raises(CommandError, match=r"alibaba_2023_gpu_pods\.csv is missing"):
            replay(folder)
        assert not Organization.objects.exists()

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ("--day=yesterday", "“yesterday” is no day such as 2020-05-05"),
            ("--day=2020-05-06", "no rows for 2020-05-06; it runs from 2020-05-05 to 2020-05-05"),
            ("--windows=25", "a day has 24 hours, not 25"),
            ("--windows=0", "must be at least 1"),
            ("--windows=3", "no rows for the hour from 2020-05-05 02:00"),
            ("--seed=-1", "“-1” is no whole number of 0 or more"),
            ("--share=0", "0 % is not above 0 and at most 100"),
            ("--share=101", "101 % is not above 0 and at most 100"),
            ("--share=half", "“half” is no percentage"),
            ("--demand-days=0", "must be at least 1"),
            ("--demand-from=200", "on days 200 to 200; its last is of day 0"),
        ],
    )
    def test_says_what_is_wrong_with_an_option(self, folder: Path, option: str, message: str) -> None:
        with pytest.raises(CommandError, match=re.escape(message)):
            replay(folder, option)
