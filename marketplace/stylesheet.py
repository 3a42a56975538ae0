"""The site's stylesheet as one file: static/css/main.css with everything it imports in place.

A browser that follows some forty imports waits for each round trip before it paints. There is no build step, so the
sheet is put together when it is first asked for, and again when a file of it changes where files are served from
source. Its address names its content, so it is kept for a year.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import path, reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

ENTRY = "css/main.css"
KEPT = "public, max-age=31536000, immutable"
IMPORT = re.compile(
    r'^@import url\("(?P<file>[^"]+)"\) layer\((?P<layer>[\w-]+)\)(?: (?P<media>[\w-]+))?;$', re.MULTILINE
)
ADDRESS = re.compile(r'url\("(?P<file>[^":]+)"\)')
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Stylesheet:
    text: str
    digest: str


def current_stylesheet() -> Stylesheet:
    """Put the sheet together, unless that was done and nothing it is made of may have changed."""
    return _assemble(_stamps() if settings.WHITENOISE_USE_FINDERS else ())


def stylesheet_url() -> str:
    return reverse("stylesheet", urlconf=__name__, args=[current_stylesheet().digest])


@require_safe
@gzip_page
def stylesheet(request: HttpRequest, digest: str) -> HttpResponse:
    """Serve the sheet. An address of another version gets the present one, which is not kept."""
    sheet = current_stylesheet()
    response = HttpResponse(sheet.text, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = KEPT if digest == sheet.digest else "no-cache"
    return response


@lru_cache(maxsize=1)
def _assemble(stamps: tuple[int, ...]) -> Stylesheet:
    text = COMMENT.sub("", IMPORT.sub(_in_place, _source(ENTRY)))
    text = "\n".join(line for line in map(str.rstrip, text.splitlines()) if line)
    return Stylesheet(text, hashlib.sha256(text.encode()).hexdigest()[:16])


def _in_place(imported: re.Match[str]) -> str:
    name = posixpath.normpath(posixpath.join(posixpath.dirname(ENTRY), imported["file"]))
    rules = ADDRESS.sub(lambda found: f'url("{_address(name, found["file"])}")', _source(name))
    block = f"@layer {imported['layer']} {{\n{rules}\n}}"
    return f"@media {imported['media']} {{\n{block}\n}}" if imported["media"] else block


def _address(name: str, target: str) -> str:
    """Return the address of a file that the sheet ``name`` refers to."""
    return static(posixpath.normpath(posixpath.join(posixpath.dirname(name), target)))


def _source(name: str) -> str:
    found = finders.find(name)
    if not found:
        raise FileNotFoundError(f"the stylesheet imports {name}, which is not among the static files")
    return Path(found).read_text()


def _stamps() -> tuple[int, ...]:
    folder = Path(settings.BASE_DIR) / "static"
    return tuple(sheet.stat().st_mtime_ns for sheet in sorted(folder.glob("**/*.css")))


urlpatterns = [path("style-<slug:digest>.css", stylesheet, name="stylesheet")]
