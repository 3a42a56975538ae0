"""Whatever a command is given, it clears, says what does not hold, or refuses: never a traceback, never without end.

`FUZZ_EXAMPLES=20000 pytest tests/unit/engine/test_command_fuzz.py`, or `make soak`, tries more of it.
"""

from __future__ import annotations

import copy
import io
import json
import os
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auctions.engine import book_from_document, clear
from auctions.engine.__main__ import main

from . import books, package_books
from .test_inclusion import BID, book_of, of_format_1, proof_of

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "80"))
CHOSEN, FAILS, REFUSED = 0, 1, 2
SECONDS = 20
soak = settings(
    max_examples=EXAMPLES,
    deadline=SECONDS * 1000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

NUMBERS = st.one_of(
    st.integers(-2, 9),
    st.sampled_from([2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63, -(2**63), 10**30, 100_000, 99_999, 50_000]),
    st.sampled_from([0.0, 1.0, 1.5, -0.0, 1e300, float("inf"), float("-inf"), float("nan")]),
)
JUNK = st.one_of(
    NUMBERS,
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.sampled_from([[], {}, [[]], {"": {}}, ["A"], [1, 2], "\ud800", "\x00"]),
    st.sampled_from([5, 300]).map(lambda depth: json.loads("[" * depth + "]" * depth)),
).map(copy.deepcopy)


@st.composite
def any_book(draw: st.DrawFn) -> dict[str, Any]:
    """A valid book: of divisible bids, of bids of every kind, or of bundles."""
    if draw(st.booleans()):
        return draw(books.books(max_lots=3, max_bids=6))
    return draw(package_books.books() | package_books.bundle_books(max_bids=5))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places in a document, the document itself first."""
    if isinstance(value, dict):
        inside = [paths(part, (*path, key)) for key, part in value.items()]
    elif isinstance(value, list):
        inside = [paths(part, (*path, row)) for row, part in enumerate(value)]
    else:
        inside = []
    return [path, *(place for places in inside for place in places)]


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """Change up to three things anywhere: replace, remove, repeat, add, or take from another place."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        places = [place for place in paths(document) if place]
        if not places:
            return draw(JUNK)
        place = draw(st.sampled_from(places))
        parent = at(document, place[:-1])
        match draw(st.sampled_from(["replace", "number", "remove", "repeat", "add", "move"])):
            case "replace":
                parent[place[-1]] = draw(JUNK)
            case "number":
                parent[place[-1]] = draw(NUMBERS)
            case "remove":
                del parent[place[-1]]
            case "repeat" if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[place[-1]]))
            case "move":
                parent[place[-1]] = copy.deepcopy(at(document, draw(st.sampled_from(places))))
            case _ if isinstance(parent, dict):
                parent[draw(st.text(max_size=4))] = draw(JUNK)
            case _:
                parent.append(draw(JUNK))
    return document


