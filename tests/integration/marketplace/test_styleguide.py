"""The style guide renders every component, so rendering it checks them all."""

import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"


@pytest.mark.urls("marketplace.styleguide")
class TestStyleguide:
    @pytest.fixture
    def html(self, client):
        response = client.get("/")
        assert response.status_code == 200
        return response.content.decode()

    def test_shows_the_components(self, html):
        for name in ["topbar", "stats", "table", "pill", "price", "freshness", "timeline", "dialog", "empty"]:
            assert f'class="{name}' in html

    def test_every_label_and_description_points_at_something(self, html):
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert duplicated(ids) == set()
        targets = set(re.findall(r'<label[^>]* for="([^"]+)"', html))
        for described in re.findall(r'aria-describedby="([^"]+)"', html):
            targets |= set(described.split())
        assert targets <= set(ids)


def duplicated(ids: list[str]) -> set[str]:
    return {name for name in ids if ids.count(name) > 1}


class TestTemplates:
    def test_hold_no_inline_styles_or_scripts(self):
        """The Content-Security-Policy would drop them without a word. Letters have none, and need their styles."""
        offenders = [
            path.name
            for path in TEMPLATES.rglob("*.html")
            if "email" not in path.parts
            and re.search(r"\sstyle=|<style|<script(?![^>]*\bsrc=)|\son\w+=", path.read_text())
        ]
        assert offenders == []

    @pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
    def test_error_pages_stand_without_a_request(self, name):
        assert "Sparegrid" in render_to_string(name)
