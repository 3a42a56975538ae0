"""Pages about deliveries: who sees access, what a refused form keeps, how many queries a list takes."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Membership, Organization
from settlements.models import Delivery, Handover, HandoverRead, Outage, Refund, SshKey
from settlements.operations.ssh_keys import add_ssh_key, choose_ssh_keys
from settlements.queries.deliveries import SALE_TABS, count_sales, sales_page
from settlements.queries.outages import outage_page
from settlements.sweeps import sweep_deliveries
from tests.factories import BuyerFactory, MembershipFactory, SellerFactory, UserFactory
from tests.integration.settlements.deliveries import (
    ACCESS,
    ED25519,
    OTHER_ED25519,
    SECRET,
    handed_over,
    member,
    paid_delivery,
    report,
    running,
    set_back,
)

pytestmark = pytest.mark.django_db(transaction=True)
Role = Membership.Role
MINUTE = timedelta(minutes=1)


def logged_in(user: object) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member_of(organization: Organization, role: Role = Role.TRADER) -> Client:
    return logged_in(MembershipFactory(organization=organization, role=role).user)


def url(name: str, *args: object, **query: object) -> str:
    return reverse(f"settlements:{name}", args=args, query=query or None)


def typed(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M}"


ACCESS_TYPED = {
    "endpoint": ACCESS.endpoint,
    "instructions": ACCESS.instructions,
    "credentials": ACCESS.credentials,
    "version": "0",
}


class TestWhoSeesAccess:
    @pytest.mark.parametrize("role", [Role.OWNER, Role.TRADER, Role.VIEWER])
    def test_each_member_of_the_buyer_does_and_it_is_noted(self, role: Role) -> None:
        delivery = handed_over()
        client = member_of(delivery.buyer, role)
        assert SECRET not in client.get(url("own_delivery", delivery.pk)).content.decode()
        assert not HandoverRead.objects.exists()

        answer = client.post(url("own_delivery_access", delivery.pk))

        assert SECRET in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert HandoverRead.objects.get().read_by.memberships.get().role == role

    def test_nobody_else_does(self) -> None:
        delivery = handed_over()
        others = {
            "nobody": Client(),
            "another buyer": member_of(BuyerFactory()),
            "another seller": member_of(SellerFactory()),
            "the seller": member_of(delivery.seller),
            "finance": logged_in(UserFactory(is_finance=True)),
            "an operator": logged_in(UserFactory(is_operator=True)),
            "staff": logged_in(UserFactory(is_staff=True)),
            "a superuser": logged_in(UserFactory(is_staff=True, is_superuser=True)),
        }

        for who, client in others.items():
            answers = [
                client.post(url("own_delivery_access", delivery.pk), follow=True),
                client.get(url("own_delivery", delivery.pk), follow=True),
                client.get(url("settlement_detail", delivery.line.settlement_id), follow=True),
            ]
            if who != "the seller":
                answers.append(client.get(url("sale_delivery", delivery.pk), follow=True))
            for answer in answers:
                assert SECRET not in answer.content.decode(), who
        assert not HandoverRead.objects.exists()

    def test_the_seller_sees_what_it_handed_over_itself_and_may_change_it(self) -> None:
        delivery = handed_over()

        assert SECRET in member_of(delivery.seller).get(url("sale_delivery", delivery.pk)).content.decode()
        assert (
            member_of(delivery.seller, Role.VIEWER).get(url("sale_delivery", delivery.pk)).status_code == 403
        )
        assert member_of(SellerFactory()).get(url("sale_delivery", delivery.pk)).status_code == 404

    def test_somebody_who_left_the_buyer_does_no_more(self) -> None:
        delivery = handed_over()
        client = member_of(delivery.buyer)
        Membership.objects.filter(organization=delivery.buyer).delete()

        assert client.post(url("own_delivery_access", delivery.pk)).status_code == 403

    def test_there_is_nothing_to_see_before_the_hand_over(self) -> None:
        delivery = paid_delivery()

        answer = member_of(delivery.buyer).post(url("own_delivery_access", delivery.pk), follow=True)

        assert "has not handed over anything yet" in answer.content.decode()


class TestHandOver:
    def test_hands_over_and_says_so(self) -> None:
        delivery = paid_delivery()
        client = member_of(delivery.seller)

        answer = client.post(url("sale_delivery", delivery.pk), ACCESS_TYPED, follow=True)

        assert "Handed over. The buyer is told" in answer.content.decode()
        assert Delivery.objects.get().status == Delivery.Status.READY

    def test_an_empty_one_names_the_field_and_keeps_what_was_typed(self) -> None:
        delivery = paid_delivery()

        answer = member_of(delivery.seller).post(
            url("sale_delivery", delivery.pk), ACCESS_TYPED | {"endpoint": " "}
        )

        assert answer.status_code == 422
        page = answer.content.decode()
        assert "Say where the buyer connects." in page
        assert SECRET in page
        assert not Handover.objects.exists()

    def test_a_stale_form_changes_nothing_and_keeps_what_was_typed(self) -> None:
        delivery = handed_over()

        answer = member_of(delivery.seller).post(
            url("sale_delivery", delivery.pk), ACCESS_TYPED | {"endpoint": "ssh new@host"}
        )

        assert answer.status_code == 422
        assert "changed it meanwhile" in answer.content.decode()
        assert "ssh new@host" in answer.content.decode()
        assert Handover.objects.count() == 1

    def test_another_sellers_award_is_as_good_as_none(self) -> None:
        delivery = paid_delivery()

        answer = member_of(SellerFactory()).post(url("sale_delivery", delivery.pk), ACCESS_TYPED)

        assert answer.status_code == 404
        assert not Handover.objects.exists()

    def test_gives_the_chosen_keys_as_a_file(self) -> None:
        delivery = paid_delivery()
        by = member(delivery.buyer)
        keys = [
            add_ssh_key(organization=delivery.buyer, added_by=by, text=text)
            for text in (ED25519, OTHER_ED25519)
        ]
        choose_ssh_keys(
            buyer=delivery.buyer,
            delivery_id=delivery.pk,
            key_ids=[key.pk for key in keys],
            now=delivery.starts_at,
        )

        answer = member_of(delivery.seller).get(url("sale_delivery_keys", delivery.pk))

        assert answer.content.decode() == f"{ED25519}\n{OTHER_ED25519}\n"
        assert f"award-{delivery.line.award_id}.pub" in answer["Content-Disposition"]
        assert member_of(SellerFactory()).get(url("sale_delivery_keys", delivery.pk)).status_code == 404


class TestLists:
    def test_the_sellers_list_shows_what_is_due_first_in_few_queries(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        delivery = paid_delivery()
        client = member_of(delivery.seller)
        for _ in range(3):
            other = paid_delivery()
            Delivery.objects.filter(pk=other.pk).update(seller=delivery.seller)

        with django_assert_max_num_queries(12):
            page = client.get(url("sale_delivery_list")).content.decode()

        assert page.count("data-countdown") == 4
        assert "Nothing here" in client.get(url("sale_delivery_list", show="ended")).content.decode()
        assert client.get(url("sale_delivery_list", show="nonsense")).status_code == 404

    def test_the_sellers_list_goes_through_all_of_a_tab_once_and_counts_what_is_live(self) -> None:
        delivery = paid_delivery()
        for hours in (5, 5, 2):
            other = paid_delivery()
            Delivery.objects.filter(pk=other.pk).update(
                seller=delivery.seller,
                starts_at=other.starts_at + timedelta(hours=hours),
                ends_at=other.ends_at + timedelta(hours=hours),
                due_at=other.starts_at + timedelta(hours=hours),
            )
        due = SALE_TABS[0]
        expected = Delivery.objects.filter(seller=delivery.seller).order_by("starts_at", "id")

        seen: list[int] = []
        page = sales_page(delivery.seller, due, before=None, size=1)
        while page.deliveries:
            seen += [each.pk for each in page.deliveries]
            if page.next_before is None:
                break
            page = sales_page(delivery.seller, due, before=page.next_before, size=1)

        assert seen == list(expected.values_list("pk", flat=True))
        assert count_sales(delivery.seller) == {"due": 4, "ready": 0, "unpaid": 0}
        client = member_of(delivery.seller)
        assert "Nothing here" in client.get(url("sale_delivery_list", before=2**63 - 1)).content.decode()
        assert client.get(url("sale_delivery_list", before="x")).status_code == 404

    def test_the_awards_page_leads_to_access_with_one_query_more(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        delivery = handed_over()
        client = member_of(delivery.buyer)

        with django_assert_max_num_queries(12):
            page = client.get(reverse("auctions:award_list")).content.decode()

        assert url("own_delivery", delivery.pk) in page
        assert "Starts" in page

    def test_finances_list_takes_few_queries(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        reported = [report(running()) for _ in range(3)]
        client = logged_in(UserFactory(is_finance=True))

        with django_assert_max_num_queries(8):
            page = client.get(url("outage_list")).content.decode()

        assert page.count("Reported") >= 3
        first = outage_page(is_decided=False, before=None, size=2)
        second = outage_page(is_decided=False, before=first.next_before, size=2)
        assert [each.pk for each in first.outages + second.outages] == [each.pk for each in reported]
        assert second.next_before is None
        assert member_of(BuyerFactory()).get(url("outage_list")).status_code == 403


class TestOutages:
    def test_is_reported_answered_decided_and_refunded_page_by_page(self) -> None:
        delivery = set_back(running())
        buyer, seller = member_of(delivery.buyer), member_of(delivery.seller)
        finance = logged_in(UserFactory(is_finance=True))
        starts_at = delivery.starts_at

        told = buyer.post(
            url("outage_report", delivery.pk),
            {
                "starts_at": typed(starts_at),
                "ends_at": typed(starts_at + 30 * MINUTE),
                "what": "No answer on port 22.",
            },
            follow=True,
        ).content.decode()
        outage = Outage.objects.get()
        assert f"Outage {outage.pk} is reported" in told
        answered = seller.post(
            url("outage_answer", outage.pk), {"note": "A switch failed.", "accept": ""}, follow=True
        )
        assert "Accepted by the seller" in answered.content.decode()
        shown = finance.get(url("outage_detail", outage.pk)).content.decode()
        assert "$25.00" in shown
        outage.refresh_from_db()
        decided = finance.post(
            url("outage_detail", outage.pk),
            {
                "verdict": "all",
                "minutes": "",
                "reason": "The seller agrees.",
                "fingerprint": outage.fingerprint,
            },
            follow=True,
        )
        assert "Both sides are told" in decided.content.decode()

        assert Refund.objects.get().amount_cents == 2500
        page = buyer.get(url("own_delivery", delivery.pk)).content.decode()
        assert "The seller agrees." in page
        assert "$25.00" in page

    @pytest.mark.parametrize(
        ("starts", "ends", "why"),
        [
            (-30, 10, "The delivery began at"),
            (10, 10, "It ended after it began."),
            (10, 600, "This is in the future"),
        ],
    )
    def test_times_that_cannot_be_are_named_and_what_was_typed_stays(
        self, starts: int, ends: int, why: str
    ) -> None:
        delivery = set_back(running(), timedelta(hours=2))

        answer = member_of(delivery.buyer).post(
            url("outage_report", delivery.pk),
            {
                "starts_at": typed(delivery.starts_at + starts * MINUTE),
                "ends_at": typed(delivery.starts_at + ends * MINUTE),
                "what": "Its fans were loud.",
            },
        )

        assert answer.status_code == 422
        assert why in answer.content.decode()
        assert "Its fans were loud." in answer.content.decode()
        assert not Outage.objects.exists()

    def test_a_viewer_reports_nothing_and_another_buyer_finds_nothing(self) -> None:
        delivery = set_back(running())
        assert (
            member_of(delivery.buyer, Role.VIEWER).post(url("outage_report", delivery.pk)).status_code == 403
        )
        assert member_of(BuyerFactory()).post(url("outage_report", delivery.pk)).status_code == 404

    def test_can_be_withdrawn_until_it_is_accepted(self) -> None:
        outage = report(running())
        client = member_of(outage.delivery.buyer)

        client.post(url("outage_withdraw", outage.pk))
        again = client.post(url("outage_withdraw", outage.pk), follow=True)

        assert "withdrawn by now" in again.content.decode()
        assert member_of(BuyerFactory()).post(url("outage_withdraw", outage.pk)).status_code == 404

    def test_a_dispute_without_a_reason_is_sent_back(self) -> None:
        outage = report(running())

        answer = member_of(outage.delivery.seller).post(
            url("outage_answer", outage.pk), {"note": "", "dispute": ""}
        )

        assert answer.status_code == 422
        assert "Say why you dispute it." in answer.content.decode()

    @pytest.mark.parametrize(
        ("said", "why"),
        [
            ({"verdict": "part", "minutes": ""}, "Say how many minutes."),
            ({"verdict": "part", "minutes": "31"}, "The outage had 30 minutes."),
            ({"verdict": "part", "minutes": "some"}, "Write a whole number of minutes."),
            ({"verdict": ""}, "Choose one."),
            ({"reason": ""}, "Say why: both sides read it."),
            ({"fingerprint": "open:1:2"}, "Something changed since this was shown."),
        ],
    )
    def test_a_decision_that_is_not_whole_decides_nothing(self, said: dict[str, str], why: str) -> None:
        outage = report(running())
        whole = {"verdict": "all", "minutes": "", "reason": "Seen.", "fingerprint": outage.fingerprint}

        answer = logged_in(UserFactory(is_finance=True)).post(url("outage_detail", outage.pk), whole | said)

        assert answer.status_code == 422
        assert why in answer.content.decode()
        outage.refresh_from_db()
        assert outage.status == Outage.Status.OPEN

    def test_a_missed_hand_over_waits_with_its_decision(self) -> None:
        delivery = paid_delivery()
        sweep_deliveries(now=delivery.starts_at + 30 * MINUTE)

        page = logged_in(UserFactory(is_finance=True)).get(url("outage_detail", Outage.objects.get().pk))

        assert "may still end the time missed" in page.content.decode()


class TestSshKeys:
    def test_are_added_and_removed(self) -> None:
        buyer = BuyerFactory()
        client = member_of(buyer)

        added = client.post(url("ssh_key_list"), {"key": ED25519}, follow=True).content.decode()
        assert "ada@laptop is added" in added
        assert "SHA256:" in added
        client.post(url("ssh_key_remove", SshKey.objects.get().pk))
        assert client.post(url("ssh_key_remove", SshKey.objects.get().pk)).status_code == 404

    def test_a_malformed_one_is_refused_and_stays_in_the_form(self) -> None:
        answer = member_of(BuyerFactory()).post(url("ssh_key_list"), {"key": "ssh-ed25519 AAAA me@here"})

        assert answer.status_code == 422
        assert "not a whole public key" in answer.content.decode()
        assert "me@here" in answer.content.decode()

    def test_are_chosen_on_the_awards_page(self) -> None:
        delivery = paid_delivery()
        key = add_ssh_key(organization=delivery.buyer, added_by=member(delivery.buyer), text=ED25519)
        client = member_of(delivery.buyer)

        client.post(url("own_delivery_keys", delivery.pk), {"keys": [key.pk]})
        refused = client.post(url("own_delivery_keys", delivery.pk), {"keys": [key.pk + 999]})

        assert list(delivery.ssh_keys.all()) == [key]
        assert refused.status_code == 422
        assert "choose again" in refused.content.decode()

    def test_a_sellers_member_has_none(self) -> None:
        assert member_of(SellerFactory()).get(url("ssh_key_list")).status_code == 403
