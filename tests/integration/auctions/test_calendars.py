"""Awards as calendar files: UTC, stable names, escaped; one's own alone."""

from datetime import UTC

import pytest
from django.urls import reverse
from icalendar import Calendar

from auctions.models import Award
from inventory.models import ResourceType, Site
from marketplace.hours import HOUR
from tests.factories import AwardFactory
from tests.integration.auctions.conftest import Auction
from tests.integration.auctions.pages import Visit, visit

pytestmark = pytest.mark.django_db
ALL = "auctions:award_calendar_all"


@pytest.fixture
def member(auction: Auction) -> Visit:
    return visit(auction.buyer)


@pytest.fixture
def award(auction: Auction) -> Award:
    return AwardFactory(lot=auction.lot, organization=auction.buyer, units=1)


def events(answer) -> list:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(answer.content).walk("VEVENT")


def fetch(member: Visit, award: Award):
    return member.client.get(reverse("auctions:award_calendar", args=[award.pk]))


class TestOneAward:
    def test_says_when_what_and_where_in_utc(self, member: Visit, award: Award) -> None:
        answer = fetch(member, award)

        (event,) = events(answer)
        assert event.decoded("dtstart") == award.starts_at
        assert event.decoded("dtend") == award.ends_at
        assert f"DTSTART:{award.starts_at.astimezone(UTC):%Y%m%dT%H%M%SZ}".encode() in answer.content
        assert str(event["uid"]) == f"award-{award.pk}@sparegrid"
        assert "1 GPU: Test GPU" in str(event["summary"])
        assert reverse("auctions:bid_detail", args=[award.bid_id]) in str(event["url"])
        assert f'filename="sparegrid-award-{award.pk}.ics"' in answer["Content-Disposition"]

    def test_is_the_same_file_every_time(self, member: Visit, award: Award) -> None:
        assert fetch(member, award).content == fetch(member, award).content

    def test_names_cannot_break_out(self, member: Visit, award: Award) -> None:
        name = "A;B, C\\D\r\nATTENDEE:mailto:x@example.com"
        ResourceType.objects.update(name=name)
        Site.objects.update(name=name.ljust(80, "x"))

        answer = fetch(member, award)

        (event,) = events(answer)
        assert "attendee" not in event
        assert b"\nATTENDEE" not in answer.content
        assert "A;B, C\\D" in str(event["summary"])
        assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))

    def test_cancelled_is_said_under_the_same_name(self, member: Visit, award: Award) -> None:
        Award.objects.update(cancelled_at=award.starts_at, cancelled_from=award.starts_at)
        (event,) = events(fetch(member, award))
        assert (str(event["uid"]), str(event["status"]), event["sequence"]) == (
            f"award-{award.pk}@sparegrid",
            "CANCELLED",
            1,
        )

    def test_cancelled_in_part_ends_there(self, member: Visit, award: Award) -> None:
        Award.objects.update(cancelled_at=award.starts_at, cancelled_from=award.starts_at + HOUR)
        (event,) = events(fetch(member, award))
        assert event.decoded("dtend") == award.starts_at + HOUR
        assert str(event["status"]) == "CONFIRMED"

    def test_of_others_does_not_exist(self, auction: Auction, award: Award) -> None:
        assert fetch(visit(auction.rival), award).status_code == 404


class TestAllAwards:
    def test_are_ones_own(self, auction: Auction, member: Visit, award: Award) -> None:
        second = AwardFactory(organization=auction.buyer)
        AwardFactory(organization=auction.rival)
        found = events(member.client.get(reverse(ALL)))
        assert {str(event["uid"]) for event in found} == {
            f"award-{award.pk}@sparegrid",
            f"award-{second.pk}@sparegrid",
        }

    def test_none_is_an_empty_calendar(self, member: Visit) -> None:
        assert events(member.client.get(reverse(ALL))) == []

    def test_are_linked_from_the_awards(self, member: Visit, award: Award) -> None:
        text = member.client.get(reverse("auctions:award_list")).content.decode()
        assert reverse(ALL) in text
        assert reverse("auctions:award_calendar", args=[award.pk]) in text
