"""The audit trail: triggers write down every change of an audited row, with who or what was at work (acting.py).

What is recorded stands for good: triggers refuse its change and its removal. accounts/trail.py reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pghistory
import pgtrigger
from django.apps.registry import Apps
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform

BASELINE = "baseline"
"""The label of what a row said when its trail began, for rows that are older than the trail."""
BOOKKEEPING = "pgh_"
"""How the names of the columns begin that an event has beside those of its row."""
NEVER_TRUNCATED = "never_truncated"

M = TypeVar("M", bound=models.Model)


def audited(
    *, fields: Sequence[str] | None = None, exclude: Sequence[str] = ()
) -> Callable[[type[M]], type[M]]:
    """Record every insert, update and delete of a model's rows, of ``fields`` or of all but ``exclude``.

    A change of nothing else is not recorded. Leave out secrets, and what changes with every bid or every call.
    """

    def track(model: type[M]) -> type[M]:
        name = model._meta.model_name
        pghistory.track(
            pghistory.InsertEvent(),
            pghistory.UpdateEvent(),
            pghistory.DeleteEvent(),
            fields=None if fields is None else list(fields),
            exclude=list(exclude),
            context_id_field=None,  # type: ignore[arg-type]  # None is documented: no such column
            model_name=f"{model.__name__}Event",
            attrs={"pgh_id": models.BigAutoField(primary_key=True)},
            meta={
                "triggers": [
                    pgtrigger.Trigger(
                        name=NEVER_TRUNCATED,
                        when=pgtrigger.Before,
                        operation=pgtrigger.Truncate,
                        level=pgtrigger.Statement,
                        func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    )
                ],
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name=f"{name}_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name=f"{name}_ev_time"),
                    models.Index(
                        KeyTextTransform("user", "pgh_context"),
                        F("pgh_created_at"),
                        name=f"{name}_ev_person",
                        condition=Q(pgh_context__has_key="user"),
                    ),
                ],
            },
        )(model)
        return model

    return track


def record_baseline(app_label: str, *names: str) -> Callable[[Apps, BaseDatabaseSchemaEditor], None]:
    """Return a migration's step that records what each row of the named models says now."""

    def record(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        for name in names:
            event = apps.get_model(app_label, f"{name}Event")
            tracked = apps.get_model(app_label, name)
            columns = [field.column for field in event._meta.fields if not field.name.startswith(BOOKKEEPING)]
            quoted = ", ".join(editor.quote_name(column) for column in columns)
            pk = tracked._meta.pk
            assert pk is not None
            editor.execute(
                f"INSERT INTO {editor.quote_name(event._meta.db_table)}"  # noqa: S608  # names of our own models
                f" ({quoted}, pgh_created_at, pgh_label, pgh_obj_id)"
                f" SELECT {quoted}, clock_timestamp(), '{BASELINE}', {editor.quote_name(pk.column)}"
                f" FROM {editor.quote_name(tracked._meta.db_table)}"
            )

    return record
