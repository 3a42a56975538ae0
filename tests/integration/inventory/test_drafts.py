"""Listing step by step: what a draft keeps, what is named as wrong, and that it is listed once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Membership
from inventory.models import Block, BlockDraft, ResourceType, Site
from inventory.operations import drafts as operations
from inventory.operations import list_draft
from inventory.terms import BlockTerms
from marketplace.hours import HOUR
from tests.factories import MembershipFactory, ResourceTypeFactory, SellerFactory, SiteFactory, next_hour

pytestmark = pytest.mark.django_db
YESTERDAY = f"{next_hour() - 24 * HOUR:%Y-%m-%dT%H:%M}"
BEGIN = "/sell/blocks/drafts/new/"
DRAFTS = "/sell/blocks/?show=drafts"


@pytest.fixture
def resource_type(db: None) -> ResourceType:
    return ResourceTypeFactory(node_units=8)


@pytest.fixture
def answers(resource_type: ResourceType, own_site: Site) -> dict[str, dict[str, str]]:
    start = next_hour()
    return {
        "what": {"resource_type": str(resource_type.pk), "units": "16"},
        "where": {"site": str(own_site.pk)},
        "when": {
            "starts_at": f"{start:%Y-%m-%dT%H:%M}",
            "ends_at": f"{start + 6 * HOUR:%Y-%m-%dT%H:%M}",
        },
        "reserve": {"reserve": "2.4950", "floor": "", "decline_hours": ""},
    }


@pytest.fixture
def draft(membership: Membership, answers: dict[str, dict[str, str]]) -> BlockDraft:
    """All said, nothing listed."""
    said = {name: text for step in answers.values() for name, text in step.items()}
    return BlockDraft.objects.create(
        organization=membership.organization, begun_by=membership.user, said=said
    )


def step_of(draft: BlockDraft, step: str) -> str:
    return reverse("inventory:block_draft_step", args=[draft.pk, step])


def review_of(draft: BlockDraft) -> str:
    return reverse("inventory:block_draft_review", args=[draft.pk])


class TestTheWay:
    def test_leads_step_by_step_to_a_listed_block(self, seller_client: Client, answers) -> None:
        answer = seller_client.post(BEGIN, answers["what"])
        draft = BlockDraft.objects.get()
        for step in ("where", "when", "reserve"):
            assert answer.headers["Location"] == step_of(draft, step)
            answer = seller_client.post(step_of(draft, step), answers[step])
        assert answer.headers["Location"] == review_of(draft)
        page = seller_client.get(review_of(draft))
        assert "239.5200" in page.content.decode().replace(",", "")  # 16 units × 6 h × $2.4950

        answer = seller_client.post(review_of(draft), {"version": page.context["draft"].version}, follow=True)

        block = Block.objects.get()
        assert answer.redirect_chain[-1][0] == reverse("inventory:block_detail", args=[block.pk])
        assert (block.units, block.n_hours, block.reserve_ticks) == (16, 6, 24_950)
        assert "No drafts" in seller_client.get(DRAFTS).content.decode()

    def test_can_be_left_and_come_back_to(self, seller_client: Client, answers) -> None:
        seller_client.post(BEGIN, answers["what"])
        draft = BlockDraft.objects.get()

        answer = seller_client.post(
            step_of(draft, "when"), {"starts_at": YESTERDAY, "ends_at": "soon", "go": "leave"}, follow=True
        )

        assert "The draft is kept under Drafts" in answer.content.decode()
        assert step_of(draft, "where") in seller_client.get(DRAFTS).content.decode()
        page = seller_client.get(step_of(draft, "when")).content.decode()
        assert "The start has passed" not in page  # the end is no date: only what is certain is said
        assert 'value="soon"' in page
        assert f'value="{YESTERDAY}"' in page

    def test_asks_for_a_site_where_there_is_none(self, seller_client: Client, resource_type) -> None:
        seller_client.post(BEGIN, {"resource_type": resource_type.pk, "units": "8"})

        page = seller_client.get(step_of(BlockDraft.objects.get(), "where")).content.decode()

        assert "First add a site" in page

    def test_a_step_is_empty_and_silent_when_first_seen(self, seller_client: Client, answers) -> None:
        seller_client.post(BEGIN, answers["what"])

        page = seller_client.get(step_of(BlockDraft.objects.get(), "reserve"))

        assert not page.context["form"].is_bound


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("step", "field", "text", "message"),
        [
            ("what", "resource_type", "", "This field is required"),
            ("what", "units", "many", "Write a whole number of units"),
            ("what", "units", "12", "sold in whole nodes"),
            ("what", "units", "0", "List at least one unit"),
            ("where", "site", "", "This field is required"),
            ("where", "site", "999999", "Select a valid choice"),
            ("when", "starts_at", YESTERDAY, "The start has passed"),
            ("when", "starts_at", "soon", "Write a day and a time"),
            ("when", "ends_at", YESTERDAY, "The end must come after the start"),
            ("when", "ends_at", "2031-01-01T00:30", "End on a whole UTC hour"),
            ("reserve", "reserve", "free", "Write dollars, such as 2.4950"),
            ("reserve", "floor", "1", "Say over how many hours"),
            ("reserve", "decline_hours", "6", "Say which floor"),
        ],
    )
    def test_is_named_at_its_step_and_at_the_review_and_kept(
        self,
        seller_client: Client,
        draft: BlockDraft,
        answers,
        step: str,
        field: str,
        text: str,
        message: str,
    ) -> None:
        answer = seller_client.post(step_of(draft, step), answers[step] | {field: text})

        assert answer.status_code == 422
        assert message in answer.content.decode()
        draft.refresh_from_db()
        assert draft.said[field] == text
        review = seller_client.get(review_of(draft)).content.decode()
        assert message in review
        assert f'<a href="{step_of(draft, step)}">' in review
        refused = seller_client.post(review_of(draft), {"version": draft.version})
        assert refused.status_code == 422
        assert not Block.objects.exists()

    def test_nothing_is_kept_of_a_first_step_that_is_wrong(self, seller_client: Client, answers) -> None:
        answer = seller_client.post(BEGIN, answers["what"] | {"units": "12"})

        assert answer.status_code == 422
        assert 'value="12"' in answer.content.decode()
        assert not BlockDraft.objects.exists()

    def test_bytes_no_row_holds_and_texts_without_end_are_cut(
        self, seller_client: Client, draft: BlockDraft
    ) -> None:
        seller_client.post(
            step_of(draft, "what"), {"resource_type": "1\0", "units": "9" * 5000, "go": "leave"}
        )

        draft.refresh_from_db()
        assert (draft.said["resource_type"], len(draft.said["units"])) == ("1", 100)
        assert seller_client.get(DRAFTS).status_code == 200

    def test_more_drafts_than_a_seller_may_have(
        self, seller_client: Client, draft: BlockDraft, answers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(operations, "MOST_DRAFTS", 1)

        answer = seller_client.post(BEGIN, answers["what"])

        assert answer.status_code == 422
        assert "List or discard some first" in answer.content.decode()


class TestListing:
    def test_twice_lists_once(self, seller_client: Client, draft: BlockDraft) -> None:
        for _ in range(2):
            answer = seller_client.post(review_of(draft), {"version": draft.version}, follow=True)

        block = Block.objects.get()
        assert answer.redirect_chain[-1][0] == reverse("inventory:block_detail", args=[block.pk])
        assert "It was listed once" in answer.content.decode()
        back = seller_client.get(step_of(draft, "what"), follow=True)
        assert back.redirect_chain[-1][0] == reverse("inventory:block_detail", args=[block.pk])

    def test_of_what_overlaps_a_listed_block_asks_whether_it_is_another_cluster(
        self, seller_client: Client, draft: BlockDraft
    ) -> None:
        other = BlockDraft.objects.create(
            organization=draft.organization, begun_by=draft.begun_by, said=draft.said | {"units": "8"}
        )
        assert 'name="is_another"' not in seller_client.get(review_of(other)).content.decode()
        seller_client.post(review_of(draft), {"version": draft.version})

        asked = seller_client.post(review_of(other), {"version": other.version})
        page = asked.content.decode()
        assert asked.status_code == 422
        assert "is listed for" in page
        assert 'name="is_another"' in page
        assert "List the block" in page
        assert Block.objects.count() == 1

        seller_client.post(review_of(other), {"version": other.version, "is_another": "on"})
        assert sorted(Block.objects.values_list("units", flat=True)) == [8, 16]

    def test_of_exactly_a_listed_block_is_refused_with_the_box_ticked(
        self, seller_client: Client, draft: BlockDraft
    ) -> None:
        other = BlockDraft.objects.create(
            organization=draft.organization, begun_by=draft.begun_by, said=draft.said
        )
        seller_client.post(review_of(draft), {"version": draft.version})
        answer = seller_client.post(review_of(other), {"version": other.version, "is_another": "on"})
        assert answer.status_code == 422
        assert "exactly this block already" in answer.content.decode()
        assert Block.objects.count() == 1

    @pytest.mark.parametrize("version", ["7", "", "x", "-1"])
    def test_what_was_changed_elsewhere_is_shown_again(
        self, seller_client: Client, draft: BlockDraft, version: str
    ) -> None:
        answer = seller_client.post(review_of(draft), {"version": version})

        assert answer.status_code == 422
        assert "was changed since you opened this page" in answer.content.decode()
        assert not Block.objects.exists()

    def test_a_start_that_passed_meanwhile_is_refused(self, seller_client: Client, draft: BlockDraft) -> None:
        draft.said |= {"starts_at": YESTERDAY}
        draft.save()

        answer = seller_client.post(review_of(draft), {"version": draft.version})

        assert answer.status_code == 422
        assert "The start has passed" in answer.content.decode()
        assert "List the block</button>" not in answer.content.decode()

    def test_a_discarded_draft_is_gone(self, seller_client: Client, draft: BlockDraft) -> None:
        for _ in range(2):
            seller_client.post(reverse("inventory:block_draft_discard", args=[draft.pk]))

        assert seller_client.get(review_of(draft)).status_code == 404
        assert seller_client.post(step_of(draft, "what"), {}).status_code == 404

    def test_what_was_listed_is_not_discarded(self, seller_client: Client, draft: BlockDraft) -> None:
        seller_client.post(review_of(draft), {"version": draft.version})

        seller_client.post(reverse("inventory:block_draft_discard", args=[draft.pk]))

        assert Block.objects.count() == BlockDraft.objects.count() == 1


def test_other_sellers_see_nothing_of_it(draft: BlockDraft) -> None:
    stranger = MembershipFactory(organization=SellerFactory())
    client = Client()
    client.force_login(stranger.user)

    assert client.get(step_of(draft, "what")).status_code == 404
    assert client.post(review_of(draft), {"version": draft.version}).status_code == 404
    client.post(reverse("inventory:block_draft_discard", args=[draft.pk]))
    assert BlockDraft.objects.count() == 1


def test_a_step_that_does_not_exist_is_no_page(seller_client: Client, draft: BlockDraft) -> None:
    assert seller_client.get(step_of(draft, "why")).status_code == 404


def test_many_drafts_take_as_many_queries_as_one(
    seller_client: Client, draft: BlockDraft, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    seller_client.get(DRAFTS)
    with django_assert_num_queries(8):  # session, user, memberships, permission; drafts, types, sites
        seller_client.get(DRAFTS)
    for _ in range(12):
        BlockDraft.objects.create(
            organization=draft.organization, begun_by=draft.begun_by, said=draft.said | {"site": "x"}
        )
    with django_assert_num_queries(8):
        seller_client.get(DRAFTS)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_list_one_block() -> None:
    site = SiteFactory()
    member = MembershipFactory(organization=site.organization)
    draft = BlockDraft.objects.create(organization=site.organization, begun_by=member.user, said={})
    start = next_hour()
    terms = BlockTerms(site.pk, ResourceTypeFactory().pk, 8, start, start + HOUR, 10_000)

    def list_it() -> int:
        try:
            return list_draft(
                seller=site.organization,
                listed_by=member.user,
                draft_id=draft.pk,
                version_seen=0,
                terms=terms,
                is_another=False,
            ).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        ids = {future.result() for future in [threads.submit(list_it) for _ in range(2)]}

    assert ids == {Block.objects.get().pk}
