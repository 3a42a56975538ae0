from __future__ import annotations

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import DeskEvent, Membership
from accounts.stream import append_desk_event
from notifications.kinds import KINDS
from notifications.models import Notification, Preference, WebhookEndpoint
from notifications.operations.spreading import pass_desk_events_on, pass_feed_on
from tests.factories import BuyerFactory, MembershipFactory, UserFactory
from tests.integration.notifications.test_spreading import happens

pytestmark = pytest.mark.django_db(transaction=True)
LIST = reverse("notifications:notification_list")
BELL = reverse("notifications:bell")
READ = reverse("notifications:notifications_read")
PREFERENCES = reverse("notifications:preferences")


@pytest.fixture
def member() -> Membership:
    return MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER)


@pytest.fixture
def client(member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def tell(member: Membership, n: int = 1, start: int = 1) -> None:
    for settlement in range(start, start + n):
        happens(member, "settlement.paid", settlement=settlement, window=1, amount_cents=100)
    pass_feed_on(organization_id=member.organization_id)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


class TestBell:
    def test_costs_a_page_nothing_and_works_without_javascript(self, client, member):
        tell(member, 3)

        page = client.get(reverse("accounts:organization")).text

        bell = re.search(r'<a class="bell".*?</a>', page, re.DOTALL)[0]
        assert f'href="{LIST}"' in bell
        assert 'hx-trigger="load, sparegrid:notifications from:body"' in bell
        assert "unread" not in words(bell)

    def test_counts_with_one_cheap_query(self, client, member, django_assert_num_queries):
        tell(member, 3)

        with django_assert_num_queries(4):  # session, person, memberships, count
            answer = client.get(BELL)

        assert words(answer.text) == "3 Notifications: 3 unread"
        assert "load," not in answer.text

    def test_stops_counting_at_what_it_shows(self, client, member):
        tell(member, 101)

        assert words(client.get(BELL).text) == "99+ Notifications: more than 99 unread"

    def test_says_nothing_to_strangers(self):
        assert Client().get(BELL).status_code == 204


class TestList:
    def test_shows_what_happened_with_where_it_leads(self, client, member):
        tell(member)
        row = Notification.objects.get()

        page = client.get(LIST).text
        assert "Settlement 1 is paid: $1.00" in page

        answer = client.get(reverse("notifications:notification_open", args=[row.pk]))
        assert answer["Location"] == reverse("settlements:own_settlement_detail", args=[1])
        row.refresh_from_db()
        assert row.read_at is not None
        assert words(client.get(BELL).text) == "Notifications: none unread"

    def test_goes_on_by_key_and_costs_the_same_for_many(self, client, member, django_assert_num_queries):
        tell(member, 65)

        with django_assert_num_queries(6):  # session, person, memberships, page, unread, other organizations
            first = client.get(LIST)
        assert first.text.count('class="news__title"') == 30
        following = re.search(r"\?before=\d+", first.text)[0]
        tell(member, 5, start=100)  # what comes in meanwhile moves nothing
        second = client.get(LIST + following)
        third = client.get(LIST + re.search(r"\?before=\d+", second.text)[0])

        pages = [re.findall(r"Settlement (\d+) is paid", page.text) for page in (first, second, third)]
        assert [len(page) for page in pages] == [30, 30, 5]
        assert [int(number) for page in pages for number in page] == list(range(65, 0, -1))

    def test_marks_all_that_was_shown_and_no_more(self, client, member):
        tell(member, 2)
        newest = Notification.objects.order_by("-id").first().pk
        tell(member, 1, start=50)

        answer = client.post(READ, {"up_to": newest}, follow=True)

        assert "2 marked as read." in answer.text
        assert Notification.objects.filter(read_at=None).count() == 1
        assert "Settlement 50" in client.get(LIST, {"unread": "1"}).text
        assert "Settlement 1 " not in client.get(LIST, {"unread": "1"}).text

    @pytest.mark.parametrize("up_to", ["", "0", "-1", "x", "1.5", "99999999999999999999"])
    def test_bad_marks_mark_nothing(self, client, member, up_to):
        tell(member)

        answer = client.post(READ, {"up_to": up_to}, follow=True)

        assert "Nothing was marked" in answer.text
        assert Notification.objects.filter(read_at=None).count() == 1

    @pytest.mark.parametrize("before", ["0", "-3", "x", "1e9", "99999999999999999999"])
    def test_bad_places_are_no_page(self, client, before):
        assert client.get(LIST, {"before": before}).status_code == 404

    def test_others_notifications_do_not_exist(self, client):
        other = MembershipFactory(organization=BuyerFactory())
        tell(other)
        row = Notification.objects.get()

        assert client.get(reverse("notifications:notification_open", args=[row.pk])).status_code == 404
        assert "Settlement" not in client.get(LIST).text
        row.refresh_from_db()
        assert row.read_at is None

    def test_leads_to_another_organization_that_has_news(self, client, member):
        other = MembershipFactory(user=member.user, organization=BuyerFactory(name="Second Lab"))
        tell(other)

        assert "Second Lab has unread notifications." in client.get(LIST).text

    def test_shows_staff_without_an_organization_their_desk(self):
        finance = UserFactory(is_finance=True)
        client = Client()
        client.force_login(finance)
        data = {"mismatch": 5, "what": "Lines differ", "subject": "settlement 4", "detail": "4 of 5"}
        with transaction.atomic():
            append_desk_event(desk=DeskEvent.Desk.FINANCE, kind="mismatch.opened", data=data)
        pass_desk_events_on()

        assert "4 of 5 (settlement 4)" in client.get(LIST).text
        assert words(client.get(BELL).text) == "1 Notifications: 1 unread"

    def test_empty_says_what_comes_here(self, client):
        assert "Nothing yet" in client.get(LIST).text
        assert "All read" in client.get(LIST, {"unread": "1"}).text

    @pytest.mark.parametrize("address", [LIST, PREFERENCES])
    def test_asks_strangers_to_log_in(self, address):
        assert Client().get(address)["Location"].startswith(reverse("account_login"))


class TestPreferences:
    def test_shows_a_buyer_what_buyers_hear_of(self, client):
        page = client.get(PREFERENCES).text

        shown = set(re.findall(r'name="([a-z_]+)-by_email"', page))
        assert shown == {kind.name for kind in KINDS if kind.audience in ("buyer", "owner")}

    def test_keeps_every_box_as_it_was_left(self, client, member):
        client.post(
            PREFERENCES, {"bid_lost-in_page": "on", "bid_lost-by_email": "on", "dispute-in_page": "on"}
        )

        own = {row.kind: (row.in_page, row.by_email) for row in Preference.objects.filter(user=member.user)}
        assert own["bid_lost"] == (True, True)
        assert own["dispute"] == (True, False)
        assert own["bid_won"] == (False, False)
        box = re.search(r'<input[^>]*name="bid_lost-by_email"[^>]*>', client.get(PREFERENCES).text)[0]
        assert "checked" in box

    def test_cannot_end_letters_about_money_owed(self, client, member):
        page = client.get(PREFERENCES).text
        box = re.search(r'<input[^>]*name="payment_failed-by_email"[^>]*>', page)[0]
        assert "disabled" in box
        assert "checked" in box

        client.post(PREFERENCES, {})

        own = Preference.objects.get(user=member.user, kind="payment_failed")
        assert (own.in_page, own.by_email) == (False, True)

    def test_leaves_kinds_alone_that_the_page_did_not_show(self, client):
        client.post(PREFERENCES, {"window_stuck-in_page": "on", "made_up-in_page": "on"})

        assert not Preference.objects.filter(kind__in=["window_stuck", "made_up"]).exists()

    def test_shows_what_programs_hear_of_and_where_that_is_chosen(self, client, member):
        for events, status in (
            (["bid.won", "bid.lost"], "enabled"),
            (["bid.lost"], "enabled"),
            (["bid.lost", "refund.approved"], "disabled"),
        ):
            WebhookEndpoint.objects.create(
                organization=member.organization,
                url="https://example.com/",
                events=events,
                status=status,
                sealed_secret="-",
                created_by=member.user,
            )

        page = client.get(PREFERENCES).text
        text = words(page)
        assert reverse("notifications:webhook_list") in page
        assert "A bid won 1 endpoint A bid lost 2 endpoints" in text
        assert "A refund was decided or paid none" in text

    def test_a_member_who_is_no_owner_reads_who_chooses(self, member):
        trader = MembershipFactory(organization=member.organization, role=Membership.Role.TRADER)
        client = Client()
        client.force_login(trader.user)

        page = client.get(PREFERENCES).text
        assert "for which its owners choose at each endpoint" in page
        assert reverse("notifications:webhook_list") not in page

    def test_nobody_without_an_organization_has_a_choice(self):
        client = Client()
        client.force_login(UserFactory())

        assert "Nothing to choose yet" in client.get(PREFERENCES).text
