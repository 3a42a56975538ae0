import pytest
from django.urls import reverse

from inventory.models import Site
from tests.factories import BlockFactory, SiteFactory

pytestmark = pytest.mark.django_db
ANSWERS = {"name": "Ashburn 1", "region": "us-east", "fabric": "infiniband", "power_kw": "1200"}


class TestCreate:
    def test_makes_the_site_and_goes_on_to_list_a_block(self, seller_client, membership):
        response = seller_client.post(reverse("inventory:site_create"), ANSWERS)

        site = Site.objects.get()
        assert response.url == reverse("inventory:block_create")
        assert (site.organization, site.name, site.power_kw) == (membership.organization, "Ashburn 1", 1200)

    def test_refuses_a_second_site_of_the_name(self, seller_client, own_site):
        response = seller_client.post(reverse("inventory:site_create"), ANSWERS)

        assert response.status_code == 422
        assert "already" in response.context["form"].errors["name"][0]

    def test_two_sellers_may_use_the_same_name(self, seller_client):
        SiteFactory(name="Ashburn 1")

        assert seller_client.post(reverse("inventory:site_create"), ANSWERS).status_code == 302

    @pytest.mark.parametrize(
        ("field", "value"),
        [("name", ""), ("name", "x" * 81), ("region", "moon"), ("fabric", "string"), ("power_kw", "0")],
    )
    def test_names_the_field_that_is_wrong(self, seller_client, field, value):
        response = seller_client.post(reverse("inventory:site_create"), ANSWERS | {field: value})

        assert response.status_code == 422
        assert set(response.context["form"].errors) == {field}


class TestList:
    @pytest.mark.parametrize("count", [1, 5])
    def test_shows_own_sites_in_the_same_queries_however_many(
        self, seller_client, membership, count, django_assert_num_queries
    ):
        sites = [SiteFactory(organization=membership.organization) for _ in range(count)]
        BlockFactory(site=sites[0])
        BlockFactory()

        # session, user, memberships, permission; sites
        with django_assert_num_queries(5):
            response = seller_client.get(reverse("inventory:site_list"))

        assert {site.pk: site.n_listed for site in response.context["sites"]} == {
            site.pk: int(site == sites[0]) for site in sites
        }

    def test_says_so_when_empty(self, seller_client):
        assert "No sites yet" in seller_client.get(reverse("inventory:site_list")).content.decode()
