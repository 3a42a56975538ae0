"""The worked examples in the engine's docstrings hold."""

import doctest

from auctions.engine import vectorised


def test_vectorised():
    failed, tried = doctest.testmod(vectorised)
    assert tried > 0
    assert failed == 0
