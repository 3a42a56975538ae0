"""What is sent after the session ended, or with a page drawn for somebody else: told, not done, back at the form."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD
from tests.integration.forms.reading import Page
from tests.integration.forms.table import FORMS, PRESSED
from tests.integration.forms.table.rows import Filled, Pressed

pytestmark = pytest.mark.django_db
FOR_EVERYBODY = {"account_login", "account_signup", "account_reset_password", "notifications:unsubscribe"}
Fingerprint = Callable[[], dict[str, tuple[int, int]]]


@pytest.mark.parametrize(
    "sent", [each for each in (*FORMS, *PRESSED) if each.name not in FOR_EVERYBODY], ids=str
)
def test_after_the_session_ended_leads_through_a_login_back_to_the_page(
    sent: Filled | Pressed, scene: SimpleNamespace, fingerprint: Fingerprint
) -> None:
    client, before = Client(), fingerprint()
    typed = sent.typed(scene) if isinstance(sent, Filled) else sent.wrong[0]
    address = sent.address(scene)
    if sent.name.startswith("account_"):
        answer = client.post(address, typed)
        assert answer.headers["Location"].startswith(reverse("account_login"))
        return
    page = "/the/page/of/the/form/?page=2"
    answer = client.post(address, typed, headers={"referer": f"http://testserver{page}"})
    login = urlsplit(answer.headers["Location"])
    assert login.path == reverse("account_login")
    (back_to,) = parse_qs(login.query)["next"]
    if sent.name == "auctions:search_save":
        assert back_to == f"/?{typed['query']}"  # the board as it was narrowed down
    else:
        assert back_to == page or _holds_what_was_typed(back_to, typed)
    assert "nothing was done" in " ".join(Page.of(client.get(login.geturl()).content.decode()).told)
    assert fingerprint() == before


def _holds_what_was_typed(back_to: str, typed: dict[str, object]) -> bool:
    """Bids and orders come back in the address: their pages open filled in."""
    said = parse_qs(urlsplit(back_to).query)
    return bool(said) and all(
        said.get(name) == (value if isinstance(value, list) else [value])
        for name, value in typed.items()
        if value
    )


class TestATokenOfAnotherLogin:
    def test_is_explained_with_a_way_back_to_the_form(self, scene: SimpleNamespace) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(scene.people["seller"], backend="django.contrib.auth.backends.ModelBackend")
        form = reverse("inventory:site_create")
        answer = client.post(form, {"name": "typed"}, headers={"referer": f"http://testserver{form}"})
        page = answer.content.decode()
        assert answer.status_code == 403
        assert "Nothing was changed" in page
        assert f'href="{form}"' in page

    def test_leads_to_no_other_site(self) -> None:
        client = Client(enforce_csrf_checks=True)
        answer = client.post("/sell/sites/new/", headers={"referer": "https://elsewhere.example/trap/"})
        assert "elsewhere.example" not in answer.content.decode()


def test_the_login_that_follows_opens_the_form_again(scene: SimpleNamespace) -> None:
    client = Client()
    form = reverse("settlements:refund_create", args=[scene.refunded.pk])
    answer = client.post(form, {"note": "typed"}, headers={"referer": f"http://testserver{form}"})
    answer = client.post(
        answer.headers["Location"],
        {"login": scene.people["finance"].email, "password": PASSWORD, "next": form},
    )
    assert answer.headers["Location"] == form
    assert settings.SESSION_COOKIE_NAME in client.cookies


def test_an_address_that_only_takes_forms_leads_to_the_page_above_it(
    scene: SimpleNamespace, clients: dict[str, Client]
) -> None:
    """Where a login leads back to after a form that was shown again with an error."""
    address = reverse("settlements:outage_report", args=[scene.delivery.pk])
    answer = clients["buyer"].get(address)
    assert answer.headers["Location"] == reverse("settlements:own_delivery", args=[scene.delivery.pk])
