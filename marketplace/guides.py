"""Short guides for people, rendered from docs/guides/*.md: the same text and pictures as in the repository."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from marketplace.paths import CHECKOUT

FOLDER = CHECKOUT / "docs" / "guides"
PICTURES = CHECKOUT / "docs" / "images"
ROLES = ("buyers", "sellers", "finance", "operators")
PICTURE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide: its role, its first heading and paragraph, and the rest as HTML."""

    role: str
    title: str
    lede: str
    html: SafeString


@require_safe
def guide_list(request: HttpRequest) -> HttpResponse:
    return render(request, "guides/guide_list.html", {"guides": [guide_of(role) for role in ROLES]})


@require_safe
def guide(request: HttpRequest, role: str) -> HttpResponse:
    if role not in ROLES:
        raise Http404("there is no such guide")
    context = {"guide": guide_of(role), "guides": [guide_of(each) for each in ROLES]}
    return render(request, "guides/guide.html", context)


@require_safe
def guide_image(request: HttpRequest, name: str) -> FileResponse:
    """Give a picture of the guides, none but those that lie in their folder."""
    path = next((path for path in PICTURES.glob("*.webp") if path.name == name), None)
    if path is None:
        raise Http404("there is no such picture")
    answer = FileResponse(path.open("rb"), content_type="image/webp")
    answer["Cache-Control"] = f"public, max-age={PICTURE_SECONDS}"
    return answer


@cache
def guide_of(role: str) -> Guide:
    """Read a guide once. HTML in the text is shown, not taken: only what Markdown says becomes an element."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    title, lede, *rest = (FOLDER / f"{role}.md").read_text().split("\n\n")
    tokens = reader.parse("\n\n".join(rest))
    for token in tokens:
        for inner in token.children or []:
            _point_into_the_product(inner)
    html = reader.renderer.render(tokens, reader.options, {})
    return Guide(role, title.removeprefix("# "), " ".join(lede.split()), mark_safe(html))  # noqa: S308 - our own files


def _point_into_the_product(token: Token) -> None:
    """Turn the links of the repository into those of the site: pictures, other guides."""
    if token.type == "image":
        token.attrSet("src", reverse("guide_image", args=[Path(str(token.attrGet("src"))).name]))
        token.attrSet("loading", "lazy")
        token.attrSet("width", "1280")
        token.attrSet("height", "800")
    elif token.type == "link_open":
        name = str(token.attrGet("href"))
        if name.endswith(".md") and name.removesuffix(".md") in ROLES:
            token.attrSet("href", reverse("guide", args=[name.removesuffix(".md")]))
