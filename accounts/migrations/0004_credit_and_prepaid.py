"""The limit becomes what is prepaid plus what finance gives on credit; each change of the credit is kept for good."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_biddinglimit_suspended_reason")]

    operations = [
        migrations.RemoveConstraint(model_name="biddinglimit", name="limit_not_negative"),
        migrations.RenameField(model_name="biddinglimit", old_name="limit_cents", new_name="credit_cents"),
        migrations.AddConstraint(
            model_name="biddinglimit",
            constraint=models.CheckConstraint(
                name="credit_not_negative", condition=models.Q(credit_cents__gte=0)
            ),
        ),
        migrations.AddField(
            model_name="biddinglimit",
            name="prepaid_cents",
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddConstraint(
            model_name="biddinglimit",
            constraint=models.CheckConstraint(
                name="prepaid_not_negative", condition=models.Q(prepaid_cents__gte=0)
            ),
        ),
        migrations.AddField(
            model_name="biddinglimit",
            name="limit_cents",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.expressions.CombinedExpression(
                    models.F("credit_cents"), "+", models.F("prepaid_cents")
                ),
                output_field=models.BigIntegerField(),
            ),
        ),
        migrations.AlterField(
            model_name="biddinglimit",
            name="limit_set_at",
            field=models.DateTimeField(
                blank=True, help_text="When finance, or the first card, last set the credit.", null=True
            ),
        ),
    ]
