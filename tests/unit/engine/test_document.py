"""Books as JSON: what is refused, by which path, and what the hash is taken over."""

from __future__ import annotations

import copy
import hashlib
import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine import (
    BookRefused,
    book_from_document,
    book_from_json,
    book_sha256,
    book_to_document,
    canonical_json,
    clear,
    errors,
)
from auctions.engine.__main__ import main

from .books import books

LEG = {"lots": ["A"], "units": 16, "min_units": 8, "earliest": 0, "latest": 8, "hours": 8}
BOOK: dict[str, Any] = {
    "format": 1,
    "rule": "core",
    "hours": 24,
    "lots": [
        {"id": "A", "seller": "s1", "units": 64, "unit_step": 8, "start": 0, "end": 8, "reserve": 20000},
        {
            "id": "B",
            "seller": "s1",
            "units": 64,
            "start": 8,
            "end": 10,
            "reserve": [1, 2],
            "capacity": [64, 32],
        },
    ],
    "bids": [
        {"id": "b1", "bidder": "acme", "sequence": 1, "options": [{"price": 25000, "legs": [LEG]}]},
        {
            "id": "b2",
            "bidder": "bolt",
            "sequence": 2,
            "options": [
                {"price": 25000, "legs": [LEG]},
                {
                    "value": 9000000,
                    "legs": [
                        {"lots": ["A"], "units": 8, "earliest": 0, "latest": 4, "hours": 4},
                        {"lots": ["A", "B"], "units": 32, "earliest": 8, "latest": 10, "hours": 2},
                    ],
                },
            ],
        },
    ],
}

REMOVE = object()
OPTION = ("bids", 1, "options", 1)
LEG_PATH = "bids[1].options[1].legs[1]"


def changed(*place: str | int, to: object) -> dict[str, Any]:
    book = copy.deepcopy(BOOK)
    inside: Any = book
    for key in place[:-1]:
        inside = inside[key]
    if to is REMOVE:
        del inside[place[-1]]
    else:
        inside[place[-1]] = to
    return book


class TestRefusals:
    @pytest.mark.parametrize(
        ("place", "to", "path"),
        [
            (("format",), 2, "format"),
            (("format",), True, "format"),
            (("rule",), "first-price", "rule"),
            (("rule",), REMOVE, "rule"),
            (("hours",), 0, "hours"),
            (("hours",), 10**9, "hours"),
            (("note",), "", "note"),
            (("lots",), {}, "lots"),
            (("lots", 0), [], "lots[0]"),
            (("lots", 0, "id"), 7, "lots[0].id"),
            (("lots", 1, "id"), "A", "lots"),
            (("lots", 0, "units"), 0, "lots[0].units"),
            (("lots", 0, "units"), 64.0, "lots[0].units"),
            (("lots", 0, "units"), float("nan"), "lots[0].units"),
            (("lots", 0, "units"), 2**31, "lots[0].units"),
            (("lots", 0, "unit_step"), 0, "lots[0].unit_step"),
            (("lots", 0, "start"), -1, "lots[0].start"),
            (("lots", 0, "start"), 8, "lots[0].end"),
            (("lots", 0, "end"), 25, "lots[0].end"),
            (("lots", 0, "reserve"), None, "lots[0].reserve"),
            (("lots", 1, "reserve"), [1], "lots[1].reserve"),
            (("lots", 1, "reserve"), [1, -2], "lots[1].reserve[1]"),
            (("lots", 0, "reserve"), 2**53, "lots[0].reserve"),
            (("lots", 1, "capacity"), 64, "lots[1].capacity"),
            (("lots", 1, "capacity"), [64, "32"], "lots[1].capacity[1]"),
            (("bids", 1, "id"), "b1", "bids"),
            (("bids", 1, "sequence"), -1, "bids[1].sequence"),
            (("bids", 1, "options"), [], "bids[1].options"),
            ((*OPTION, "price"), 1, "bids[1].options[1]"),
            ((*OPTION, "value"), REMOVE, "bids[1].options[1]"),
            ((*OPTION, "value"), True, "bids[1].options[1].value"),
            ((*OPTION, "value"), 2**53 + 1, "bids[1].options[1].value"),
            ((*OPTION, "value"), 10**400, "bids[1].options[1].value"),
            ((*OPTION, "value"), 2**53, "bids[1].options[1].value"),
            ((*OPTION, "legs"), [], "bids[1].options[1].legs"),
            ((*OPTION, "legs", 1, "lots"), [], f"{LEG_PATH}.lots"),
            ((*OPTION, "legs", 1, "lots"), ["Z"], f"{LEG_PATH}.lots[0]"),
            ((*OPTION, "legs", 1, "lots"), ["B", "B"], f"{LEG_PATH}.lots[1]"),
            ((*OPTION, "legs", 1, "lots"), ["A"], f"{LEG_PATH}.hours"),
            ((*OPTION, "legs", 1, "units"), -3, f"{LEG_PATH}.units"),
            ((*OPTION, "legs", 1, "units"), "32", f"{LEG_PATH}.units"),
            ((*OPTION, "legs", 1, "units"), REMOVE, f"{LEG_PATH}.units"),
            ((*OPTION, "legs", 1, "min_units"), 8, f"{LEG_PATH}.min_units"),
            ((*OPTION, "legs", 1, "hours"), 1, f"{LEG_PATH}.hours"),
            ((*OPTION, "legs", 1, "hours"), 3, f"{LEG_PATH}.hours"),
            ((*OPTION, "legs", 1, "latest"), 25, f"{LEG_PATH}.latest"),
            ((*OPTION, "legs", 1, "earliest"), 24, f"{LEG_PATH}.earliest"),
            ((*OPTION, "legs", 1, "fabric"), "IB", f"{LEG_PATH}.fabric"),
            (("bids", 0, "options", 0, "legs", 0, "min_units"), 17, "bids[0].options[0].legs[0].min_units"),
            (("bids", 0, "options", 0, "price"), 2**52, "bids[0].options[0].price"),
        ],
    )
    def test_name_the_path(self, place, to, path):
        book = changed(*place, to=to)
        with pytest.raises(BookRefused) as refusal:
            book_from_json(in_digits(book))
        assert refusal.value.path == path

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"", "not JSON"),
            (b"\xff\xfe{}", "not UTF-8 at byte 0"),
            (b"[" * 200_000, "nested too deeply"),
            (b"[]", "book: must be an object, not a list"),
            (b'{"format": 1, "format": 1}', "format: duplicate key"),
            (
                json.dumps(BOOK).replace('"seller"', '"id": "A", "seller"').encode(),
                "lots[0].id: duplicate key",
            ),
        ],
    )
    def test_of_texts_that_are_no_book(self, text, reason):
        with pytest.raises(BookRefused) as refusal:
            book_from_json(text)
        assert str(refusal.value).startswith(reason)

    def test_of_a_file_above_the_limit_names_the_limit(self, monkeypatch):
        monkeypatch.setattr("auctions.engine.document.MAX_BOOK_BYTES", 100)
        with pytest.raises(BookRefused, match="limit of 100 bytes"):
            book_from_json(json.dumps(BOOK).encode())
        assert errors.MAX_BOOK_BYTES == 180_000_000


