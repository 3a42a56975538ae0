"""``manage.py reseal_handovers``: after a change of HANDOVER_KEYS, encrypt with the first what they seal: what was
handed over, and the secrets of webhooks."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from marketplace.acting import acts_as
from notifications.operations.endpoints import reseal_secrets
from settlements.operations.handovers import reseal_handovers
from settlements.vault import Unreadable


class Command(BaseCommand):
    help = "Encrypt what was handed over and webhooks' secrets anew, with the first of HANDOVER_KEYS."

    @acts_as(command="reseal_handovers")
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            n_resealed = reseal_handovers() + reseal_secrets()
        except (Unreadable, InvalidToken) as unreadable:
            raise CommandError(f"{unreadable}: nothing was changed. Add the missing key.") from unreadable
        self.stdout.write(f"{n_resealed} encrypted with the first key.")