def at(document: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        document = document[key]
    return document


@st.composite
def damaged(draw: st.DrawFn, text: bytes) -> bytes:
    """Cut, flip, repeat or insert bytes, or write the whole in another encoding."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 20)))
    return draw(
        st.sampled_from(
            [
                text[:start],
                text[:start] + text[end:],
                text[:end] + text[start:],
                text[:start] + b"\xef\xbb\xbf" + text[start:],
                b"\xef\xbb\xbf" + text,
                text.decode().encode("utf-16"),
                text.decode().encode("utf-32-le"),
                text + text,
                text + b"\x00",
                text.replace(b":", b":-", 1),
                text.replace(b'"format"', b'"format": 1, "format"', 1),
                text[:start] + draw(st.binary(max_size=6)) + text[end:],
            ]
        )
    )


def run(capfd: pytest.CaptureFixture[str], command: str, folder: Path, *texts: bytes) -> tuple[int, str]:
    """Run a command on files; hold it to its exit codes and to what it may write where."""
    files = [folder / f"{row}.json" for row in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_bytes(text)
    code = main([command, *map(str, files)])
    out, err = capfd.readouterr()
    assert code in (CHOSEN, FAILS, REFUSED)
    assert out.isascii()
    assert err.isascii()
    if code == REFUSED:
        assert err.startswith("refused: ")
        assert err.count("\n") == 1
    else:
        assert err == ""
        assert out
    return code, out


def written(document: Any) -> bytes:
    """The document as JSON; what JSON cannot say (NaN, half a character) as Python writes it."""
    return json.dumps(document).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


class TestClear:
    @soak
    @given(data=st.data())
    def test_of_books_with_something_changed(self, data: st.DataObject, folder: Path, capfd) -> None:
        book = data.draw(any_book().flatmap(mutated))

        code, out = run(capfd, "clear", folder, written(book))

        assert code != FAILS
        if code == CHOSEN:
            assert json.loads(out)["status"] == "optimal"

    @soak
    @given(data=st.data())
    def test_of_damaged_texts(self, data: st.DataObject, folder: Path, capfd) -> None:
        text = data.draw(st.binary(max_size=60) | any_book().map(written).flatmap(damaged))

        assert run(capfd, "clear", folder, text)[0] != FAILS


class TestStudy:
    @soak
    @given(data=st.data())
    def test_of_books_with_something_changed(self, data: st.DataObject, folder: Path, capfd) -> None:
        assert run(capfd, "study", folder, written(data.draw(any_book().flatmap(mutated))))[0] != FAILS


class TestVerify:
    @soak
    @given(data=st.data())
    def test_of_pairs_with_something_changed(self, data: st.DataObject, folder: Path, capfd) -> None:
        book = data.draw(any_book())
        clearing = clear(book_from_document(book)).to_document()
        if data.draw(st.booleans()):
            book = data.draw(mutated(book))
        else:
            clearing = data.draw(mutated(clearing))

        run(capfd, "verify", folder, written(book), written(clearing))

    @soak
    @given(data=st.data())
    def test_of_damaged_texts(self, data: st.DataObject, folder: Path, capfd) -> None:
        book = data.draw(any_book())
        pair = [written(book), clear(book_from_document(book)).to_json().encode()]
        which = data.draw(st.integers(0, 1))
        pair[which] = data.draw(damaged(pair[which]) | st.binary(max_size=60))

        run(capfd, "verify", folder, *pair)


class TestInclusion:
    @soak
    @given(data=st.data())
    def test_of_proofs_and_books_with_something_changed(
        self, data: st.DataObject, folder: Path, capfd
    ) -> None:
        proof, book = proof_of(3, 1), {"bids": [{**BID, "sequence": rank} for rank in (1, 2, 3)]}
        if data.draw(st.booleans()):
            proof = of_format_1(proof)
        if data.draw(st.booleans()):
            proof = data.draw(mutated(proof))
        else:
            book = data.draw(mutated(book))

        run(capfd, "inclusion", folder, written(proof), written(book))

    @soak
    @given(data=st.data())
    def test_of_damaged_texts(self, data: st.DataObject, folder: Path, capfd) -> None:
        pair = [written(proof_of(3, 1)), book_of(3)]
        which = data.draw(st.integers(0, 1))
        pair[which] = data.draw(damaged(pair[which]) | st.binary(max_size=60))

        run(capfd, "inclusion", folder, *pair)


COMMANDS = {"clear": 1, "study": 1, "verify": 2, "inclusion": 2}
BOOK = package_books.bundle_book(random.Random(1))


@pytest.mark.parametrize("command", COMMANDS)
class TestFiles:
    def refusal(self, command: str, capfd: pytest.CaptureFixture[str], *files: object) -> str:
        files = files * COMMANDS[command]
        assert main([command, *map(str, files)]) == REFUSED
        out, err = capfd.readouterr()
        assert out == ""
        return err

    def test_a_missing_one_is_refused(self, command: str, tmp_path: Path, capfd) -> None:
        assert "cannot read" in self.refusal(command, capfd, tmp_path / "missing.json")

    def test_a_directory_is_refused(self, command: str, tmp_path: Path, capfd) -> None:
        assert "Is a directory" in self.refusal(command, capfd, tmp_path)

    def test_a_name_that_no_file_can_have_is_refused(self, command: str, capfd) -> None:
        assert "cannot read" in self.refusal(command, capfd, "a\x00b")

    def test_an_empty_one_is_refused(self, command: str, tmp_path: Path, capfd) -> None:
        (tmp_path / "empty.json").write_bytes(b"")

        assert "not JSON" in self.refusal(command, capfd, tmp_path / "empty.json")

    @pytest.mark.parametrize("text", [b"", b"\n", None])
    def test_standard_input_with_nothing_is_refused(
        self, command: str, text: bytes | None, capfd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", None if text is None else SimpleNamespace(buffer=io.BytesIO(text)))

        assert self.refusal(command, capfd, "-").startswith("refused: ")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"\xef\xbb\xbf{}", "byte order mark"),
            ("{}".encode("utf-16"), "not UTF-8"),
            (b'{"format": 1,', "not JSON"),
            (b"[" * 300_000, "nested too deeply"),
            (b'{"a":' * 300_000, "nested too deeply"),
            (b'{"format": ' + b"9" * 100_000 + b"}", ""),
        ],
    )
    def test_a_text_of_another_kind_is_refused(
        self, command: str, text: bytes, reason: str, tmp_path: Path, capfd
    ) -> None:
        (tmp_path / "text.json").write_bytes(text)

        assert reason in self.refusal(command, capfd, tmp_path / "text.json")

    def test_too_large_a_file_is_refused_by_its_limit_and_not_read_whole(
        self, command: str, tmp_path: Path, capfd
    ) -> None:
        with open(tmp_path / "large.json", "wb") as file:
            file.truncate(200_000_000)

        assert "longer than the limit of 180000000 bytes" in self.refusal(
            command, capfd, tmp_path / "large.json"
        )

    @pytest.mark.parametrize("text", [b"[" + b"{}," * 9_000_000 + b"{}]", b"[" + b"0," * 40_000_000 + b"0]"])
    def test_more_values_than_memory_should_hold_are_refused_by_their_limit(
        self, command: str, text: bytes, tmp_path: Path, capfd
    ) -> None:
        (tmp_path / "many.json").write_bytes(text)

        assert "more than the limit of" in self.refusal(command, capfd, tmp_path / "many.json")


class TestWays:
    """A few bytes can ask for more ways to fill a bid than memory holds."""

    def book(self, hours: int) -> bytes:
        leg = {"lots": ["A"], "units": 2, "earliest": 0, "latest": 100_000, "hours": hours}
        lot = {"id": "A", "seller": "s", "units": 4, "start": 0, "end": 100_000, "reserve": 1}
        bid = {"id": "b", "bidder": "o", "sequence": 1, "options": [{"price": 5, "legs": [leg]}]}
        return written({"format": 1, "rule": "core", "hours": 100_000, "lots": [lot], "bids": [bid]})

    def test_are_refused_by_their_limit(self, tmp_path: Path, capfd) -> None:
        (tmp_path / "book.json").write_bytes(self.book(50_000))

        assert main(["clear", str(tmp_path / "book.json")]) == REFUSED
        assert 'up to bid "b" there are more than the limit of 40000000 hours' in capfd.readouterr().err

    def test_are_not_written_out_by_the_check(self, tmp_path: Path, capfd) -> None:
        book = json.loads(self.book(50_000))
        nothing = {"format": 1, "engine": "0.1.0", "book_sha256": "", "status": "bounded", "gap": 1.0}
        nothing |= {"surplus": 0, "revenue": 0, "awards": [], "payments": {}, "vcg": {}, "prices": []}
        nothing["losers"] = [{"bid": "b", "reason": "outbid", "minimum_to_win": None}]

        code, out = run(capfd, "verify", tmp_path, written(book), written(nothing))

        assert (code, "book_sha256" in out) == (FAILS, True)
