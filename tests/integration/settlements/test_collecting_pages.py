"""The e-mail's link, what the buyer is told to do, and what finance decides: with a reason, on record, never twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail, signing
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from marketplace.db import database_now
from settlements.links import SALT, payment_link
from settlements.models import CollectionDecision, Default, Dunning, DunningStep, PaymentMethod, Settlement
from settlements.operations.charging import charge_settlement, pay_settlement
from settlements.queries.collecting import version_of
from tests.factories import PASSWORD, BuyerFactory, MembershipFactory, UserFactory
from tests.integration.settlements.dunning_steps import (
    DAY,
    HOUR,
    deadline_of,
    declined,
    due_settlement,
    lose_the_card,
    run_until,
    send_all,
)
from tests.integration.settlements.steps import AUTHENTICATES_ALWAYS, n_payments, put_on_file

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status
Kind = DunningStep.Kind


def url(name: str, *args: object) -> str:
    return reverse(f"settlements:{name}", args=args)


def path_of(address: str) -> str:
    return urlsplit(address).path


def owner_of(settlement: Settlement) -> User:
    return Membership.objects.get(organization=settlement.organization).user


@pytest.fixture
def finance() -> Client:
    client = Client()
    client.force_login(UserFactory(is_finance=True, name="Fay Nance"))
    return client


def decide(client: Client, what: str, settlement: Settlement, **fields: str) -> tuple[int, str]:
    """Send a decision as the page as it stands would; return the answer's status and text."""
    settlement = Settlement.objects.get(pk=settlement.pk)
    form = {"reason": "They called us", "version": version_of(settlement), **fields}
    answer = client.post(url(what, settlement.pk), form)
    return answer.status_code, answer.content.decode()


class TestPaymentLink:
    def test_asks_for_a_login_and_leads_to_paying(self) -> None:
        settlement = declined(AUTHENTICATES_ALWAYS)
        send_all()
        link = next(line for line in mail.outbox[0].body.splitlines() if line.startswith("http"))
        client = Client()

        to_login = client.get(path_of(link))
        assert to_login.status_code == 302
        back_to = parse_qs(urlsplit(to_login["Location"]).query)["next"][0]
        owner = owner_of(settlement)
        after_login = client.post(
            to_login["Location"], {"login": owner.email, "password": PASSWORD, "next": back_to}
        )
        assert after_login["Location"] == path_of(link)
        page = client.get(path_of(link), follow=True)

        assert page.redirect_chain[-1][0].endswith(f"/settlements/{settlement.pk}/#pay")
        assert "Pay now and confirm the payment at your bank." in page.content.decode()
        assert 'id="pay"' in page.content.decode()

    def test_acts_for_the_organization_it_is_about(self) -> None:
        settlement = declined()
        owner = owner_of(settlement)
        client = Client()
        other = MembershipFactory(user=owner, organization=BuyerFactory()).organization
        client.force_login(owner)
        session = client.session
        session["organization_id"] = other.pk
        session.save()

        page = client.get(path_of(payment_link(settlement.pk)), follow=True)

        assert page.status_code == 200
        assert f"Settlement {settlement.pk}" in page.content.decode()

    def test_has_forms_of_pages_drawn_for_another_organization_refused(self) -> None:
        settlement = declined()
        owner = owner_of(settlement)
        other = MembershipFactory(user=owner, organization=BuyerFactory()).organization
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(owner)

        def token() -> dict[str, str]:
            return {"csrfmiddlewaretoken": str(browser.get("/bids/").context["csrf_token"])}

        browser.post("/organization/switch/", {"organization": other.pk} | token())
        drawn_for_other = token()
        browser.get(path_of(payment_link(settlement.pk)))

        assert browser.post(url("prepayment_start"), drawn_for_other).status_code == 403
        drawn_for_own = token()
        browser.get(path_of(payment_link(settlement.pk)))  # changes nothing, so forms stay good
        assert browser.post(url("prepayment_start"), drawn_for_own).status_code == 422

    def test_opens_nothing_for_a_stranger(self) -> None:
        settlement = declined()
        stranger = Client()
        stranger.force_login(MembershipFactory(organization=BuyerFactory()).user)

        assert stranger.get(path_of(payment_link(settlement.pk))).status_code == 403

    @pytest.mark.parametrize("token", ["x", "MQ:1abc:forged", "🙂"])
    def test_says_when_it_is_forged(self, token: str) -> None:
        answer = Client().get(url("payment_link", token))

        assert answer.status_code == 404
        assert "no payment link of ours" in answer.content.decode()

    def test_one_signed_for_something_else_is_forged(self) -> None:
        answer = Client().get(url("payment_link", signing.dumps(1, salt="elsewhere")))

        assert answer.status_code == 404

    def test_says_when_it_is_too_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settlement = declined()
        monkeypatch.setattr(signing.time, "time", lambda: (database_now() - 61 * DAY).timestamp())
        token = signing.dumps(settlement.pk, salt=SALT)
        monkeypatch.undo()

        answer = Client().get(url("payment_link", token))

        assert answer.status_code == 410
        assert "older than 60 days" in answer.content.decode()

    def test_says_when_the_deadline_has_passed(self) -> None:
        settlement = declined()
        run_until(deadline_of(settlement))
        client = Client()
        client.force_login(owner_of(settlement))

        answer = client.get(path_of(payment_link(settlement.pk)))

        assert answer.status_code == 410
        assert "This link has expired" in answer.content.decode()

    def test_names_are_written_as_they_are_in_plain_text(self) -> None:
        settlement = declined()
        settlement.organization.name = "R&D <Lab>"
        settlement.organization.save()

        send_all()

        assert "R&D <Lab>" in mail.outbox[0].body
        assert "{#" not in mail.outbox[0].body


