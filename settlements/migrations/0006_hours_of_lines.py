"""A line says which hours it pays for, so that a lease's award can have a line for every month."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
UPDATE settlements_settlementline line SET starts_at = award.starts_at, ends_at = award.ends_at
  FROM auctions_award award WHERE award.id = line.award_id;
"""


class Migration(migrations.Migration):
    dependencies = [("auctions", "0011_cancelled_awards"), ("settlements", "0005_finance_desk")]

    operations = [
        migrations.AddField("settlementline", "starts_at", models.DateTimeField(null=True)),
        migrations.AddField("settlementline", "ends_at", models.DateTimeField(null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            "settlementline",
            "starts_at",
            models.DateTimeField(help_text="First hour that this line pays for."),
        ),
        migrations.AlterField("settlementline", "ends_at", models.DateTimeField()),
        migrations.AlterField(
            "settlementline",
            "award",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="settlement_lines",
                to="auctions.award",
            ),
        ),
        migrations.AddConstraint(
            "settlementline",
            models.UniqueConstraint(fields=("award", "starts_at"), name="settlement_line_pays_an_hour_once"),
        ),
        migrations.AddConstraint(
            "settlementline",
            models.CheckConstraint(
                name="settlement_line_ends_after_it_starts",
                condition=models.Q(ends_at__gt=models.F("starts_at")),
            ),
        ),
    ]
