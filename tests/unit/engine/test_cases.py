"""The published and random cases of the engine's contract, through the library and through the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from auctions.engine import book_from_document, clear
from auctions.engine.__main__ import main

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent / "cases"
SHARED = ROOT.parent / "shared" / "cases"

CASES = {
    path.relative_to(folder).as_posix(): path
    for folder in (HERE, SHARED)
    for path in sorted(folder.rglob("*.json"))
}


def case(name: str) -> dict[str, Any]:
    return json.loads(CASES[name].read_text())


def assert_as_expected(clearing: dict[str, Any], expect: dict[str, Any]) -> None:
    for key in {"surplus", "revenue"} & expect.keys():
        assert clearing[key] == pytest.approx(expect[key], abs=1)
    for key in {"payments", "vcg"} & expect.keys():
        for bidder in clearing[key].keys() | expect[key].keys():
            assert clearing[key].get(bidder, 0) == pytest.approx(expect[key].get(bidder, 0), abs=1)
    if "awards" in expect:
        seen = [{key: award[key] for key in expect["awards"][0]} for award in clearing["awards"]]
        assert sorted(seen, key=json.dumps) == sorted(expect["awards"], key=json.dumps)


@pytest.mark.parametrize("name", sorted(CASES))
class TestCases:
    def test_library_finds_what_the_case_expects(self, name):
        assert_as_expected(clear(book_from_document(case(name)["book"])).to_document(), case(name)["expect"])

    def test_command_finds_what_the_case_expects(self, name, tmp_path, capfd):
        book = tmp_path / "book.json"
        book.write_text(json.dumps(case(name)["book"]))

        assert main(["clear", str(book)]) == 0

        assert_as_expected(json.loads(capfd.readouterr().out), case(name)["expect"])


def test_command_runs_without_django_settings():
    """In a bare process: no settings module, only what the engine imports."""
    run = subprocess.run(
        [sys.executable, "-m", "auctions.engine", "clear", "-"],
        input=json.dumps(case("vickrey_single_lot.json")["book"]),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": ""},
        check=True,
    )

    assert json.loads(run.stdout)["payments"] == {"2": 8}
    assert run.stderr == ""
