"""What a settlement's prepaid balance paid, and what each attempt asks of the card: so far, the whole amount."""

from django.db import migrations, models

FILL = """
UPDATE settlements_chargeattempt AS attempt SET amount_cents = settlement.amount_cents
    FROM settlements_settlement AS settlement WHERE settlement.id = attempt.settlement_id;
"""


class Migration(migrations.Migration):
    dependencies = [("settlements", "0007_refunds")]

    operations = [
        migrations.AddField(
            model_name="settlement",
            name="prepaid_cents",
            field=models.BigIntegerField(
                default=0, help_text="The part that the prepaid balance paid when it was drawn up."
            ),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.CheckConstraint(
                name="settlement_prepaid_within_amount",
                condition=models.Q(prepaid_cents__gte=0, prepaid_cents__lte=models.F("amount_cents")),
            ),
        ),
        migrations.AddField(
            model_name="chargeattempt",
            name="amount_cents",
            field=models.BigIntegerField(default=0, help_text="What it asks of the card."),
            preserve_default=False,
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="chargeattempt",
            constraint=models.CheckConstraint(
                name="charge_attempt_positive", condition=models.Q(amount_cents__gt=0)
            ),
        ),
    ]
