"""Putting a test card on file the way a person does: open Stripe's page, type the card, send the form."""

from __future__ import annotations

import logging
import threading
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from accounts.models import Organization
from settlements.models import PaymentMethod
from settlements.operations.cards import open_card_page
from settlements.stripe_facts import OutcomeUnknown

TEST_CARD = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


def put_card_on_file(organization: Organization, stop: threading.Event) -> None:
    """Put Stripe's plain test card on file unless there is one; its webhook saves the card. Waits for the sandbox."""
    while not stop.is_set() and not PaymentMethod.objects.filter(organization=organization).exists():
        try:
            type_card(open_card_page(organization_id=organization.pk), name=organization.name)
            return
        except (OutcomeUnknown, OSError) as waiting:
            logger.info("waiting for the payment sandbox: %s", waiting)
            stop.wait(RETRY_SECONDS)


def type_card(url: str, *, name: str) -> str:
    """Send the card form at ``url`` and return the address it sends the buyer back to.

    Raise OSError if the page cannot be reached or does not take the card.
    """
    page = urlsplit(url)
    connection = HTTPConnection(page.hostname or "", page.port, timeout=10)
    try:
        connection.request(
            "POST",
            page.path,
            urlencode({**TEST_CARD, "name": name}),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        response = connection.getresponse()
    finally:
        connection.close()
    if response.status != 303:
        raise OSError(f"the card page answered {response.status}")
    return response.headers["Location"]
