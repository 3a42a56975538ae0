from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_biddinglimit_limit_set_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="biddinglimit",
            name="suspended_reason",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Why nothing new may be held, for people; empty: it may.",
                max_length=300,
            ),
        ),
    ]
