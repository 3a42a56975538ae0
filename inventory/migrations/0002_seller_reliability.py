"""Sellers’ reliability, and filters of bids that ask for it."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_credit_changes"),
        ("inventory", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SellerReliability",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="reliability",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                ("n_deliveries", models.PositiveIntegerField(default=0)),
                ("due_unit_minutes", models.BigIntegerField(default=0)),
                ("lost_unit_minutes", models.BigIntegerField(default=0)),
                ("n_missed", models.PositiveIntegerField(default=0)),
                ("n_outages", models.PositiveIntegerField(default=0)),
                ("score_bps", models.PositiveIntegerField(blank=True, null=True)),
                ("counted_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [models.Index(fields=["counted_at"], name="reliability_by_age")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("due_unit_minutes__gte", models.F("lost_unit_minutes")),
                            ("lost_unit_minutes__gte", 0),
                        ),
                        name="reliability_lost_within_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("score_bps", None), ("score_bps__lte", 10000), _connector="OR"),
                        name="reliability_score_is_a_share",
                    ),
                ],
            },
        ),
    ]