class TestBuyersPage:
    def test_says_until_when_what_next_and_what_to_do(self) -> None:
        settlement = declined()
        client = Client()
        client.force_login(owner_of(settlement))

        page = client.get(url("own_settlement_detail", settlement.pk)).content.decode()
        listed = client.get(url("own_settlement_list")).content.decode()

        assert "Pay now with any card" in page
        assert "We try the card again" in page
        assert "Pay by" in page
        assert "Pay by" in listed

    def test_says_what_a_default_did(self) -> None:
        settlement = declined()
        run_until(deadline_of(settlement))
        client = Client()
        client.force_login(owner_of(settlement))

        page = client.get(url("own_settlement_detail", settlement.pk)).content.decode()

        assert "Nothing is owed for it" in page
        assert "from $100,000.00 to $50,000.00" in page
        assert "Pay $" not in page


class TestElsewhere:
    def test_the_awards_page_says_what_was_cancelled(self) -> None:
        settlement = declined()
        run_until(deadline_of(settlement))
        client = Client()
        client.force_login(owner_of(settlement))

        assert "not paid" in client.get(reverse("auctions:award_list")).content.decode()

    def test_the_api_says_until_when_and_how_much(self) -> None:
        settlement = declined()
        client = Client()
        client.force_login(owner_of(settlement))

        (row,) = client.get(reverse("api_settlement-list")).json()["results"]

        assert datetime.fromisoformat(row["pay_by"]) == deadline_of(settlement)
        assert row["to_collect_cents"] == 10_000


class TestExtend:
    def test_moves_the_deadline_and_its_reminder_and_tells(self, finance: Client) -> None:
        settlement = declined()
        to = (deadline_of(settlement) + DAY).replace(second=0, microsecond=0)

        status, _ = decide(finance, "deadline_extend", settlement, deadline=f"{to:%Y-%m-%dT%H:%M}")

        assert status == 302
        assert deadline_of(settlement) == to
        steps = Dunning.objects.get().steps.filter(taken_at=None)
        assert steps.get(kind=Kind.DEADLINE).due_at == to
        assert steps.filter(kind=Kind.REMINDER, due_at=to - 12 * HOUR).exists()
        decision = CollectionDecision.objects.get()
        assert (decision.kind, decision.by.name, decision.reason) == (
            "extended",
            "Fay Nance",
            "They called us",
        )
        assert "You have until" in send_all()[-1]
        run_until(to - timedelta(minutes=1))
        assert not Default.objects.exists()
        page = finance.get(url("settlement_detail", settlement.pk)).content.decode()
        assert "Fay Nance" in page
        assert "They called us" in page

    @pytest.mark.parametrize(
        ("deadline", "words"),
        [
            ("2020-01-01T00:00", "This is in the past"),
            ("2999-01-01T00:00", "Delivery starts"),
            ("tomorrow", "Write a day and a time"),
        ],
    )
    def test_refuses_a_time_that_cannot_be_and_keeps_what_was_typed(
        self, finance: Client, deadline: str, words: str
    ) -> None:
        settlement = declined()
        before = deadline_of(settlement)

        status, page = decide(finance, "deadline_extend", settlement, deadline=deadline)

        assert status == 422
        assert words in page
        assert "They called us" in page
        assert deadline_of(settlement) == before
        assert not CollectionDecision.objects.exists()

    def test_refuses_an_earlier_deadline(self, finance: Client) -> None:
        settlement = declined()
        earlier = deadline_of(settlement) - HOUR

        status, page = decide(finance, "deadline_extend", settlement, deadline=f"{earlier:%Y-%m-%dT%H:%M}")

        assert (status, "already. Choose a later time" in page) == (422, True)


