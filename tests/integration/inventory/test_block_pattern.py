"""Listing a recurring period: review, then all of its blocks or none."""

import threading
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.urls import reverse

from inventory.models import Block, BlockHour
from inventory.operations import BlockRefused, list_pattern
from inventory.terms import Pattern, PatternTerms
from marketplace.hours import HOUR
from tests.factories import BlockFactory, MembershipFactory, ResourceTypeFactory, SellerFactory, SiteFactory

pytestmark = pytest.mark.django_db
URL = "/sell/blocks/recurring/"
FIRST = datetime.now(UTC).date() + timedelta(days=2)


@pytest.fixture
def answers(own_site):
    return {
        "site": own_site.pk,
        "resource_type": ResourceTypeFactory(node_units=8).pk,
        "units": "16",
        "weekdays": [str(day) for day in range(7)],
        "from_hour": "22",
        "to_hour": "6",
        "first_day": f"{FIRST}",
        "last_day": f"{FIRST + timedelta(days=9)}",
        "reserve": "2.4950",
        "floor": "",
        "decline_hours": "",
    }


class TestReview:
    def test_counts_blocks_and_hours_and_lists_nothing(self, seller_client, answers):
        response = seller_client.post(URL, answers)

        assert response.status_code == 200
        figures = response.context["figures"]
        assert (figures.n_blocks, figures.n_hours, figures.unit_hours) == (10, 80, 1_280)
        assert figures.reserve_cost_ticks == 1_280 * 24_950
        assert "List 10 blocks?" in response.content.decode()
        assert not Block.objects.exists()

    def test_goes_back_to_the_form_with_all_that_was_typed(self, seller_client, answers):
        response = seller_client.post(URL, answers | {"step": "change"})

        assert response.status_code == 200
        form = response.context["form"]
        assert {name: form[name].value() for name in answers if name != "site"} == {
            name: value if name == "weekdays" else str(value)
            for name, value in answers.items()
            if name != "site"
        }

    @pytest.mark.parametrize(
        ("changes", "field", "message"),
        [
            ({"weekdays": []}, "weekdays", "Choose at least one weekday."),
            ({"weekdays": ["7"]}, "weekdays", "Select a valid choice."),
            ({"from_hour": "24"}, "from_hour", "Select a valid choice."),
            ({"first_day": "soon"}, "first_day", "Enter a valid date."),
            ({"first_day": "2020-01-01", "last_day": "2020-02-01"}, "first_day", "which has passed"),
            ({"last_day": "2020-01-01"}, "last_day", "must not come before the first"),
            ({"last_day": "2100-01-01"}, "last_day", "at most 366 days"),
            ({"units": "12"}, "units", "list a multiple of 8 units"),
            ({"reserve": "cheap"}, "reserve", "is not a price"),
            ({"floor": "2.5", "decline_hours": "3"}, "floor", "cannot lie above the reserve"),
            ({"site": "999999"}, "site", "Select a valid choice."),
        ],
    )
    @pytest.mark.parametrize("step", ["review", "confirm"])
    def test_says_what_is_wrong_beside_the_field(self, seller_client, answers, changes, field, message, step):
        response = seller_client.post(URL, answers | changes | {"step": step})

        assert response.status_code == 422
        errors = response.context["form"].errors
        assert set(errors) == {field}
        assert message in " ".join(errors[field])
        assert not Block.objects.exists()


class TestConfirm:
    def test_lists_every_period_and_says_so(self, seller_client, membership, answers):
        response = seller_client.post(URL, answers | {"step": "confirm"}, follow=True)

        assert response.redirect_chain == [(reverse("inventory:block_list"), 302)]
        assert "10 blocks are listed." in response.content.decode()
        blocks = list(Block.objects.order_by("starts_at"))
        assert [block.starts_at.date() for block in blocks] == [FIRST + timedelta(days=n) for n in range(10)]
        assert {(block.starts_at.hour, block.n_hours, block.units) for block in blocks} == {(22, 8, 16)}
        assert blocks[0].listed_by == membership.user
        assert BlockHour.objects.count() == 80

    def test_twice_lists_once_and_names_what_is_listed(self, seller_client, answers):
        seller_client.post(URL, answers | {"step": "confirm"})

        response = seller_client.post(URL, answers | {"step": "confirm"})

        assert response.status_code == 422
        assert Block.objects.count() == 10
        errors = response.context["form"].non_field_errors()
        assert f"Block {Block.objects.order_by('starts_at')[0].pk}, 16 ×" in errors[0]

    def test_refuses_overlaps_of_the_same_type_at_the_same_site_only(self, seller_client, own_site, answers):
        start = datetime.combine(FIRST, time(20), tzinfo=UTC)
        near = {"starts_at": start, "ends_at": start + 3 * HOUR, "resource_type_id": answers["resource_type"]}
        BlockFactory(site=own_site, **near | {"resource_type_id": ResourceTypeFactory().pk})
        BlockFactory(site=SiteFactory(organization=own_site.organization), **near)
        BlockFactory(site=own_site, status=Block.Status.WITHDRAWN, **near)
        BlockFactory(site=own_site, **near | {"ends_at": start + 2 * HOUR})
        assert seller_client.post(URL, answers).status_code == 200

        clash = BlockFactory(site=own_site, **near)

        response = seller_client.post(URL, answers)
        assert response.status_code == 422
        [error] = response.context["form"].non_field_errors()
        assert error.startswith(f"Block {clash.pk}, ")

    def test_names_ten_overlaps_and_counts_the_rest(self, seller_client, answers):
        longer = answers | {"last_day": f"{FIRST + timedelta(days=13)}"}
        seller_client.post(URL, longer | {"step": "confirm"})

        errors = seller_client.post(URL, longer).context["form"].non_field_errors()

        assert len(errors) == 11
        assert errors[-1] == "4 more of your listed blocks overlap too."


@pytest.mark.django_db(transaction=True)
def test_two_at_once_list_once() -> None:
    membership = MembershipFactory(organization=SellerFactory())
    site = SiteFactory(organization=membership.organization)
    terms = PatternTerms(
        site_id=site.pk,
        resource_type_id=ResourceTypeFactory().pk,
        units=8,
        pattern=Pattern(frozenset(range(7)), 22, 6, FIRST, FIRST + timedelta(days=30)),
        reserve_ticks=10_000,
    )
    together, refused = threading.Barrier(2), []

    def confirm() -> None:
        together.wait()
        try:
            list_pattern(seller=membership.organization, listed_by=membership.user, terms=terms)
        except BlockRefused as said:
            refused.append(said)
        finally:
            connection.close()

    threads = [threading.Thread(target=confirm) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert Block.objects.count() == 31
