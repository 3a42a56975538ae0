"""``manage.py load_catalogue``: write today's resource types; safe to repeat."""

from typing import Any

from django.core.management.base import BaseCommand

from inventory.operations import load_catalogue


class Command(BaseCommand):
    help = "Write the catalogue of resource types; new ones are added, known ones brought up to date."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{load_catalogue()} resource types in the catalogue.")