class TestRetryNow:
    def test_asks_the_card_and_records_who_did(self, finance: Client) -> None:
        settlement = declined()

        assert decide(finance, "settlement_retry", settlement)[0] == 302

        assert settlement.attempts.count() == 2
        assert CollectionDecision.objects.get().kind == "retried"

    def test_refuses_a_paid_settlement(self, finance: Client) -> None:
        settlement = declined()
        other = put_on_file(settlement.organization)
        pay_settlement(
            organization_id=settlement.organization_id,
            settlement_id=settlement.pk,
            payment_method_id=other.pk,
        )

        status, page = decide(finance, "settlement_retry", settlement)

        assert (status, "This one is paid." in page) == (422, True)
        assert n_payments() == 1

    def test_refuses_a_card_that_is_lost(self, finance: Client) -> None:
        settlement = declined()
        lose_the_card(settlement)
        run_until(settlement.dunning.opened_at + 4 * HOUR)

        status, page = decide(finance, "settlement_retry", settlement)

        assert (status, "forbid asking it again" in page) == (422, True)
        assert settlement.attempts.count() == 2

    def test_refuses_where_there_is_no_card(self, finance: Client) -> None:
        settlement = declined()
        PaymentMethod.objects.update(is_default=False, removed_at=database_now())

        assert "no card on file" in decide(finance, "settlement_retry", settlement)[1]

    def test_a_form_sent_twice_tries_once(self, finance: Client) -> None:
        settlement = declined()
        version = version_of(settlement)

        first = decide(finance, "settlement_retry", settlement, version=version)
        second = decide(finance, "settlement_retry", settlement, version=version)

        assert (first[0], second[0]) == (302, 422)
        assert "has changed since you opened the page" in second[1]
        assert settlement.attempts.count() == 2


class TestCallDefault:
    def test_records_who_and_why(self, finance: Client) -> None:
        settlement = declined()

        assert decide(finance, "settlement_default", settlement)[0] == 302

        default = Default.objects.get()
        assert default.by is not None
        assert (default.by.name, default.reason) == ("Fay Nance", "They called us")
        assert CollectionDecision.objects.get().kind == "defaulted"
        assert "Fay Nance" in finance.get(url("settlement_detail", settlement.pk)).content.decode()

    def test_refuses_a_stale_form(self, finance: Client) -> None:
        settlement = declined()
        version = version_of(settlement)
        run_until(settlement.dunning.opened_at + 4 * HOUR)

        status, page = decide(finance, "settlement_default", settlement, version=version)

        assert (status, "Nothing was done" in page) == (422, True)
        assert not Default.objects.exists()

    def test_refuses_without_a_reason(self, finance: Client) -> None:
        settlement = declined()

        status, _ = decide(finance, "settlement_default", settlement, reason=" ")

        assert status == 422
        assert not Default.objects.exists()

    def test_refuses_what_is_paid(self, finance: Client) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = due_settlement(buyer)
        charge_settlement(settlement_id=settlement.pk)

        status, page = decide(finance, "settlement_default", settlement)

        assert (status, "so it cannot default" in page) == (422, True)

    @pytest.mark.parametrize("what", ["deadline_extend", "settlement_retry", "settlement_default"])
    def test_only_finance_decides(self, what: str) -> None:
        settlement = declined()
        buyer = Client()
        buyer.force_login(owner_of(settlement))

        assert decide(buyer, what, settlement)[0] == 403
        assert buyer.get(url(what, settlement.pk)).status_code == 403

    @pytest.mark.parametrize("what", ["deadline_extend", "settlement_retry", "settlement_default"])
    def test_asks_on_a_page_of_its_own(self, finance: Client, what: str) -> None:
        page = finance.get(url(what, declined().pk)).content.decode()

        assert "Keep it as it is" in page
