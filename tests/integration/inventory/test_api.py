from datetime import timedelta

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from accounts.models import ApiKey
from accounts.operations import create_api_key
from inventory.models import Block, BlockHour, Site
from inventory.operations import load_catalogue
from marketplace.hours import HOUR
from tests.factories import (
    BlockFactory,
    BuyerFactory,
    MembershipFactory,
    ResourceTypeFactory,
    SiteFactory,
    next_hour,
)

pytestmark = pytest.mark.django_db
MISSING = object()


def client_of(membership) -> APIClient:
    _, text = create_api_key(
        organization=membership.organization, created_by=membership.user, name="Scheduler"
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


@pytest.fixture
def api(membership) -> APIClient:
    return client_of(membership)


@pytest.fixture
def terms(own_site):
    return {
        "site": own_site.pk,
        "resource_type": ResourceTypeFactory(slug="H100-SXM5-80GB", node_units=8).slug,
        "units": 16,
        "starts_at": next_hour().isoformat(),
        "ends_at": (next_hour() + 6 * HOUR).isoformat(),
        "reserve_ticks": 24_950,
    }


class TestResourceTypes:
    def test_are_open_to_everyone(self):
        load_catalogue()

        types = {row["slug"]: row for row in APIClient().get("/api/v1/resource-types/").json()}

        assert types["H200-SXM5-141GB"]["posted_price_ticks"] == 79_100
        assert types["DeepSeek-R1"]["kind"] == "model"


class TestSites:
    def test_are_made_and_listed(self, api):
        made = api.post("/api/v1/sites/", {"name": "Luleå 2", "region": "eu-north", "fabric": "roce"})
        SiteFactory()

        assert made.status_code == 201
        assert made.json()["id"] == Site.objects.get(name="Luleå 2").pk
        assert [site["name"] for site in api.get("/api/v1/sites/").json()["results"]] == ["Luleå 2"]

    def test_of_a_name_that_is_taken_are_refused(self, api, own_site):
        answer = api.post("/api/v1/sites/", {"name": own_site.name, "region": "eu-north"})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "name"


class TestListingABlock:
    def test_answers_with_the_block(self, api, terms, membership):
        answer = api.post("/api/v1/blocks/", terms | {"floor_ticks": 10_000, "decline_hours": 3})

        assert answer.status_code == 201
        block = Block.objects.get()
        assert block.listed_by == membership.user
        told = answer.json()
        assert (told["id"], told["status"], told["unit_step"]) == (block.pk, "listed", 8)
        assert (told["offered_unit_hours"], told["sold_unit_hours"]) == (96, 0)
        assert (told["region"], told["resource_type"]) == ("us-east", "H100-SXM5-80GB")

    @pytest.mark.parametrize(
        ("field", "value", "code"),
        [
            ("units", 0, "too_few"),
            ("units", 12, "not_whole_nodes"),
            ("units", 8.5, "invalid"),
            ("units", MISSING, "required"),
            ("units", None, "null"),
            ("units", True, "invalid"),
            ("site", 999_999, "unknown"),
            ("site", 10**30, "max_value"),
            ("resource_type", "H999", "does_not_exist"),
            ("starts_at", "2020-01-01T00:30:00Z", "not_whole_hour"),
            ("starts_at", "soon", "invalid"),
            ("ends_at", "2020-01-01T00:00:00Z", "before_start"),
            ("ends_at", "2100-01-01T00:00:00Z", "too_long"),
            ("reserve_ticks", 2.5, "invalid"),
            ("reserve_ticks", -1, "negative"),
            ("reserve_ticks", 10**30, "too_high"),
            ("floor_ticks", 1, "missing"),
            ("decline_hours", 5, "missing"),
        ],
    )
    def test_refuses_bad_terms_field_by_field(self, api, terms, field, value, code):
        sent = terms | {field: value}
        if value is MISSING:
            del sent[field]

        answer = api.post("/api/v1/blocks/", sent)

        assert answer.status_code == 422
        assert answer["Content-Type"] == "application/problem+json"
        errors = {error["code"]: error["field"] for error in answer.json()["errors"]}
        # With half a declining reserve it is the other half that is missing.
        other = {"floor_ticks": "decline_hours", "decline_hours": "floor_ticks"}
        assert errors[code] == other.get(field, field)
        assert not Block.objects.exists()

    def test_calls_prices_as_the_request_does(self, api, terms):
        answer = api.post("/api/v1/blocks/", terms | {"floor_ticks": 30_000, "decline_hours": 3})

        assert [error["field"] for error in answer.json()["errors"]] == ["floor_ticks"]

    def test_sent_twice_with_one_key_lists_one_block(self, api, terms):
        answers = [
            api.post("/api/v1/blocks/", terms, headers={"Idempotency-Key": "listing-1"}) for _ in range(2)
        ]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].content == answers[1].content
        assert answers[1]["Idempotent-Replayed"] == "true"
        assert Block.objects.count() == 1

    def test_is_for_sellers(self, terms):
        buyer = client_of(MembershipFactory(organization=BuyerFactory()))

        answer = buyer.post("/api/v1/blocks/", terms)

        assert answer.status_code == 403
        assert "selling organization" in answer.json()["detail"]


