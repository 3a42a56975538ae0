"""The worked examples in the engine's docstrings hold."""

import doctest

import pytest

from auctions.engine import vectorised
from auctions.engine.package import nearest


@pytest.mark.parametrize("module", [vectorised, nearest])
def test_worked_example(module):
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0
