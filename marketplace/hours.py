"""Whole UTC hours and half-open ranges ``[start, end)`` of them."""

from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)


def is_whole_hour(instant: datetime) -> bool:
    """Say whether ``instant`` (aware) lies on a whole UTC hour."""
    return instant == floor_hour(instant)


def floor_hour(instant: datetime) -> datetime:
    """Return the last whole UTC hour at or before ``instant`` (aware)."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone names no hour")
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def ceil_hour(instant: datetime) -> datetime:
    """Return the first whole UTC hour at or after ``instant`` (aware)."""
    floor = floor_hour(instant)
    return floor if floor == instant else floor + HOUR


def n_hours(start: datetime, end: datetime) -> int:
    """Return how many hours ``[start, end)`` holds; both must be whole hours in order."""
    if not (is_whole_hour(start) and is_whole_hour(end) and start <= end):
        raise ValueError(f"[{start}, {end}) is no range of whole hours")
    return int((end - start) / HOUR)


def hours_in(start: datetime, end: datetime) -> list[datetime]:
    """Return the hours of ``[start, end)``, each named by its beginning."""
    return [start + index * HOUR for index in range(n_hours(start, end))]
