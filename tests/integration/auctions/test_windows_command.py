"""``manage.py windows``: an operator sees a held window, has it tried again, or cancels one."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from auctions.models import Window
from tests.integration.auctions.conftest import Auction

pytestmark = pytest.mark.django_db


def told(**options: object) -> str:
    out = StringIO()
    call_command("windows", stdout=out, **options)
    return out.getvalue()


class TestWindowsCommand:
    def test_lists_what_is_held_and_why(self, auction: Auction) -> None:
        Window.objects.filter(pk=auction.window.pk).update(status="closed", held_reason="not the sealed book")

        assert "HELD: not the sealed book" in told()

    def test_has_a_held_window_tried_again(self, auction: Auction) -> None:
        Window.objects.filter(pk=auction.window.pk).update(
            status="closed", held_reason="a bug, mended since", book_sha256="c0ffee"
        )

        told(retry=auction.window.pk)

        assert Window.objects.get(pk=auction.window.pk).held_reason == ""

    def test_does_not_try_one_again_that_was_not_sealed(self, auction: Auction) -> None:
        Window.objects.filter(pk=auction.window.pk).update(status="closed", held_reason="not sealed at close")

        with pytest.raises(CommandError, match="only cancelled"):
            told(retry=auction.window.pk)
        assert Window.objects.get(pk=auction.window.pk).held_reason == "not sealed at close"

    def test_cancels_with_a_reason(self, auction: Auction) -> None:
        told(cancel=auction.window.pk, reason="Power cut in Narvik")

        auction.window.refresh_from_db()
        assert (auction.window.status, auction.window.cancelled_reason) == (
            "cancelled",
            "Power cut in Narvik",
        )

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"cancel": 0, "reason": "x"}, "there is no window 0"),
            ({"cancel": 1, "reason": " "}, "say --reason"),
            ({"retry": 0}, "there is no window 0"),
        ],
    )
    def test_refuses_clearly(self, auction: Auction, options: dict[str, object], message: str) -> None:
        with pytest.raises(CommandError, match=message):
            told(**options)

    def test_refuses_what_is_over_or_not_held(self, auction: Auction) -> None:
        with pytest.raises(CommandError, match="is not held"):
            told(retry=auction.window.pk)
        told(cancel=auction.window.pk, reason="once")
        with pytest.raises(CommandError, match="cancelled cannot become cancelled"):
            told(cancel=auction.window.pk, reason="twice")
