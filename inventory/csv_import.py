"""Reading blocks from a CSV file: what each line says, or what is wrong with it, line by line and column by column."""

from __future__ import annotations

import codecs
import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from accounts.models import Organization
from inventory.models import ResourceType, Site
from inventory.operations import ImportRefused
from inventory.policies import MAX_BLOCK_DAYS
from inventory.terms import BlockTerms
from marketplace.hours import HOUR
from marketplace.money import parse_price

MAX_FILE_BYTES = 1_000_000
MAX_ROWS = 1_000
MAX_HOURS = 100_000
"""Of all rows together: each hour of a block is a row of the database, and a file is listed in one go."""
COLUMNS = ("site", "resource_type", "units", "starts_at", "ends_at", "reserve", "floor", "decline_hours")
OPTIONAL_COLUMNS = frozenset({"floor", "decline_hours"})
DELIMITERS = ",;\t"
EPOCH = datetime.fromtimestamp(0, tz=UTC)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong on a line of the file; ``line`` counts from 1, ``column`` is empty when the whole line is meant."""

    line: int
    column: str
    message: str


class UnreadableFile(Exception):
    """The file cannot be read as blocks; ``errors`` says where and why. Nothing was listed."""

    def __init__(self, errors: Sequence[LineError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The terms of every row, and the line of the file each stands on."""

    rows: tuple[BlockTerms, ...]
    lines: tuple[int, ...]

    def locate(self, refused: ImportRefused) -> list[LineError]:
        """Return the errors of an import with the lines they stand on."""
        return [
            LineError(self.lines[index], error.field, error.message)
            for index, errors in sorted(refused.errors.items())
            for error in errors
        ]


def parse_blocks(content: bytes, *, seller: Organization) -> ParsedFile:
    """Return what ``content`` says. Raise UnreadableFile with every error of every line."""
    reader = _RowReader(seller)
    terms: list[BlockTerms] = []
    lines: list[int] = []
    errors: list[LineError] = []
    n_hours = 0
    for row in _rows(_decode(content)):
        try:
            terms.append(reader.read(row))
        except UnreadableFile as unreadable:
            errors += unreadable.errors
            continue
        lines.append(row.line)
        n_hours += _n_hours(terms[-1])
        if n_hours > MAX_HOURS:
            raise _unreadable(
                row.line, f"Up to here it is more than {MAX_HOURS:,} hours of blocks. Split it."
            )
    if errors:
        raise UnreadableFile(errors)
    return ParsedFile(rows=tuple(terms), lines=tuple(lines))


def _decode(content: bytes) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise _unreadable(1, f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB. Split it.")
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as broken:
        line = content.count(b"\n", 0, broken.start) + 1
        raise _unreadable(line, "The file is not UTF-8 text. Save it as “CSV UTF-8” and try again.") from None
    if "\0" in text:
        raise _unreadable(text.count("\n", 0, text.index("\0")) + 1, "This is no text file.")
    return text


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that is not blank: the line it begins on, and its cells under the header's names."""

    line: int
    header: Sequence[str]
    cells: Sequence[str]

    def cell(self, column: str) -> str:
        return self.cells[self.header.index(column)] if column in self.header else ""


def _rows(text: str) -> Iterator[_Row]:
    """Yield the rows under the header. Raise UnreadableFile."""
    first_line = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    n_rows, line = 0, 1
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            if any(cells) and not header:
                header = _header(line, cells)
            elif any(cells):
                n_rows += 1
                if n_rows > MAX_ROWS:
                    raise _unreadable(line, f"A file has at most {MAX_ROWS:,} rows. Split it.")
                yield _Row(line, header, cells)
            line = reader.line_num + 1
    except csv.Error as broken:
        raise _unreadable(line, f"This line is no CSV: {broken}.") from None
    if not header:
        raise _unreadable(1, "The file is empty.")
    if not n_rows:
        raise _unreadable(1, "The file has a header but no rows.")


def _header(line: int, cells: Sequence[str]) -> list[str]:
    names = [cell.lower().replace(" ", "_") for cell in cells]
    errors = [
        LineError(line, name, "The header has no such column.")
        for name in COLUMNS
        if name not in OPTIONAL_COLUMNS and name not in names
    ]
    for index, name in enumerate(names):
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            errors.append(LineError(line, name, f"This column is not known. Known ones: {known}."))
        elif name in names[:index]:
            errors.append(LineError(line, name, "The header names this column twice."))
    if errors:
        raise UnreadableFile(errors)
    return names


class _RowReader:
    """Reads rows against the seller's sites and the catalogue, which it looks up once."""

    def __init__(self, seller: Organization) -> None:
        sites = Site.objects.filter(organization=seller).values_list("name", "pk")
        self.site_ids = dict(sites)
        self.site_ids_in_any_case: dict[str, list[int]] = defaultdict(list)
        for name, pk in self.site_ids.items():
            self.site_ids_in_any_case[name.casefold()].append(pk)
        self.type_ids = {
            slug.casefold(): pk
            for pk, slug in ResourceType.objects.filter(is_active=True).values_list("pk", "slug")
        }

    def read(self, row: _Row) -> BlockTerms:
        """Return the terms a row says. Raise UnreadableFile with every error of it."""
        if len(row.cells) != len(row.header):
            raise _unreadable(
                row.line, f"This row has {len(row.cells)} cells, the header names {len(row.header)} columns."
            )
        errors: list[LineError] = []

        def cell(column: str, read: Callable[[str], T], otherwise: T) -> T:
            try:
                return read(row.cell(column))
            except ValueError as wrong:
                errors.append(LineError(row.line, column, str(wrong)))
                return otherwise

        terms = BlockTerms(
            site_id=cell("site", self._site, 0),
            resource_type_id=cell("resource_type", self._resource_type, 0),
            units=cell("units", _whole_number, 0),
            starts_at=cell("starts_at", _instant, EPOCH),
            ends_at=cell("ends_at", _instant, EPOCH),
            reserve_ticks=cell("reserve", parse_price, 0),
            floor_ticks=cell("floor", _optional(parse_price), None),
            decline_hours=cell("decline_hours", _optional(_whole_number), None),
        )
        if errors:
            raise UnreadableFile(errors)
        return terms

    def _site(self, text: str) -> int:
        if text in self.site_ids:
            return self.site_ids[text]
        alike = self.site_ids_in_any_case.get(text.casefold(), [])
        if not alike:
            raise ValueError(f"You have no site called “{text}”." if text else "Say which site.")
        if len(alike) > 1:
            raise ValueError(f"Several of your sites are called “{text}” but for capitals: write it exactly.")
        return alike[0]

    def _resource_type(self, text: str) -> int:
        if text.casefold() not in self.type_ids:
            raise ValueError(
                f"“{text}” is no type on sale; use a name such as H100-SXM5-80GB."
                if text
                else "Say which type."
            )
        return self.type_ids[text.casefold()]


def _n_hours(terms: BlockTerms) -> int:
    """Return the hours a row would take; one that is too long, or ends before it starts, is refused by itself."""
    return min(max(0, (terms.ends_at - terms.starts_at) // HOUR), MAX_BLOCK_DAYS * 24)


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError(f"“{text}” is not a whole number." if text else "Write a whole number.")
    return int(text)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: an offset that leads out of the calendar
        raise ValueError(f"“{text}” is not a time. Write UTC, such as 2026-11-24 14:00.") from None


def _optional(read: Callable[[str], T]) -> Callable[[str], T | None]:
    return lambda text: read(text) if text else None


def _unreadable(line: int, message: str) -> UnreadableFile:
    return UnreadableFile([LineError(line, "", message)])