class TestListingARecurringPeriod:
    @pytest.fixture
    def nights(self, terms):
        first = next_hour().date() + timedelta(days=2)
        return {name: terms[name] for name in ("site", "resource_type", "units", "reserve_ticks")} | {
            "weekdays": list(range(7)),
            "from_hour": 22,
            "to_hour": 6,
            "first_day": f"{first}",
            "last_day": f"{first + timedelta(days=4)}",
        }

    def test_answers_with_its_blocks_in_order(self, api, nights):
        answer = api.post("/api/v1/blocks/recurring/", nights)

        assert answer.status_code == 201
        starts = [block["starts_at"] for block in answer.json()]
        assert starts == sorted(starts)
        assert len(starts) == Block.objects.count() == 5
        assert {block["offered_unit_hours"] for block in answer.json()} == {16 * 8}

    def test_again_is_refused_by_name_and_with_one_key_answered_again(self, api, nights):
        first, again = (
            api.post("/api/v1/blocks/recurring/", nights, headers={"Idempotency-Key": "nights"})
            for _ in range(2)
        )

        assert first.json() == again.json()
        refused = api.post("/api/v1/blocks/recurring/", nights)
        assert refused.status_code == 422
        assert {error["code"] for error in refused.json()["errors"]} == {"overlaps"}
        assert Block.objects.count() == 5

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("weekdays", []),
            ("weekdays", [7]),
            ("from_hour", 24),
            ("first_day", "2020-01-01"),
            ("last_day", "2100-01-01"),
            ("units", 12),
            ("reserve_ticks", -1),
            ("site", 999_999),
        ],
    )
    def test_names_the_field_that_is_wrong(self, api, nights, field, value):
        sent = nights | {field: value}
        if field == "first_day":
            sent["last_day"] = "2020-02-01"

        answer = api.post("/api/v1/blocks/recurring/", sent)

        assert answer.status_code in (400, 422)
        assert {error["field"].split(".")[0] for error in answer.json()["errors"]} == {field}
        assert not Block.objects.exists()


class TestAuditTrail:
    def test_names_the_person_and_the_key(self, api, membership, terms):
        made = api.post("/api/v1/blocks/", terms)

        event = apps.get_model("inventory", "BlockEvent").objects.get(pgh_obj_id=made.json()["id"])
        assert event.pgh_context == {
            "user": membership.user.pk,
            "api_key": ApiKey.objects.get().prefix,
            "url": "/api/v1/blocks/",
        }


class TestReadingBlocks:
    @pytest.mark.parametrize("count", [1, 9])
    def test_lists_own_blocks_newest_first_in_the_same_queries(
        self, api, own_site, count, django_assert_num_queries
    ):
        blocks = [BlockFactory(site=own_site) for _ in range(count)]
        BlockFactory()
        api.get("/api/v1/blocks/")

        # key, permission; page, figures (the key's use was written down by the first call)
        with django_assert_num_queries(4):
            page = api.get("/api/v1/blocks/").json()

        assert [row["id"] for row in page["results"]] == [block.pk for block in reversed(blocks)]

    def test_pages_by_cursor(self, api, own_site):
        blocks = [BlockFactory(site=own_site) for _ in range(3)]

        first = api.get("/api/v1/blocks/", {"page_size": 2}).json()
        second = api.get(first["next"]).json()

        assert [row["id"] for row in second["results"]] == [blocks[0].pk]
        assert second["next"] is None

    def test_shows_one(self, api, own_site):
        block = BlockFactory(site=own_site, units=8)
        BlockHour.objects.filter(block=block).update(sold_units=2)

        assert api.get(f"/api/v1/blocks/{block.pk}/").json()["sold_unit_hours"] == 4

    @pytest.mark.parametrize("pk", ["foreign", 2**70, "x"])
    def test_what_is_not_ones_own_is_not_found(self, api, pk):
        address = BlockFactory().pk if pk == "foreign" else pk

        answer = api.get(f"/api/v1/blocks/{address}/")

        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


class TestWithdrawing:
    def test_says_what_went_and_what_stays(self, api, own_site):
        block = BlockFactory(site=own_site, units=8)
        BlockHour.objects.filter(block=block).update(sold_units=3)

        answer = api.post(f"/api/v1/blocks/{block.pk}/withdraw/")

        assert answer.json() == {"withdrawn_unit_hours": 10, "sold_unit_hours": 6, "frozen_unit_hours": 0}

    def test_twice_is_a_conflict(self, api, own_site):
        block = BlockFactory(site=own_site)
        api.post(f"/api/v1/blocks/{block.pk}/withdraw/")

        answer = api.post(f"/api/v1/blocks/{block.pk}/withdraw/")

        assert (answer.status_code, answer.json()["type"]) == (
            409,
            "urn:sparegrid:problem:illegal_transition",
        )

    def test_of_anothers_block_is_not_found(self, api):
        block = BlockFactory()

        assert api.post(f"/api/v1/blocks/{block.pk}/withdraw/").status_code == 404
        block.refresh_from_db()
        assert block.status == Block.Status.LISTED
