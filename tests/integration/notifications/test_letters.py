from __future__ import annotations

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from notifications.kinds import BY_NAME
from notifications.links import Unsubscription, read_unsubscribe_link, unsubscribe_link
from notifications.models import Letter, Preference
from notifications.operations.letters import MAX_TRIES, send_letter
from notifications.operations.reading import Choice, choose
from notifications.operations.spreading import pass_feed_on
from notifications.sweeps import due_letters, sweep_news
from tests.factories import BuyerFactory, MembershipFactory, UserFactory
from tests.integration.notifications.test_spreading import happens

pytestmark = pytest.mark.django_db(transaction=True)


class AwayBackend(BaseEmailBackend):
    """A mail server that hangs up."""

    def send_messages(self, messages: object) -> int:
        raise SMTPServerDisconnected("Connection unexpectedly closed")


class BrokenBackend(BaseEmailBackend):
    """One that cannot write a letter down: neither the mail server's fault nor the network's."""

    def send_messages(self, messages: object) -> int:
        raise UnicodeEncodeError("ascii", "caf\xe9", 3, 4, "no")


@pytest.fixture
def member() -> Membership:
    organization = BuyerFactory(name="Meridian <Research>")
    return MembershipFactory(organization=organization, user=UserFactory(email="ada@example.com"))


@pytest.fixture
def letter(member) -> Letter:
    happens(member, "limit.raised", credit_cents=500_00, before_cents=0, limit_cents=750_00)
    pass_feed_on(organization_id=member.organization_id)
    return Letter.objects.get()


def send(letter: Letter, *, after: timedelta = timedelta()) -> bool:
    return send_letter(letter_id=letter.pk, now=timezone.now() + after)


class TestSendLetter:
    def test_says_it_in_text_and_html_and_how_to_have_no_more(self, letter, settings):
        settings.SITE_URL = "https://sparegrid.example"

        assert send(letter)

        [message] = mail.outbox
        assert message.to == ["ada@example.com"]
        assert message.subject == "Your bidding limit is $750.00"
        assert "Your credit line was raised to $500.00." in message.body
        assert "https://sparegrid.example/limit/" in message.body
        [(html, kind)] = message.alternatives
        assert kind == "text/html"
        assert "Meridian &lt;Research&gt;" in html
        assert '<a href="https://sparegrid.example/limit/"' in html
        link = message.extra_headers["List-Unsubscribe"].strip("<>")
        ended = read_unsubscribe_link(link.rstrip("/").rsplit("/", 1)[-1])  # it tells when it was signed
        assert ended == Unsubscription(letter.notification.user_id, BY_NAME["limit_raised"])
        assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert link in message.body
        assert (
            message.extra_headers["Message-ID"]
            == f"<notification-{letter.notification_id}@sparegrid.example>"
        )

    def test_is_sent_once(self, letter):
        assert send(letter)
        assert not send(letter)

        assert len(mail.outbox) == 1

    def test_is_tried_again_less_and_less_often_and_given_up_in_the_end(self, letter, settings):
        settings.EMAIL_BACKEND = f"{__name__}.AwayBackend"
        assert not send(letter)
        letter.refresh_from_db()
        assert letter.said == "SMTPServerDisconnected: Connection unexpectedly closed"
        assert not send(letter)  # not due yet
        letter.refresh_from_db()
        assert letter.n_tries == 1
        assert due_letters(timezone.now() + timedelta(minutes=2)) == [letter.pk]

        for _ in range(MAX_TRIES):
            send(letter, after=timedelta(days=1))
            Letter.objects.update(next_try_at=timezone.now())
        letter.refresh_from_db()
        assert letter.n_tries == MAX_TRIES
        assert letter.given_up_at is not None
        assert due_letters(timezone.now() + timedelta(days=9)) == []

    def test_is_given_up_too_where_our_own_code_fails(self, letter, settings):
        settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"

        for _ in range(MAX_TRIES):
            assert not send(letter, after=timedelta(days=1))
            Letter.objects.update(next_try_at=timezone.now())

        letter.refresh_from_db()
        assert (
            letter.said
            == "UnicodeEncodeError: 'ascii' codec can't encode character '\\xe9' in position 3: no"
        )
        assert (letter.n_tries, letter.given_up_at is not None) == (MAX_TRIES, True)

    def test_goes_out_when_the_mail_server_is_back(self, letter, settings):
        settings.EMAIL_BACKEND = f"{__name__}.AwayBackend"
        send(letter)
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

        assert send(letter, after=timedelta(minutes=2))

        letter.refresh_from_db()
        assert (letter.n_tries, letter.said) == (2, "")

    @pytest.mark.parametrize("how", ["unsubscribed", "left", "inactive"])
    def test_is_not_sent_to_who_wants_no_more_or_has_left(self, letter, member, how):
        if how == "unsubscribed":
            choose(user=member.user, choices={"limit_raised": Choice(in_page=True, by_email=False)})
        elif how == "left":
            member.delete()
        else:
            member.user.is_active = False
            member.user.save()

        assert not send(letter)

        letter.refresh_from_db()
        assert letter.given_up_at is not None
        assert mail.outbox == []

    def test_is_found_by_the_sweep_when_its_job_is_lost(self, letter):
        assert sweep_news(now=timezone.now() + timedelta(minutes=1)) >= 1


class TestUnsubscribe:
    @pytest.fixture
    def address(self, member) -> str:
        return re.sub(
            r"^https?://[^/]+", "", unsubscribe_link(user_id=member.user_id, kind_name="limit_raised")
        )

    def test_looking_ends_nothing_and_one_click_ends_one_kind(self, address, member):
        client = Client(enforce_csrf_checks=True)

        asked = client.get(address)
        assert "No more letters of this kind?" in asked.text
        assert not Preference.objects.exists()

        done = client.post(address, {"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
        assert "No more of these letters" in done.text
        own = Preference.objects.get()
        assert (own.user_id, own.kind, own.in_page, own.by_email) == (
            member.user_id,
            "limit_raised",
            True,
            False,
        )
        assert client.post(address).status_code == 200

    def test_keeps_what_was_chosen_for_pages(self, address, member):
        choose(user=member.user, choices={"limit_raised": Choice(in_page=False, by_email=True)})

        Client().post(address)

        assert Preference.objects.get().in_page is False

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_forged_link_is_refused_kindly(self, address, method):
        answer = getattr(Client(), method)(address[:-3] + "x/")

        assert answer.status_code == 404
        assert "no link of ours" in answer.text
        assert not Preference.objects.exists()

    def test_letters_about_money_owed_go_on(self, member):
        link = unsubscribe_link(user_id=member.user_id, kind_name="payment_failed")

        answer = Client().post(re.sub(r"^https?://[^/]+", "", link))

        assert answer.status_code == 409
        assert "always sent" in answer.text
        assert not Preference.objects.exists()
