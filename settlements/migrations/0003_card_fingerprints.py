from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now


def cards_brought_limits(apps, schema_editor):
    """Whoever has left a card before has had the starting limit, even if finance set it to zero since."""
    owners = apps.get_model("settlements", "PaymentMethod").objects.values("organization_id")
    limits = apps.get_model("accounts", "BiddingLimit").objects.filter(limit_set_at=None)
    limits.filter(organization_id__in=owners).update(limit_set_at=Now())


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_biddinglimit_limit_set_at"),
        ("settlements", "0002_ledger_guards"),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentmethod",
            name="fingerprint",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Stripe's name for the card's number: the same for whoever adds it.",
                max_length=40,
            ),
        ),
        migrations.AddField(
            model_name="paymentmethod",
            name="spent_on_limit",
            field=models.BooleanField(
                default=False, help_text="Its number brought a starting limit and brings no other."
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentmethod",
            constraint=models.UniqueConstraint(
                condition=Q(("spent_on_limit", True)),
                fields=("fingerprint",),
                name="payment_method_brings_one_limit",
            ),
        ),
        migrations.RunPython(cards_brought_limits, migrations.RunPython.noop, elidable=True),
    ]
