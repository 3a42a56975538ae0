"""``manage.py state_diagrams``: draw docs/states.md from the state tables that the code runs on."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model

from marketplace.states import Transitions

PAGE = settings.BASE_DIR / "docs" / "states.md"
HEAD = """# States

Drawn by `manage.py state_diagrams` from each model's `TRANSITIONS` table: the same table the operations and the tests
read. Change the table, then run `make fix`.
"""


class Command(BaseCommand):
    help = (
        "Draw docs/states.md from the models' state tables; with --check, only say whether it is up to date."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        models = sorted(
            (model for model in apps.get_models() if hasattr(model, "TRANSITIONS")),
            key=lambda model: model._meta.label,
        )
        page = HEAD + "".join(_section(model) for model in models)
        if not options["check"]:
            PAGE.write_text(page)
        elif not PAGE.exists() or PAGE.read_text() != page:
            raise CommandError("docs/states.md does not match the state tables: run `make fix`.")


def _section(model: type[Model]) -> str:
    table = model.TRANSITIONS  # type: ignore[attr-defined]
    lines = [f"    [*] --> {_first_state(model, table)}"]
    lines += [f"    {source} --> {target}" for source, targets in table.items() for target in sorted(targets)]
    lines += [f"    {state} --> [*]" for state, targets in table.items() if not targets]
    name = str(model._meta.verbose_name).capitalize()
    summary = (model.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")
    return "\n".join([f"\n## {name}\n", summary, "", "```mermaid", "stateDiagram-v2", *lines, "```", ""])


def _first_state(model: type[Model], table: Transitions) -> str:
    """Return what a new row starts in: the default of the field whose choices are the table's states."""
    fields = (
        field for field in model._meta.fields if {value for value, _ in field.flatchoices} == set(table)
    )
    return str(next(fields).default)
