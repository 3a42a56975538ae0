"""A published book and its clearing fix each other: one byte changed anywhere in either is found."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine import ENGINE_VERSION, book_from_json, canonical_json, clear
from auctions.engine.verify import Unreadable, load_json, verify
from tests.unit.engine.books import books


def published(document: dict[str, Any]) -> tuple[bytes, bytes]:
    book = canonical_json(document).encode()
    return book, clear(book_from_json(book)).to_json().encode()


def holds(book: bytes, clearing: bytes) -> bool:
    try:
        return not verify(load_json(book), load_json(clearing))
    except Unreadable:
        return False


@st.composite
def altered(draw: st.DrawFn, text: bytes) -> bytes:
    at = draw(st.integers(0, len(text) - 1))
    byte = draw(st.integers(0, 255).filter(lambda byte: byte != text[at]))
    return text[:at] + bytes([byte]) + text[at + 1 :]


class TestVerify:
    @given(books())
    def test_holds_for_what_the_engine_made(self, document: dict[str, Any]) -> None:
        assert holds(*published(document))

    @settings(max_examples=300)
    @given(books(), st.data())
    def test_finds_one_byte_changed_in_the_book(self, document: dict[str, Any], data: st.DataObject) -> None:
        book, clearing = published(document)

        assert not holds(data.draw(altered(book)), clearing)

    @settings(max_examples=300)
    @given(books(), st.data())
    def test_finds_one_byte_changed_in_the_clearing(
        self, document: dict[str, Any], data: st.DataObject
    ) -> None:
        book, clearing = published(document)

        assert not holds(book, data.draw(altered(clearing)))

    def test_knows_the_engine_that_is_here_and_no_other(self) -> None:
        book, clearing = published(
            {
                "format": 1,
                "rule": "core",
                "hours": 1,
                "lots": [
                    {"id": "A", "seller": "s", "units": 1, "unit_step": 1, "start": 0, "end": 1, "reserve": 0}
                ],
                "bids": [],
            }
        )
        own = f'"engine":"{ENGINE_VERSION}"'.encode()

        assert holds(book, clearing)
        assert own in clearing
        assert not holds(book, clearing.replace(own, b'"engine":"9.9.9"'))
