"""`python -m auctions.engine inclusion`, and the script that docs/sealed-auctions.md offers in its place."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auctions.engine.__main__ import main
from tests.unit.engine.test_inclusion import alter, book_of, proof_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "sealed-auctions.md"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    proof, book = tmp_path / "proof.json", tmp_path / "book.json"
    proof.write_text(json.dumps(proof_of(3, 1)))
    book.write_bytes(book_of(3))
    return proof, book


class TestInclusion:
    def test_says_where_the_bid_stood(self, files: tuple[Path, Path], capsys: pytest.CaptureFixture) -> None:
        assert main(["inclusion", *map(str, files)]) == 0

        told = capsys.readouterr().out
        assert "proven: bid 2 of 3" in told
        assert "the book holds this bid" in told
        assert "the book is the one the window was sealed with" in told

    def test_finds_a_book_with_other_lots(
        self, files: tuple[Path, Path], capsys: pytest.CaptureFixture
    ) -> None:
        files[1].write_bytes(files[1].read_bytes().replace(b"{", b'{"lots": [], ', 1))

        assert main(["inclusion", *map(str, files)]) == 1
        assert "wrong: the book is not, byte for byte" in capsys.readouterr().out

    def test_needs_no_book(self, files: tuple[Path, Path]) -> None:
        assert main(["inclusion", str(files[0])]) == 0

    def test_says_what_does_not_hold(self, files: tuple[Path, Path], capsys: pytest.CaptureFixture) -> None:
        files[1].write_text('{"bids": []}')

        assert main(["inclusion", *map(str, files)]) == 1
        assert "wrong: the book" in capsys.readouterr().out

    def test_refuses_what_is_no_json(self, files: tuple[Path, Path], capsys: pytest.CaptureFixture) -> None:
        files[0].write_text("{")

        assert main(["inclusion", str(files[0])]) == 2
        assert "refused" in capsys.readouterr().err


@pytest.fixture(scope="module")
def script() -> str:
    (script,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return script


class TestTheScriptOfTheDocument:
    def test_proves_a_bid(self, script: str, files: tuple[Path, Path]) -> None:
        ran = subprocess.run(
            [sys.executable, "-c", script, *files], capture_output=True, text=True, check=False
        )

        assert ran.stdout == f"proven: {proof_of(3, 1)['seal']}\n"

    def test_finds_a_book_with_other_lots(self, script: str, files: tuple[Path, Path]) -> None:
        files[1].write_bytes(files[1].read_bytes().replace(b"{", b'{"lots": [], ', 1))

        with pytest.raises(AssertionError, match="not the one that was sealed"):
            run(script, *files)

    @given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))), st.data())
    def test_finds_what_the_command_finds(
        self,
        script: str,
        tmp_path_factory: pytest.TempPathFactory,
        size: tuple[int, int],
        data: st.DataObject,
    ) -> None:
        proof = alter(proof_of(*size), data)
        folder = tmp_path_factory.mktemp("altered")
        files = folder / "proof.json", folder / "book.json"
        files[0].write_text(json.dumps(proof))
        files[1].write_bytes(book_of(size[0]))

        with pytest.raises((AssertionError, IndexError, OverflowError)):
            run(script, *files)


def run(script: str, *arguments: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["script", *map(str, arguments)])
        exec(compile(script, "script", "exec"), {})  # noqa: S102 the document's own script is what is tested
