"""Where a keyset page starts."""

from django.http import Http404, HttpRequest

from marketplace.numbers import whole_number

MAX_ID = 2**63 - 1


def before_of(request: HttpRequest) -> int | None:
    """Return the id that ``?before=`` names, None for the first page; 404 for anything that is no id."""
    text = request.GET.get("before", "")
    if not text:
        return None
    if (number := whole_number(text)) is None:
        raise Http404("no such page")
    return number
