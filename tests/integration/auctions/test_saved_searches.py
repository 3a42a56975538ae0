"""Searches of the board that a person keeps: addresses under a name, one of them what the board opens with."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import SavedView
from accounts.saved_views import MAX_VIEWS
from tests.factories import UserFactory
from tests.integration.auctions.conftest import Auction
from tests.integration.auctions.pages import Visit, visit

pytestmark = pytest.mark.django_db
SAVE, DEFAULT = reverse("auctions:search_save"), reverse("auctions:search_default")
H100 = "q=H100&region=us-east"


@pytest.fixture
def trader(auction: Auction) -> Visit:
    return visit(auction.buyer)


def save(trader: Visit, name: str = "East H100", query: str = H100) -> SavedView:
    answer = trader.client.post(SAVE, {"name": name, "query": query})
    assert answer.status_code == 302
    return SavedView.objects.get(owner=trader.user, name=name)


def remove(search: SavedView) -> str:
    return reverse("auctions:search_remove", args=[search.pk])


class TestSave:
    def test_keeps_what_the_board_knows_as_an_address(self, trader: Visit) -> None:
        answer = trader.client.post(
            SAVE, {"name": "East H100", "query": f"{H100}&csrfmiddlewaretoken=x&kind="}
        )

        search = SavedView.objects.get()
        assert (search.owner, search.place, search.query) == (trader.user, "board", H100)
        assert answer.url == f"/?{H100}"
        text = trader.client.get(answer.url).content.decode()
        assert "East H100" in text
        assert "Remove “East H100”" in text

    def test_is_offered_where_something_is_set_to_those_logged_in(self, trader: Visit) -> None:
        assert "Save this search" in trader.client.get("/?q=H100").content.decode()
        assert "Save this search" not in trader.client.get("/").content.decode()
        assert "Save this search" not in Client().get("/?q=H100").content.decode()

    @pytest.mark.parametrize(
        ("sent", "says"),
        [
            ({"name": "", "query": H100}, "This field is required."),
            ({"name": "x" * 41, "query": H100}, "at most 40 characters"),
            ({"name": "All", "query": ""}, "asks for everything"),
            ({"name": "None", "query": "region=moon"}, "asks for everything"),
        ],
    )
    def test_refuses_and_keeps_what_was_typed(self, trader: Visit, sent: dict[str, str], says: str) -> None:
        answer = trader.client.post(SAVE, sent)
        assert answer.status_code == 422
        assert says in answer.content.decode()
        assert answer.context["form"]["name"].value() == sent["name"]
        assert answer.context["form"]["query"].value() == sent["query"]
        assert not SavedView.objects.exists()

    def test_the_same_name_twice_is_told(self, trader: Visit) -> None:
        save(trader)
        answer = trader.client.post(SAVE, {"name": "East H100", "query": "q=A100"})
        assert answer.status_code == 422
        assert "already" in answer.content.decode()
        assert SavedView.objects.get().query == H100

    def test_no_more_than_a_person_can_look_over(self, trader: Visit) -> None:
        SavedView.objects.bulk_create(
            SavedView(owner=trader.user, place="board", name=str(n), query=H100) for n in range(MAX_VIEWS)
        )
        assert trader.client.post(SAVE, {"name": "One more", "query": H100}).status_code == 422

    def test_a_lost_session_leads_back_to_the_search(self) -> None:
        answer = Client().post(SAVE, {"name": "East H100", "query": H100})
        assert parse_qs(urlsplit(answer.url).query)["next"] == [f"/?{H100}"]
        assert not SavedView.objects.exists()


class TestDefault:
    def test_is_what_the_board_opens_with(self, trader: Visit) -> None:
        search = save(trader)
        assert trader.client.get("/").status_code == 200

        answer = trader.client.post(DEFAULT, {"search": search.pk})

        assert answer.url == f"/?{H100}"
        assert trader.client.get("/").url == f"/?{H100}"
        assert trader.client.get("/?show=all").status_code == 200
        assert Client().get("/").status_code == 200

    def test_is_one_and_can_be_none(self, trader: Visit) -> None:
        first, second = save(trader), save(trader, "A100", "q=A100")
        for search in (first, second):
            trader.client.post(DEFAULT, {"search": search.pk})
        assert trader.client.get("/").url == "/?q=A100"
        trader.client.post(DEFAULT)
        assert trader.client.get("/").status_code == 200
        first.refresh_from_db()
        assert not first.is_default

    def test_the_database_knows_one_only(self, trader: Visit) -> None:
        for name in ("One", "Two"):
            save(trader, name)
        with pytest.raises(IntegrityError, match="saved_view_one_default"), transaction.atomic():
            SavedView.objects.update(is_default=True)

    def test_of_others_or_nonsense_changes_nothing(self, trader: Visit) -> None:
        theirs = SavedView.objects.create(owner=UserFactory(), place="board", name="Theirs", query="q=B200")
        for named in (theirs.pk, "x", 2**62):
            trader.client.post(DEFAULT, {"search": named})
        theirs.refresh_from_db()
        assert not theirs.is_default


class TestRemove:
    def test_forgets_ones_own_only(self, trader: Visit) -> None:
        own = save(trader)
        theirs = SavedView.objects.create(owner=UserFactory(), place="board", name="Theirs", query="q=B200")
        for search in (own, theirs, own):
            assert trader.client.post(remove(search)).url == "/?show=all"
        assert list(SavedView.objects.all()) == [theirs]
        assert "Theirs" not in trader.client.get("/").content.decode()

    def test_needs_a_login(self, trader: Visit) -> None:
        search = save(trader)
        for address in (remove(search), DEFAULT):
            assert Client().post(address).status_code == 302
        assert SavedView.objects.count() == 1
