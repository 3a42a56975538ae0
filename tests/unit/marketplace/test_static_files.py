"""Vendored files are what their packages shipped; stylesheets keep to the tokens and their contrast."""

import hashlib
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[3] / "static"
VENDOR_ROW = re.compile(r"^\| (?P<file>\S+) \|.*\| `(?P<sha256>[0-9a-f]{64})` \|$", re.MULTILINE)
VENDORS = [STATIC / "vendor", Path(__file__).resolve().parents[2] / "browser" / "vendor"]
VENDORED = {
    vendor / name: sha256
    for vendor in VENDORS
    for name, sha256 in VENDOR_ROW.findall((vendor / "README.md").read_text())
}
THEMED = re.compile(r"--(?P<name>[\w-]+): light-dark\((?P<light>#\w{6}), (?P<dark>#\w{6})\);")
FIXED = re.compile(r"--(?P<name>[\w-]+): (?P<colour>#\w{6});")
TOKENS = (STATIC / "css" / "tokens.css").read_text()

TEXT_PAIRS = [
    ("ink", "paper"),
    ("ink", "surface"),
    ("ink", "sunken"),
    ("ink", "hover"),
    ("ink-muted", "paper"),
    ("ink-muted", "surface"),
    ("ink-muted", "sunken"),
    ("ink-muted", "hover"),
    ("ink-muted", "neutral-soft"),
    ("accent", "paper"),
    ("accent", "surface"),
    ("accent", "accent-soft"),
    ("accent", "hover"),
    ("accent-strong", "surface"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-bar", "bar"),
    ("on-bar", "bar-raised"),
    ("on-bar-muted", "bar"),
    ("bar", "bar-accent"),
    ("up", "surface"),
    ("up", "hover"),
    ("up", "up-soft"),
    ("down", "surface"),
    ("down", "hover"),
    ("down", "down-soft"),
    ("warn", "surface"),
    ("warn", "warn-soft"),
    ("danger", "surface"),
    ("danger", "paper"),
    ("danger", "danger-soft"),
    ("on-danger", "danger"),
    ("on-danger", "danger-strong"),
    ("neutral", "neutral-soft"),
    ("surface", "neutral"),
    ("ink", "accent-soft"),
    ("ink", "warn-soft"),
    ("ink", "danger-soft"),
    ("ink", "neutral-soft"),
    ("on-test", "test"),
    *(("on-heat-low", f"heat-{shade}") for shade in (1, 2, 3)),
    *(("on-heat-high", f"heat-{shade}") for shade in (4, 5, 6)),
]
SHAPE_PAIRS = [
    ("line-strong", "surface"),
    ("line-strong", "paper"),
    ("accent", "paper"),
    ("danger", "surface"),
    ("bar-accent", "bar"),
]


def palette(theme: str) -> dict[str, str]:
    fixed = {match["name"]: match["colour"] for match in FIXED.finditer(TOKENS)}
    return fixed | {match["name"]: match[theme] for match in THEMED.finditer(TOKENS)}


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


class TestVendoredFiles:
    @pytest.mark.parametrize("path", VENDORED, ids=lambda path: path.name)
    def test_are_what_the_package_shipped(self, path):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == VENDORED[path]

    def test_are_all_listed(self):
        found = {path for vendor in VENDORS for path in vendor.rglob("*") if path.is_file()}
        assert {path for path in found if path.name not in {"LICENSE", "README.md"}} == set(VENDORED)


@pytest.mark.parametrize("theme", ["light", "dark"])
class TestContrast:
    @pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
    def test_of_text_meets_aa(self, theme, ink, ground):
        colours = palette(theme)
        assert contrast(colours[ink], colours[ground]) >= 4.5

    @pytest.mark.parametrize(("shape", "ground"), SHAPE_PAIRS)
    def test_of_borders_and_focus_meets_aa(self, theme, shape, ground):
        colours = palette(theme)
        assert contrast(colours[shape], colours[ground]) >= 3


class TestStylesheets:
    def test_main_imports_every_component_once(self):
        imported = re.findall(r'@import url\("(.+?)"\)', (STATIC / "css" / "main.css").read_text())
        assert len(imported) == len(set(imported))
        assert all((STATIC / "css" / name).resolve().is_file() for name in imported)
        components = {f"components/{path.name}" for path in (STATIC / "css" / "components").iterdir()}
        assert components <= set(imported)

    def test_colours_stand_in_the_tokens_only(self):
        sheets = [path for path in (STATIC / "css").rglob("*.css") if path.name != "tokens.css"]
        raw = re.compile(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(|\boklch\(", re.IGNORECASE)
        assert [path.name for path in sheets if raw.search(path.read_text())] == []

    def test_every_variable_in_use_is_defined(self):
        sheets = [*(STATIC / "css").rglob("*.css"), *(STATIC / "vendor" / "open-props").glob("*.css")]
        text = "\n".join(path.read_text() for path in sheets)
        defined = set(re.findall(r"(--[\w-]+)\s*:", text))
        assert set(re.findall(r"var\((--[\w-]+)\)", text)) <= defined
