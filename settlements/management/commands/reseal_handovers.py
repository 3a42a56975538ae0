"""``manage.py reseal_handovers``: after a change of HANDOVER_KEYS, encrypt all that was handed over with the first."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.acting import acts_as
from settlements.operations.handovers import reseal_handovers
from settlements.vault import Unreadable


class Command(BaseCommand):
    help = "Encrypt everything that was handed over anew, with the first of HANDOVER_KEYS."

    @acts_as(command="reseal_handovers")
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            n_resealed = reseal_handovers()
        except Unreadable as unreadable:
            raise CommandError(f"{unreadable}: nothing was changed. Add the missing key.") from unreadable
        self.stdout.write(f"{n_resealed} encrypted with the first key.")
