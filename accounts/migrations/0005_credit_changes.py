"""Every change of a credit line: who, when, why, from what to what. The database keeps what was decided."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

KEEP = """
CREATE FUNCTION accounts_keep_decided_credit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'proposed' THEN
        RAISE EXCEPTION 'a change of credit is kept as it was decided: % is refused', TG_OP
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'credit_change_kept';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER credit_change_kept BEFORE UPDATE OR DELETE ON accounts_creditchange
    FOR EACH ROW EXECUTE FUNCTION accounts_keep_decided_credit();
"""
FORGET = """
DROP TRIGGER credit_change_kept ON accounts_creditchange;
DROP FUNCTION accounts_keep_decided_credit();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_credit_and_prepaid"),
    ]

    operations = [
        migrations.CreateModel(
            name="CreditChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("before_cents", models.BigIntegerField()),
                ("after_cents", models.BigIntegerField()),
                ("reason", models.CharField(max_length=300)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Waits for a second person"),
                            ("in_force", "Set"),
                            ("refused", "Refused"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("needs_second", models.BooleanField(default=False)),
                ("proposed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_changes",
                        to="accounts.organization",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "-id"], name="credit_change_by_org")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("after_cents__gte", 0), ("before_cents__gte", 0)),
                        name="credit_change_amounts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="credit_change_has_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "in_force"), _negated=True),
                            ("needs_second", False),
                            models.Q(
                                ("decided_by__isnull", False),
                                ("proposed_by__isnull", False),
                                models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="credit_change_four_eyes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status", "proposed"), ("decided_at__isnull", False), _connector="OR"
                        ),
                        name="credit_change_decided_when",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "proposed")),
                        fields=("organization",),
                        name="credit_change_one_open",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
