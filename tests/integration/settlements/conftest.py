"""Jobs left waiting by an earlier test are no business of the next: procrastinate's tables are not flushed."""

import pytest
from django.db import connection

from accounts.models import User
from tests.factories import UserFactory


@pytest.fixture(autouse=True)
def no_jobs_waiting(request: pytest.FixtureRequest) -> None:
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("transactional_db")
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")


@pytest.fixture
def person() -> User:
    """Somebody of finance."""
    return UserFactory(is_finance=True)
