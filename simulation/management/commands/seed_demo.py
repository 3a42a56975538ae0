"""``manage.py seed_demo``: the people, organizations, sites and markets of the demo."""

from typing import Any

from django.core.management.base import BaseCommand

from marketplace.acting import acts_as
from simulation.seed import seed_demo


class Command(BaseCommand):
    help = "Seed the demo's people, organizations, sites and markets; running it again changes nothing."

    @acts_as(command="seed_demo")
    def handle(self, *args: Any, **options: Any) -> None:
        seed_demo()
