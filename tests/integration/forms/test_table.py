"""Every address that takes a POST is in the table of forms, or named with what sees to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.browser.test_accessibility import names
from tests.integration.forms.table import FORMS, NOT_TRIED, PRESSED

EXAMPLES = {"int": 1, "str": "2026-10", "slug": "any", "path": "any"}
NOT_ALLOWED = 405


def patterns(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield space + str(pattern.name), pattern
        elif pattern.namespace != "admin":
            yield from patterns(pattern, f"{pattern.namespace}:" if pattern.namespace else space)


def takes_post(name: str, pattern: URLPattern) -> bool:
    """Ask the address itself, as somebody who is not logged in."""
    arguments = {
        argument: EXAMPLES[next(each for each in EXAMPLES if each in type(converter).__name__.lower())]
        for argument, converter in pattern.pattern.converters.items()
    }
    address = reverse(name, kwargs=arguments) if arguments or "(?P" not in str(pattern.pattern) else None
    if address is None:
        return True
    return Client().post(address).status_code != NOT_ALLOWED


@pytest.mark.django_db
def test_every_address_that_takes_a_post_is_in_the_table() -> None:
    pages = set(names(get_resolver()))
    apart = [pressed.name for pressed in PRESSED]
    apart += [name for several in NOT_TRIED.values() for name in several.split()]
    assert len(apart) == len(set(apart))
    filled = {filled.name for filled in FORMS}
    assert filled.isdisjoint(apart)
    known = filled | set(apart)
    unknown = [(name, pattern) for name, pattern in patterns(get_resolver()) if name in pages - known]
    forgotten, gone = [name for name, pattern in unknown if takes_post(name, pattern)], sorted(known - pages)
    assert not forgotten, "add to tests/integration/forms/table/: " + " ".join(forgotten)
    assert not gone, "no such address: " + " ".join(gone)
