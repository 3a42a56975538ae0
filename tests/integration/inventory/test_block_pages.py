from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory.models import Block, BlockHour
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
YESTERDAY = f"{next_hour() - 24 * HOUR:%Y-%m-%dT%H:%M}"


@pytest.fixture
def answers(own_site):
    start = next_hour()
    return {
        "site": own_site.pk,
        "resource_type": ResourceTypeFactory(node_units=8).pk,
        "units": "16",
        "starts_at": f"{start:%Y-%m-%dT%H:%M}",
        "ends_at": f"{start + 6 * HOUR:%Y-%m-%dT%H:%M}",
        "reserve": "2.4950",
        "floor": "",
        "decline_hours": "",
    }


class TestCreate:
    def test_lists_the_block_and_shows_it(self, seller_client, membership, answers):
        response = seller_client.post(reverse("inventory:block_create"), answers, follow=True)

        block = Block.objects.get()
        assert response.redirect_chain == [(reverse("inventory:block_detail", args=[block.pk]), 302)]
        assert (block.units, block.reserve_ticks, block.listed_by) == (16, 24_950, membership.user)
        assert block.starts_at == next_hour()
        assert "is listed" in response.content.decode()

    @pytest.mark.parametrize(
        ("changes", "field", "message"),
        [
            ({"units": "0"}, "units", "List at least one unit."),
            ({"units": "8.5"}, "units", "Write a whole number of units."),
            ({"units": "12"}, "units", "list a multiple of 8 units"),
            ({"units": ""}, "units", "This field is required."),
            ({"starts_at": YESTERDAY}, "starts_at", "The start has passed."),
            ({"starts_at": "soon"}, "starts_at", "Write a day and a time"),
            ({"ends_at": "2020-01-01T00:00"}, "ends_at", "The end must come after the start."),
            ({"ends_at": "2100-01-01T00:00"}, "ends_at", "at most 366 days"),
            ({"reserve": "2.49501"}, "reserve", "ticks of $0.0001"),
            ({"reserve": "-1"}, "reserve", "A price cannot be negative."),
            ({"reserve": "10001"}, "reserve", "cannot exceed $10,000.0000"),
            ({"floor": "2.5", "decline_hours": "3"}, "floor", "The floor cannot lie above the reserve."),
            ({"floor": "2.4"}, "decline_hours", "over how many hours"),
            ({"decline_hours": "3"}, "floor", "which floor"),
            ({"site": "999999"}, "site", "Select a valid choice."),
        ],
    )
    def test_says_what_is_wrong_beside_the_field_and_keeps_what_was_typed(
        self, seller_client, answers, changes, field, message
    ):
        typed = answers | changes

        response = seller_client.post(reverse("inventory:block_create"), typed)

        assert response.status_code == 422
        form = response.context["form"]
        assert message in " ".join(form.errors[field])
        assert set(form.errors) == {field}
        assert {name: str(form[name].value()) for name in typed} == {
            name: str(value) for name, value in typed.items()
        }
        assert not Block.objects.exists()

    def test_names_the_time_of_a_start_that_is_no_whole_hour(self, seller_client, answers):
        odd = answers["starts_at"][:-2] + "30"

        response = seller_client.post(reverse("inventory:block_create"), answers | {"starts_at": odd})

        assert response.context["form"].errors["starts_at"] == ["Start on a whole UTC hour, such as 14:00."]

    def test_does_not_offer_or_take_the_site_of_another_seller(self, seller_client, answers):
        foreign = SiteFactory()

        response = seller_client.post(reverse("inventory:block_create"), answers | {"site": foreign.pk})

        assert response.status_code == 422
        assert foreign not in response.context["form"].fields["site"].queryset

    def test_asks_for_a_site_first(self, seller_client):
        assert "First add a site" in seller_client.get(reverse("inventory:block_create")).content.decode()

    def test_form_is_shown_with_the_catalogue(self, seller_client, answers):
        response = seller_client.get(reverse("inventory:block_create"))

        assert response.status_code == 200
        assert 'type="datetime-local"' in response.content.decode()


class TestList:
    def test_shows_own_blocks_by_state_with_their_figures(self, seller_client, own_site):
        on_sale = BlockFactory(site=own_site, units=8)
        on_sale.hours.filter(hour=on_sale.starts_at).update(sold_units=4, frozen_units=2)
        past = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=9)
        over = BlockFactory(site=own_site, starts_at=past)
        gone = BlockFactory(site=own_site, status=Block.Status.WITHDRAWN)
        BlockFactory()

        shown = {}
        for tab in ("on-sale", "ended", "withdrawn"):
            response = seller_client.get(reverse("inventory:block_list"), {"show": tab})
            shown[tab] = response.context["rows"]

        assert {tab: [block for block, _ in rows] for tab, rows in shown.items()} == {
            "on-sale": [on_sale],
            "ended": [over],
            "withdrawn": [gone],
        }
        figures = shown["on-sale"][0][1]
        assert (figures.offered, figures.sold, figures.frozen, figures.ahead) == (16, 4, 2, 10)
        assert figures.utilisation_percent == 25

    @pytest.mark.parametrize("count", [1, 12])
    def test_takes_the_same_queries_however_many(
        self, seller_client, own_site, count, django_assert_num_queries
    ):
        for _ in range(count):
            BlockFactory(site=own_site)

        # session, user, memberships, permission; drafts, page count, page, figures
        with django_assert_num_queries(9):
            seller_client.get(reverse("inventory:block_list"))

    def test_is_paged(self, seller_client, own_site, monkeypatch):
        monkeypatch.setattr("inventory.views.blocks.BLOCKS_PER_PAGE", 2)
        blocks = [BlockFactory(site=own_site) for _ in range(3)]

        response = seller_client.get(reverse("inventory:block_list"), {"page": 2})

        assert [block for block, _ in response.context["rows"]] == [blocks[0]]

    def test_an_unknown_tab_is_not_found(self, seller_client):
        assert seller_client.get(reverse("inventory:block_list"), {"show": "x"}).status_code == 404

    def test_says_so_when_empty(self, seller_client):
        assert "Nothing on sale" in seller_client.get(reverse("inventory:block_list")).content.decode()


