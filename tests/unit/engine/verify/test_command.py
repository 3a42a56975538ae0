"""`python -m auctions.engine verify BOOK.json CLEARING.json`"""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from auctions.engine import canonical_json, verify
from auctions.engine.__main__ import main

from .clearings import case_book, cleared, local_local_global


@pytest.fixture
def files(tmp_path):
    book, clearing = local_local_global()
    paths = tmp_path / "book.json", tmp_path / "clearing.json"
    for path, document in zip(paths, (book, clearing), strict=True):
        path.write_text(canonical_json(document))
    return paths


def run(capfd, *paths) -> tuple[int, str, str]:
    status = main(["verify", *map(str, paths)])
    out, err = capfd.readouterr()
    return status, out, err


def test_exits_0_and_says_that_it_holds(files, capfd):
    status, out, err = run(capfd, *files)

    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "holds"


def test_exits_1_with_the_reasons(files, capfd):
    book, clearing = files
    clearing.write_text(clearing.read_text().replace('"revenue":90', '"revenue":91'))

    status, out, err = run(capfd, book, clearing)

    assert (status, err) == (1, "")
    assert out.splitlines() == ["wrong: revenue: is 91, but the awards pay 90", "does not hold"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ('{"format": NaN}', "NaN is not JSON"),
        ('{"a": 1, "a": 2}', 'the key "a" stands twice'),
        ("[" * 200_000, "nested too deeply"),
        ("9" * 10_000, "not JSON"),
        ("[]", "must be an object"),
    ],
)
def test_exits_2_where_the_book_cannot_be_read(files, capfd, text, reason):
    files[0].write_text(text)

    status, out, err = run(capfd, *files)

    assert (status, out) == (2, "")
    assert err.startswith("refused: ")
    assert reason in err


def test_exits_2_where_a_file_is_missing(files, capfd, tmp_path):
    status, out, err = run(capfd, files[0], tmp_path / "none.json")

    assert (status, out) == (2, "")
    assert "none.json: No such file" in err


def test_finds_one_changed_byte_anywhere(files, capfd):
    """Any other byte that leaves JSON behind: in either file, the pair no longer holds."""
    rng = random.Random(1)
    for path in files:
        text = path.read_bytes()
        for at in range(len(text)):
            path.write_bytes(
                text[:at] + bytes([rng.choice([b for b in range(33, 127) if b != text[at]])]) + text[at + 1 :]
            )
            assert run(capfd, *files)[0] in (1, 2), (path, at)
        path.write_bytes(text)


def test_runs_in_a_bare_process(tmp_path):
    book = case_book("krishna_six_units.json")
    (tmp_path / "book.json").write_text(json.dumps(book))

    done = subprocess.run(
        [sys.executable, "-m", "auctions.engine", "verify", str(tmp_path / "book.json"), "-"],
        input=json.dumps(cleared(book)),
        capture_output=True,
        text=True,
        env={"PATH": ""},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("holds\n")


def test_shares_no_code_with_what_clears():
    for path in Path(verify.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("auctions"):
                assert str(node.module).startswith("auctions.engine.verify"), (path, node.module)


class TestMinimums:
    """G bids 90 for both lots, and would have had to offer 101."""

    @pytest.mark.parametrize(
        ("limit", "reason"),
        [
            (100, "a limit of 100 would not win either"),
            (102, "a limit of 101 would win as well"),
        ],
    )
    def test_what_was_told_later_is_checked(self, files, capfd, limit, reason):
        book, clearing = files
        loser = json.loads(clearing.read_text())["losers"][0]["bid"]

        assert run(capfd, book, clearing, "--minimum", f"{loser}=101")[0] == 0
        status, out, _ = run(capfd, book, clearing, "--minimum", f"{loser}={limit}")

        assert status == 1
        assert f"losers[0].minimum_to_win: {reason}" in out

    def test_of_a_bid_that_did_not_lose(self, files, capfd):
        status, out, _ = run(capfd, *files, "--minimum", "nobody=1")

        assert (status, out.splitlines()[0]) == (1, 'wrong: minimums: bid "nobody" is not among the losers')

    @pytest.mark.parametrize("text", ["b1", "=5", "b1=-1", "b1=1.5", "b1=", "b1=" + "9" * 30])
    def test_no_limit_is_refused(self, files, capfd, text):
        with pytest.raises(SystemExit) as stopped:
            run(capfd, *files, "--minimum", text)

        assert stopped.value.code == 2
