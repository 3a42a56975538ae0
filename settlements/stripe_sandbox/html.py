"""The sandbox's HTML: templates from files, every value escaped."""

from functools import cache
from html import escape
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse, Response

TEMPLATES = Path(__file__).parent / "templates"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


@cache
def _template(name: str) -> Template:
    return Template((TEMPLATES / name).read_text(encoding="utf-8"))


def fill(name: str, values: dict[str, object]) -> Markup:
    """Return a template with its values in place; anything but Markup is escaped."""
    shown = {key: _html(value) for key, value in values.items()}
    return Markup(_template(name).substitute(shown))


def _html(value: object) -> str:
    return value if isinstance(value, Markup) else escape(str(value))


def page(title: str, body: Markup, *, status: int = 200) -> Response:
    return HTMLResponse(fill("layout.html", {"title": title, "body": body}), status, headers=HEADERS)


def stylesheet() -> Response:
    return Response((TEMPLATES / "style.css").read_bytes(), media_type="text/css")


def rows(table: list[list[object]], *, empty: str, n_columns: int) -> Markup:
    """Return table rows, or one that says there is nothing."""
    if not table:
        return Markup(f'<tr><td colspan="{n_columns}" class="soft">{escape(empty)}</td></tr>')
    cells = ("".join(f"<td>{_html(cell)}</td>" for cell in row) for row in table)
    return Markup("".join(f"<tr>{row}</tr>" for row in cells))
