"""Deliveries, also of what was settled before there were any: what had begun by then is taken as handed over."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

BACKFILL = """
INSERT INTO settlements_delivery (line_id, buyer_id, seller_id, starts_at, ends_at, status, due_at, handed_over_at)
SELECT line.id, settlement.organization_id, line.seller_id, line.starts_at, line.ends_at,
       CASE WHEN settlement.status NOT IN ('paid', 'carried') THEN 'awaiting_payment'
            WHEN line.starts_at <= now() THEN 'running' ELSE 'handover_due' END,
       CASE WHEN settlement.status IN ('paid', 'carried') THEN line.starts_at END,
       CASE WHEN settlement.status IN ('paid', 'carried') AND line.starts_at <= now() THEN line.starts_at END
  FROM settlements_settlementline line
  JOIN settlements_settlement settlement ON settlement.id = line.settlement_id;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_biddinglimit_suspended_reason"),
        ("settlements", "0008_prepaid_part_and_attempt_amount"),
    ]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("awaiting_payment", "Waits for payment"),
                            ("handover_due", "Hand-over due"),
                            ("ready", "Handed over"),
                            ("running", "Running"),
                            ("delivered", "Delivered"),
                            ("missed", "Hand-over missed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="awaiting_payment",
                        max_length=16,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, help_text="When the hand-over is due: once paid.", null=True
                    ),
                ),
                (
                    "handed_over_at",
                    models.DateTimeField(blank=True, help_text="When it was first handed over.", null=True),
                ),
                ("missed_at", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries_bought",
                        to="accounts.organization",
                    ),
                ),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="delivery",
                        to="settlements.settlementline",
                    ),
                ),
                (
                    "seller",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries_sold",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["delivered", "cancelled"]), _negated=True),
                        fields=["status", "starts_at"],
                        name="delivery_live",
                    ),
                    models.Index(fields=["seller", "-starts_at", "-id"], name="delivery_by_seller"),
                    models.Index(fields=["buyer", "-starts_at", "-id"], name="delivery_by_buyer"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="delivery_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("due_at", None), ("status", "awaiting_payment")),
                            ("status", "cancelled"),
                            models.Q(
                                models.Q(("status", "awaiting_payment"), _negated=True),
                                ("due_at__gte", models.F("starts_at")),
                                ("due_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="delivery_due_once_paid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["ready", "running"]), _negated=True),
                            ("handed_over_at__isnull", False),
                            _connector="OR",
                        ),
                        name="delivery_runs_once_handed_over",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("delivered_at__isnull", False), ("status", "delivered")),
                            models.Q(
                                models.Q(("status", "delivered"), _negated=True), ("delivered_at", None)
                            ),
                            _connector="OR",
                        ),
                        name="delivery_delivered_when",
                    ),
                ],
            },
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
    ]
