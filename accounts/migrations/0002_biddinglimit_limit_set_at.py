from django.db import migrations, models
from django.db.models.functions import Now


def limits_were_set(apps, schema_editor):
    """A limit above zero was granted or set some time before; the time itself was not kept."""
    apps.get_model("accounts", "BiddingLimit").objects.filter(limit_cents__gt=0).update(limit_set_at=Now())


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="biddinglimit",
            name="limit_set_at",
            field=models.DateTimeField(
                blank=True, help_text="When finance, or the first card, last set the limit.", null=True
            ),
        ),
        migrations.RunPython(limits_were_set, migrations.RunPython.noop, elidable=True),
    ]
