"""A worker's sweeps: trouble with one keeps no other waiting."""

from datetime import datetime

import pytest

from marketplace import worker


def test_a_sweep_that_fails_keeps_no_other_from_its_turn(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = []

    def fails(**_: datetime) -> None:
        raise ValueError("one row is odd")

    def goes_on(**_: datetime) -> None:
        done.append("swept")

    monkeypatch.setattr(worker, "sweep_settlements", fails)
    monkeypatch.setattr(worker, "SWEEPS_BY_CLOCK", (fails, goes_on))

    worker._sweep_settlements()

    assert done == ["swept"]
    assert caplog.text.count("fails failed; the next one looks again") == 2