class TestDetailAndWithdrawal:
    def test_shows_each_hour(self, seller_client, own_site, django_assert_num_queries):
        block = BlockFactory(site=own_site, floor_ticks=5_000, decline_hours=4)

        # session, user, memberships, permission; block, hours counted, figures, hours, history, names
        with django_assert_num_queries(11):
            response = seller_client.get(reverse("inventory:block_detail", args=[block.pk]))

        assert len(response.context["page"]) == 2
        assert "declining to $0.5000" in response.content.decode()

    def test_asks_before_it_withdraws_and_says_what_stays(self, seller_client, own_site):
        block = BlockFactory(site=own_site, units=8)
        BlockHour.objects.filter(block=block, hour=block.starts_at).update(sold_units=3, frozen_units=4)
        address = reverse("inventory:block_withdraw", args=[block.pk])

        asked = seller_client.get(address).content.decode()
        answer = seller_client.post(address, follow=True).content.decode()

        assert "9 unsold unit-hours" in asked
        assert "3 unit-hours are sold and stay" in asked
        assert "4 unit-hours stand in a frozen window" in asked
        assert "9 unit-hours are off the market" in answer
        block.refresh_from_db()
        assert block.status == Block.Status.WITHDRAWN

    def test_withdrawing_twice_says_so(self, seller_client, own_site):
        block = BlockFactory(site=own_site)
        address = reverse("inventory:block_withdraw", args=[block.pk])
        seller_client.post(address)

        assert "withdrawn already" in seller_client.post(address, follow=True).content.decode()

    @pytest.mark.parametrize("page", ["inventory:block_detail", "inventory:block_withdraw"])
    def test_blocks_of_others_are_not_found(self, seller_client, page):
        block = BlockFactory()

        assert seller_client.get(reverse(page, args=[block.pk])).status_code == 404
        assert seller_client.post(reverse("inventory:block_withdraw", args=[block.pk])).status_code == 404
        block.refresh_from_db()
        assert block.status == Block.Status.LISTED


PAGES = ["site_list", "site_create", "block_list", "block_create", "block_import", "block_import_template"]


class TestAccess:
    @pytest.mark.parametrize("page", PAGES)
    def test_strangers_are_sent_to_log_in(self, client, page):
        response = client.get(reverse(f"inventory:{page}"))

        assert response.status_code == 302
        assert response.url.startswith(reverse("account_login"))

    @pytest.mark.parametrize("page", PAGES)
    def test_buyers_and_viewers_may_not(self, page, membership):
        viewer = MembershipFactory(organization=membership.organization, role="viewer")
        for member in (MembershipFactory(organization=BuyerFactory()), viewer):
            client = Client()
            client.force_login(member.user)

            assert client.get(reverse(f"inventory:{page}")).status_code == 403


class TestABlockThatOverlaps:
    """One of the same type at the same site: a form sent twice, or another cluster."""

    def test_is_asked_about_at_a_box_and_keeps_what_was_typed(self, seller_client, answers):
        seller_client.post(reverse("inventory:block_create"), answers)
        answer = seller_client.post(reverse("inventory:block_create"), answers | {"units": "8"})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "is listed for" in page
        assert 'name="is_another"' in page
        assert 'value="8"' in page
        assert Block.objects.count() == 1

    def test_is_listed_where_the_box_is_ticked(self, seller_client, answers):
        seller_client.post(reverse("inventory:block_create"), answers)
        seller_client.post(reverse("inventory:block_create"), answers | {"units": "8", "is_another": "on"})
        assert Block.objects.count() == 2

    def test_sent_twice_with_the_box_ticked_is_listed_once(self, seller_client, answers):
        for _ in range(2):
            answer = seller_client.post(reverse("inventory:block_create"), answers | {"is_another": "on"})
        assert "exactly this block already" in answer.content.decode()
        assert Block.objects.count() == 1

    def test_of_another_type_or_in_other_hours_is_not_asked_about(self, seller_client, answers):
        seller_client.post(reverse("inventory:block_create"), answers)
        seller_client.post(
            reverse("inventory:block_create"),
            answers | {"resource_type": ResourceTypeFactory(node_units=8).pk},
        )
        assert Block.objects.count() == 2
