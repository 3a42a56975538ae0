"""A member of an organization, with a key, calling the echo API."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts.keys import new_secret, secret_sha256
from accounts.models import ApiKey, Membership
from tests.factories import BuyerFactory, MembershipFactory
from tests.integration.accounts.api import echo


@pytest.fixture(autouse=True)
def echo_api(settings) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.integration.accounts.api.echo"
    echo.work = echo.Work()
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def membership(db) -> Membership:
    return MembershipFactory(organization=BuyerFactory())


@pytest.fixture
def key_text(membership: Membership) -> str:
    drawn = new_secret()
    ApiKey.objects.create(
        organization=membership.organization,
        created_by=membership.user,
        name="Trading desk",
        prefix=drawn.prefix,
        secret_sha256=secret_sha256(drawn.secret),
    )
    return drawn.text


@pytest.fixture
def client(key_text: str) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key_text}")
    return client
