"""What Stripe moved, what does not tie, and closed months, into which the ledger takes nothing any more."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

INSTALL = """
CREATE FUNCTION ledger_refuse_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    open_from timestamptz;
BEGIN
    SELECT (max(first_day) + interval '1 month') AT TIME ZONE 'UTC' INTO open_from FROM settlements_closedperiod;
    IF NEW.posted_at < open_from THEN
        RAISE EXCEPTION 'the books are closed before %: nothing is posted at %', open_from, NEW.posted_at
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_period_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_period_open BEFORE INSERT ON settlements_transaction
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_closed_period();
CREATE TRIGGER closed_period_stays BEFORE UPDATE OR DELETE ON settlements_closedperiod
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_never_truncated BEFORE TRUNCATE ON settlements_closedperiod
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER movement_stays BEFORE UPDATE OR DELETE ON settlements_balancemovement
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_never_truncated BEFORE TRUNCATE ON settlements_balancemovement
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
"""
REMOVE = """
DROP TRIGGER ledger_never_truncated ON settlements_balancemovement;
DROP TRIGGER movement_stays ON settlements_balancemovement;
DROP TRIGGER ledger_never_truncated ON settlements_closedperiod;
DROP TRIGGER closed_period_stays ON settlements_closedperiod;
DROP TRIGGER ledger_period_open ON settlements_transaction;
DROP FUNCTION ledger_refuse_closed_period();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("settlements", "0020_prepayments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BalanceMovement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("type", models.CharField(max_length=40)),
                ("source_id", models.CharField(blank=True, max_length=80)),
                ("amount_cents", models.BigIntegerField()),
                ("fee_cents", models.BigIntegerField()),
                ("net_cents", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("created_at", models.DateTimeField()),
                ("available_at", models.DateTimeField()),
                ("imported_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [
                    models.Index(fields=["source_id"], name="movement_by_source"),
                    models.Index(fields=["created_at"], name="movement_by_time"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "net_cents",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("amount_cents"), "-", models.F("fee_cents")
                                ),
                            )
                        ),
                        name="movement_net_is_amount_less_fee",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClosedPeriod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_day", models.DateField(unique=True)),
                ("closed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("n_transactions", models.BigIntegerField()),
                ("n_movements", models.BigIntegerField()),
                (
                    "closed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("first_day__day", 1)), name="period_begins_a_month"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Mismatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("window_not_settled", "Window cleared, not settled"),
                            ("awards_differ", "Awards and settlements differ"),
                            ("lines_differ", "Lines do not add up"),
                            ("not_booked", "Settlement not in the ledger"),
                            ("receivable_differs", "Owed and state disagree"),
                            ("movement_not_booked", "At Stripe, not in the ledger"),
                            ("booked_not_moved", "In the ledger, not at Stripe"),
                            ("net_differs", "Amount differs from Stripe’s"),
                            ("fee_differs", "Fee differs from Stripe’s"),
                            ("currency_differs", "Moved in another currency"),
                            ("payout_differs", "Payout and its movements differ"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        help_text="What it is about, such as window:12 or ch_….", max_length=100
                    ),
                ),
                ("detail", models.CharField(max_length=300)),
                ("ours_cents", models.BigIntegerField(blank=True, null=True)),
                ("theirs_cents", models.BigIntegerField(blank=True, null=True)),
                (
                    "happened_at",
                    models.DateTimeField(
                        help_text="When what it is about happened: the day it is reconciled under."
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open_mismatch", "Open"), ("tied", "Ties now"), ("accepted", "Accepted")],
                        default="open_mismatch",
                        max_length=16,
                    ),
                ),
                ("found_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "owner",
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
                "indexes": [
                    models.Index(fields=["status", "happened_at"], name="mismatch_by_status"),
                    models.Index(fields=["happened_at"], name="mismatch_by_day"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "open_mismatch")),
                        fields=("kind", "subject"),
                        name="mismatch_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "accepted"), _negated=True),
                            models.Q(("ended_by__isnull", False), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="mismatch_accepted_by_somebody_for_a_reason",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="bankpayout",
            name="tied_at",
            field=models.DateTimeField(
                blank=True, null=True, help_text="When it was compared with the movements it holds."
            ),
        ),
        migrations.RunSQL(INSTALL, REMOVE),
    ]
