"""Every way to change one thing in a JSON document."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where something stands, the whole document included."""
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from places(child, (*path, key))


def at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def with_value(document: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def mutations(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield a name and the document with one thing changed."""
    for path in places(document):
        name = "/".join(map(str, path))
        for how, value in _other_values(at(document, path)):
            yield f"{name} {how}", with_value(document, path, value)


def _other_values(value: Any) -> Iterator[tuple[str, Any]]:
    yield "null" if value is not None else "a number", None if value is not None else 7
    if isinstance(value, int):
        yield from (("+1", value + 1), ("-1", value - 1), ("times 1000", (value + 1) * 1000))
        yield from (("as text", str(value)), ("as float", float(value)), ("huge", 10**30))
    elif isinstance(value, str):
        yield from (("longer", value + "x"), ("shorter", value[:-1]))
        if value.strip("0"):
            yield "zeroed", "0" * len(value)
    elif isinstance(value, list):
        for row in range(len(value)):
            yield f"without {row}", value[:row] + value[row + 1 :]
            yield f"{row} twice", [*value, value[row]]
    elif isinstance(value, dict):
        for key in value:
            rest = {other: value[other] for other in value if other != key}
            yield f"without {key}", rest
            yield f"{key} renamed", rest | {key + "x": value[key]}
        yield "and more", value | {"more": 1}
