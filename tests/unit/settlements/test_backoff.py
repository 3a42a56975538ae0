"""Rows whose work raises wait longer each time, and no longer once it was done."""

from __future__ import annotations

from settlements.backoff import FIRST_PAUSE_S, MAX_DOUBLINGS, Setbacks


def pause_after(n: int) -> float:
    """Return how long a row waits after the ``n``-th time, seconds."""
    setbacks = Setbacks()
    for _ in range(n):
        setbacks.note(7, at=0.0)
    at = 0.0
    while setbacks.waiting(at=at):
        at += 1.0
    return at


def test_the_pause_doubles_up_to_an_hour() -> None:
    assert [pause_after(n) for n in (1, 2, 3)] == [2.0, 4.0, 8.0]
    longest = FIRST_PAUSE_S * 2**MAX_DOUBLINGS
    assert pause_after(MAX_DOUBLINGS + 1) == pause_after(MAX_DOUBLINGS + 9) == longest


def test_what_was_done_does_not_wait() -> None:
    setbacks = Setbacks()
    setbacks.note(7, at=0.0)
    setbacks.note(8, at=0.0)

    setbacks.forget(7)

    assert list(setbacks.waiting(at=1.0)) == [8]
