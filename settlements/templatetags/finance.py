"""What finance's templates ask: where the thing that a mismatch is about is to be seen."""

import re

from django import template
from django.urls import reverse

register = template.Library()

PAGES = (
    (re.compile(r"window:(\d+)(?::buyer:\d+)?"), "settlements:reconciliation_window"),
    (re.compile(r"settlement:(\d+)"), "settlements:settlement_detail"),
)


@register.filter
def address_of(subject: str) -> str:
    """Return the address of a mismatch's subject, such as ``window:12``; empty for what is seen at Stripe alone."""
    for pattern, name in PAGES:
        if found := pattern.fullmatch(subject):
            return reverse(name, args=[found[1]])
    return ""
