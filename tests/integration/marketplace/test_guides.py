"""The guides: one text for repository and product, with pictures that are there, and small."""

import re

import pytest
from django.test import Client

from marketplace.guides import FOLDER, PICTURES, ROLES, guide_of

MOST_PICTURE_BYTES = 2_000_000


@pytest.mark.parametrize("role", ROLES)
class TestGuide:
    def test_is_a_page_with_its_pictures(self, role: str, db: None) -> None:
        client = Client()

        page = client.get(f"/guides/{role}/").content.decode()

        assert guide_of(role).title in page
        pictures = re.findall(r'<img src="([^"]+)" alt="([^"]+)"', page)
        assert len(pictures) == (FOLDER / f"{role}.md").read_text().count("![")
        for address, words in pictures:
            answer = client.get(address)
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
            assert len(words) > 10

    def test_begins_with_a_title_and_a_sentence(self, role: str) -> None:
        guide = guide_of(role)

        assert guide.title
        assert guide.lede
        assert "#" not in guide.title + guide.lede
        assert not guide.html.startswith("<h1")


def test_every_picture_is_shown_somewhere_and_all_are_small() -> None:
    pictures = list(PICTURES.glob("*.webp"))
    texts = "".join(path.read_text() for path in [*FOLDER.glob("*.md"), FOLDER.parent.parent / "README.md"])

    assert [path.name for path in pictures if path.name not in texts] == []
    assert sum(path.stat().st_size for path in pictures) < MOST_PICTURE_BYTES


@pytest.mark.parametrize(
    "address", ["/guides/kings/", "/guides/images/none.webp", "/guides/images/..%2Fbuying.md"]
)
def test_there_are_no_others(address: str, db: None) -> None:
    assert Client().get(address).status_code == 404


def test_the_list_has_all_of_them(db: None) -> None:
    page = Client().get("/guides/").content.decode()

    assert [role for role in ROLES if f"/guides/{role}/" not in page] == []
