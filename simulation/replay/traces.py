"""Read the trace files: which nodes exist, how much of three clusters stood idle each hour, which pods asked for GPUs.

The files are public and not part of this project; see docs/replay.md. Whatever is missing or malformed is a TraceError
that names the file and, where there is one, the row (as an editor counts lines) and the column.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import TextIO

from marketplace.hours import HOUR, floor_hour

NODES_FILE = "alibaba_2026_spot_gpu_nodes.csv"
PODS_FILE = "alibaba_2023_gpu_pods.csv"
CLUSTERS = ("vchbv", "vc6YE", "vccaA")
MILLI_PER_GPU = 1000


class TraceError(Exception):
    """A trace file cannot be used; the message says which, and where."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that asked for GPUs: ``gpu_milli`` thousandths of each of ``n_gpus``, over seconds of the pods' trace."""

    name: str
    n_gpus: int
    gpu_milli: int
    created_s: int
    deleted_s: int


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods that asked for a GPU, in order of creation, and how many asked for none."""

    asking: tuple[Pod, ...]
    n_without_gpu: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV file that knows where it stands, so that its errors can say so."""

    path: Path
    line: int
    cells: Mapping[str, str | None]

    def text(self, column: str) -> str:
        """Return a cell that must not be empty. Raise TraceError."""
        value = (self.cells[column] or "").strip()
        if not value:
            raise self.error(column, "is empty")
        return value

    def integer(self, column: str, *, at_least: int, at_most: int | None = None) -> int:
        """Return a cell that must be a whole number within bounds. Raise TraceError."""
        text = self.text(column)
        try:
            value = int(text)
        except ValueError:
            raise self.error(column, f"“{text}” is no whole number") from None
        if value < at_least:
            raise self.error(column, f"{value} is below {at_least}")
        if at_most is not None and value > at_most:
            raise self.error(column, f"{value} is above {at_most}")
        return value

    def instant(self, column: str) -> datetime:
        """Return a cell that must be a time such as 2020-05-01 00:00:00, taken as UTC. Raise TraceError."""
        text = self.text(column)
        try:
            return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            raise self.error(column, f"“{text}” is no time such as 2020-05-01 00:00:00") from None

    def error(self, column: str, what: str) -> TraceError:
        return TraceError(f"{self.path}, row {self.line}, column {column}: {what}.")


def read_nodes(folder: Path) -> Counter[tuple[str, int]]:
    """Count the nodes of the spot cluster by (model, GPUs per node). Raise TraceError."""
    return Counter(
        (row.text("gpu_model"), row.integer("gpu_capacity_num", at_least=1))
        for row in _rows(folder / NODES_FILE, "gpu_model", "gpu_capacity_num")
    )


def read_pods(folder: Path) -> Pods:
    """Return the pods that asked for GPUs, whether or not they got them. Raise TraceError."""
    columns = ("name", "num_gpu", "gpu_milli", "creation_time", "deletion_time")
    asking, n_without_gpu = [], 0
    for row in _rows(folder / PODS_FILE, *columns):
        n_gpus = row.integer("num_gpu", at_least=0)
        if n_gpus == 0:
            n_without_gpu += 1
            continue
        created_s = row.integer("creation_time", at_least=0)
        asking.append(
            Pod(
                name=row.text("name"),
                n_gpus=n_gpus,
                gpu_milli=row.integer("gpu_milli", at_least=1, at_most=MILLI_PER_GPU),
                created_s=created_s,
                deleted_s=row.integer("deletion_time", at_least=created_s),
            )
        )
    return Pods(tuple(sorted(asking, key=lambda pod: (pod.created_s, pod.name))), n_without_gpu)


def read_idle_shares(folder: Path, cluster: str, day: date, n_hours: int) -> list[Fraction]:
    """Return what stood idle throughout each hour from ``day`` 00:00: the least idle share of the hour's minutes.

    Raise TraceError, also when the file does not cover the day or an hour of it.
    """
    path = folder / f"helios_earth_{cluster}_{day:%Y-%m}.csv.gz"
    begins_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    shares: dict[datetime, list[Fraction]] = defaultdict(list)
    days = set()
    for row in _rows(path, "time", "total_gpu_num", "idle_gpu_num"):
        instant = row.instant("time")
        total = row.integer("total_gpu_num", at_least=1)
        idle = row.integer("idle_gpu_num", at_least=0, at_most=total)
        days.add(instant.date())
        shares[floor_hour(instant)].append(Fraction(idle, total))
    if day not in days:
        raise TraceError(f"{path} has no rows for {day}; it runs from {min(days)} to {max(days)}.")
    return [_least(shares, begins_at + hour * HOUR, path) for hour in range(n_hours)]


def _least(shares: Mapping[datetime, list[Fraction]], hour: datetime, path: Path) -> Fraction:
    if hour not in shares:
        raise TraceError(f"{path} has no rows for the hour from {hour:%Y-%m-%d %H:%M}.")
    return min(shares[hour])


def _rows(path: Path, *columns: str) -> Iterator[Row]:
    """Read a CSV file, gzipped or not, and yield its rows. Raise TraceError unless it has ``columns`` and some row."""
    try:
        with _opener(path)() as file:
            reader = csv.DictReader(file, strict=True)
            _require_columns(path, reader.fieldnames or (), columns)
            is_empty = True
            for cells in reader:
                is_empty = False
                if None in cells:
                    raise TraceError(
                        f"{path}, row {reader.line_num}: more cells than the header has columns."
                    )
                yield Row(path, reader.line_num, cells)
    except FileNotFoundError:
        raise TraceError(f"{path} is missing. Say where the traces are with --data.") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path} cannot be read: {error}.") from error
    if is_empty:
        raise TraceError(f"{path} has a header and no rows.")


def _opener(path: Path) -> Callable[[], TextIO]:
    if path.suffix == ".gz":
        return lambda: gzip.open(path, "rt", encoding="utf-8", newline="")
    return lambda: path.open(encoding="utf-8", newline="")


def _require_columns(path: Path, found: Sequence[str], wanted: tuple[str, ...]) -> None:
    missing = [column for column in wanted if column not in found]
    if missing:
        raise TraceError(
            f"{path} has no column {', '.join(missing)}; its header is: {','.join(found) or 'empty'}."
        )
