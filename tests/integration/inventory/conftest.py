"""A seller's trader, logged in."""

import pytest
from django.test import Client

from accounts.models import Membership
from inventory.models import Site
from tests.factories import MembershipFactory, SellerFactory, SiteFactory


@pytest.fixture
def membership(db) -> Membership:
    return MembershipFactory(organization=SellerFactory())


@pytest.fixture
def seller_client(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.fixture
def own_site(membership: Membership) -> Site:
    return SiteFactory(organization=membership.organization, name="Ashburn 1")
