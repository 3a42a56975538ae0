"""``manage.py windows``: what is under way, what is held and why; cancel one, or have a held one tried again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auctions.models import Window
from auctions.operations.windows import NotSealed, cancel_window, retry_held_window
from marketplace.acting import acts_as
from marketplace.states import IllegalTransition


class Command(BaseCommand):
    help = "List uncleared windows. Cancel one with --cancel ID --reason TEXT; try a held one again with --retry ID."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cancel", type=int, metavar="ID")
        parser.add_argument("--reason", default="", help="Why, as buyers and sellers will read it.")
        parser.add_argument("--retry", type=int, metavar="ID")

    @acts_as(command="windows")
    def handle(self, *args: Any, **options: Any) -> None:
        if options["cancel"] is not None:
            self._cancel(options["cancel"], options["reason"].strip())
        elif options["retry"] is not None:
            self._retry(options["retry"])
        else:
            self._list()

    def _cancel(self, window_id: int, reason: str) -> None:
        if not reason:
            raise CommandError("say --reason: buyers and sellers will read it")
        try:
            cancel_window(window_id=window_id, reason=reason)
        except Window.DoesNotExist:
            raise CommandError(f"there is no window {window_id}") from None
        except IllegalTransition as refused:
            raise CommandError(f"window {window_id}: {refused}") from None
        self.stdout.write(f"window {window_id} is cancelled; every bid, hold and unit in it is released")

    def _retry(self, window_id: int) -> None:
        try:
            was_held = retry_held_window(window_id=window_id)
        except Window.DoesNotExist:
            raise CommandError(f"there is no window {window_id}") from None
        except NotSealed as reason:
            raise CommandError(str(reason)) from None
        if not was_held:
            raise CommandError(f"window {window_id} is not held")
        self.stdout.write(f"window {window_id} will be tried again within a second")

    def _list(self) -> None:
        windows = Window.objects.filter(status__in=Window.UNCLEARED).select_related("market")
        for window in windows.order_by("closes_at", "id"):
            held = f"  HELD: {window.held_reason}" if window.held_reason else ""
            closes = f"closes {window.closes_at:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{window.pk:>6}  {window.status:<9}  {closes}  {window.market}{held}")