def in_digits(book: dict[str, Any]) -> bytes:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(book).encode()
    finally:
        sys.set_int_max_str_digits(limit)


class TestCanonicalForm:
    def test_hash_is_taken_over_sorted_keys_without_spaces(self):
        plain = json.dumps(BOOK, sort_keys=True, separators=(",", ":")).encode()
        assert book_sha256(book_from_document(BOOK)) == hashlib.sha256(plain).hexdigest()

    def test_a_book_of_every_kind_of_row_survives_the_way_there_and_back(self):
        document = book_to_document(book_from_document(BOOK))
        assert document["bids"] == BOOK["bids"]
        assert document["lots"] == [BOOK["lots"][0], BOOK["lots"][1] | {"unit_step": 1}]

    @given(books(max_lots=4, max_bids=12))
    def test_writing_and_reading_changes_no_clearing(self, book):
        original = book_from_document(book)
        again = book_from_json(canonical_json(book_to_document(original)).encode())

        ours, theirs = clear(original).to_document(), clear(again).to_document()
        assert ours | {"book_sha256": ""} == theirs | {"book_sha256": ""}


class TestCommand:
    def test_a_missing_file_is_refused_by_name(self, capfd):
        assert main(["clear", "/nowhere/book.json"]) == 2
        assert (
            capfd.readouterr().err == "refused: cannot read /nowhere/book.json: No such file or directory\n"
        )

    def test_a_key_of_half_a_character_is_refused_in_ascii(self, tmp_path, capfd):
        book = tmp_path / "book.json"
        book.write_text(json.dumps(BOOK | {"\ud800é": 1}))
        assert main(["clear", str(book)]) == 2
        assert capfd.readouterr().err == 'refused: "\\ud800\\u00e9": unknown key\n'

    @settings(max_examples=200)
    @given(data=st.data())
    def test_any_damage_ends_in_a_clearing_or_a_refusal(self, tmp_path_factory, data):
        book = damaged(data, copy.deepcopy(data.draw(st.sampled_from([BOOK]) | books())))
        file = tmp_path_factory.mktemp("fuzz") / "book.json"
        file.write_text(json.dumps(book))
        assert main(["clear", str(file)]) in (0, 2)

    @settings(max_examples=200)
    @given(text=st.binary(max_size=200))
    def test_any_bytes_end_in_a_refusal(self, tmp_path_factory, text):
        file = tmp_path_factory.mktemp("fuzz") / "book.json"
        file.write_bytes(text)
        assert main(["clear", str(file)]) == 2


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-2, 40),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from([[], {}, [[]], ["A"], [1, 2]]),
)


def damaged(data: st.DataObject, book: Any) -> Any:
    """Replace, remove or add one thing anywhere in the book."""
    if not isinstance(book, (dict, list)) or not book or not data.draw(st.integers(0, 5)):
        return data.draw(JUNK)
    keys = sorted(book) if isinstance(book, dict) else range(len(book))
    key = data.draw(st.sampled_from(keys))
    match data.draw(st.sampled_from(["inside", "inside", "inside", "remove", "add"])):
        case "remove":
            del book[key]
        case "add" if isinstance(book, dict):
            book[data.draw(st.text(max_size=5))] = data.draw(JUNK)
        case "add":
            book.append(copy.deepcopy(book[key]))
        case _:
            book[key] = damaged(data, book[key])
    return book
