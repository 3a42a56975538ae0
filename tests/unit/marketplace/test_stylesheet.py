"""The one stylesheet holds what its parts hold, each in its layer, and its address changes with it."""

import os
import re
from pathlib import Path

import pytest
import pytest_django
from django.test import Client

from marketplace.stylesheet import current_stylesheet, stylesheet_url

CSS = Path(__file__).resolve().parents[3] / "static" / "css"


def squeezed(text: str) -> str:
    return re.sub(r"\s+|/\*.*?\*/", "", text, flags=re.DOTALL)


def test_holds_every_sheet_in_its_layer() -> None:
    text = current_stylesheet().text
    assert "@import" not in text
    assert squeezed(text).startswith("@layerreset,tokens,base,components,utilities;@layerreset{")
    for sheet in (CSS / "components").iterdir():
        assert f"@layercomponents{{{squeezed(sheet.read_text())}}}" in squeezed(text), sheet.name
    assert f"@mediaprint{{@layerutilities{{{squeezed((CSS / 'print.css').read_text())}}}}}" in squeezed(text)


def test_addresses_in_it_are_found(client: Client) -> None:
    addresses = re.findall(r'url\("(.+?)"\)', current_stylesheet().text)
    assert len(addresses) == 2
    assert all(address.startswith("/static/vendor/instrument-sans/") for address in addresses)
    assert all((CSS.parent / address.removeprefix("/static/")).is_file() for address in addresses)


def test_is_served_compressed_and_kept(client: Client) -> None:
    response = client.get(stylesheet_url(), headers={"Accept-Encoding": "gzip"})
    assert response["Content-Type"] == "text/css; charset=utf-8"
    assert response["Content-Encoding"] == "gzip"
    assert "immutable" in response["Cache-Control"]


def test_an_older_address_gets_the_present_sheet_which_is_not_kept(client: Client) -> None:
    response = client.get("/style-0123456789abcdef.css")
    assert response.content.decode() == current_stylesheet().text
    assert response["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("from_source", [True, False])
def test_follows_its_files_where_they_are_served_from_source(
    settings: pytest_django.Settings, from_source: bool
) -> None:
    settings.WHITENOISE_USE_FINDERS = from_source
    before = current_stylesheet()
    sheet = CSS / "utilities.css"
    stat = sheet.stat()
    try:
        os.utime(sheet, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        assert (current_stylesheet() is before) is not from_source
    finally:
        os.utime(sheet, ns=(stat.st_atime_ns, stat.st_mtime_ns))
