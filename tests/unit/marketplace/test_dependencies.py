"""Every pinned package has its reason in docs/dependencies.md."""

import re

import pytest

from marketplace.paths import CHECKOUT

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt", "requirements-postgres.txt")


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_package_is_pinned_and_has_its_reason(name):
    lines = [line for line in (CHECKOUT / name).read_text().splitlines() if line and line[0] not in "#-"]
    reasons = (CHECKOUT / "docs" / "dependencies.md").read_text()
    packages = [re.fullmatch(r"([\w-]+)(\[[\w,-]+\])?==[\w.]+", line) for line in lines]
    assert all(packages)
    assert [package[1] for package in packages if not re.search(rf"\b{package[1]}\b", reasons)] == []
