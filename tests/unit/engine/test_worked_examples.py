"""The worked examples in the engine's docstrings hold."""

import doctest

import pytest

from auctions.engine import displaced, inclusion, vectorised
from auctions.engine.package import counterfactual, nearest


@pytest.mark.parametrize("module", [vectorised, displaced, inclusion, nearest, counterfactual])
def test_worked_example(module):
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0
