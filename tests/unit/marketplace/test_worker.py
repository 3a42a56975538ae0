"""A worker's sweeps and queues: trouble with one sweep keeps no other waiting, no queue is left out."""

from datetime import datetime

import pytest
from procrastinate.contrib.django import app

from marketplace import worker

NOT_OURS = ("builtin", "procrastinate.", "tests.")


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


def test_every_job_has_a_queue_that_is_worked_through() -> None:
    ours = [task for task in app.tasks.values() if not task.name.startswith(NOT_OURS)]

    assert {task.queue for task in ours} == set(worker.CONCURRENT_JOBS)
