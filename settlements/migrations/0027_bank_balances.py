"""Our balance at Stripe day by day, pending and available apart, and what each payout to our bank holds."""

import django.db.models.deletion
from django.db import migrations, models

COUNT_DAYS = """
INSERT INTO settlements_balanceday (day, n_movements, moved_cents, booked_pending_cents, booked_available_cents)
    SELECT day, sum(n), sum(moved), sum(pending), sum(available)
      FROM (SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n, sum(net_cents) AS moved,
                   0 AS pending, 0 AS available
              FROM settlements_balancemovement GROUP BY 1
            UNION ALL
            SELECT (t.posted_at AT TIME ZONE 'UTC')::date, 0, 0,
                   coalesce(sum(e.amount_cents) FILTER (WHERE a.kind = 'stripe_pending'), 0),
                   coalesce(sum(e.amount_cents) FILTER (WHERE a.kind = 'stripe_available'), 0)
              FROM settlements_transaction t
              JOIN settlements_entry e ON e.transaction_id = t.id
              JOIN settlements_account a ON a.id = e.account_id
             WHERE a.kind IN ('stripe_pending', 'stripe_available') GROUP BY 1) parts
     GROUP BY day;
-- Compared anew, so that what each holds is kept.
UPDATE settlements_bankpayout SET tied_at = NULL WHERE tied_at IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("settlements", "0026_prepaid_returns"),
    ]

    operations = [
        migrations.CreateModel(
            name="BalanceDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(unique=True)),
                ("n_movements", models.BigIntegerField(default=0)),
                ("moved_cents", models.BigIntegerField(default=0, help_text="Net, as Stripe told it.")),
                ("booked_pending_cents", models.BigIntegerField(default=0)),
                ("booked_available_cents", models.BigIntegerField(default=0)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("stripe_pending_cents", models.BigIntegerField(blank=True, null=True)),
                ("stripe_available_cents", models.BigIntegerField(blank=True, null=True)),
                ("ledger_pending_cents", models.BigIntegerField(blank=True, null=True)),
                ("ledger_available_cents", models.BigIntegerField(blank=True, null=True)),
                ("pending_untied_since", models.DateTimeField(blank=True, null=True)),
                ("available_untied_since", models.DateTimeField(blank=True, null=True)),
                (
                    "all_looked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the last weeks were looked over for mismatches.",
                        null=True,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PayoutMovement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="bankpayout",
            name="held_cents",
            field=models.BigIntegerField(blank=True, help_text="Net of these.", null=True),
        ),
        migrations.AddField(
            model_name="bankpayout",
            name="n_held",
            field=models.BigIntegerField(
                blank=True, help_text="Movements that Stripe says it holds.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="mismatch",
            name="kind",
            field=models.CharField(
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
                    ("availability_differs", "Pending and available differ"),
                    ("payout_differs", "Payout and its movements differ"),
                    ("balance_differs", "Balance differs from Stripe’s"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="mismatchevent",
            name="kind",
            field=models.CharField(
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
                    ("availability_differs", "Pending and available differ"),
                    ("payout_differs", "Payout and its movements differ"),
                    ("balance_differs", "Balance differs from Stripe’s"),
                ],
                max_length=24,
            ),
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(fields=["posted_at"], name="transaction_by_time"),
        ),
        migrations.AddConstraint(
            model_name="balanceday",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ledger_available_cents", None),
                        ("ledger_pending_cents", None),
                        ("read_at", None),
                        ("stripe_available_cents", None),
                        ("stripe_pending_cents", None),
                    ),
                    models.Q(
                        ("ledger_available_cents__isnull", False),
                        ("ledger_pending_cents__isnull", False),
                        ("read_at__isnull", False),
                        ("stripe_available_cents__isnull", False),
                        ("stripe_pending_cents__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="balance_day_read_whole",
            ),
        ),
        migrations.AddField(
            model_name="payoutmovement",
            name="movement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="paid_out_by",
                to="settlements.balancemovement",
            ),
        ),
        migrations.AddField(
            model_name="payoutmovement",
            name="payout",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="holds", to="settlements.bankpayout"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutmovement",
            constraint=models.UniqueConstraint(
                fields=("payout", "movement"), name="payout_holds_a_movement_once"
            ),
        ),
        migrations.RunSQL(COUNT_DAYS, migrations.RunSQL.noop),
    ]
