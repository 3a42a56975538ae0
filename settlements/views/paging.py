"""Where a keyset page starts."""

from django.http import Http404, HttpRequest

MAX_ID = 2**63 - 1


def before_of(request: HttpRequest) -> int | None:
    """Return the id that ``?before=`` names, None for the first page; 404 for anything that is no id."""
    text = request.GET.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > MAX_ID:
        raise Http404("no such page")
    return int(text)
