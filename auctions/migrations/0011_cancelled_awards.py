"""An award whose buyer does not pay is cancelled, and says from which hour on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("auctions", "0010_inquiries")]

    operations = [
        migrations.AddField("award", "cancelled_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "award",
            "cancelled_from",
            models.DateTimeField(
                blank=True,
                null=True,
                help_text="First hour that was returned to sale; the award's start: all of it.",
            ),
        ),
        migrations.AddConstraint(
            "award",
            models.CheckConstraint(
                name="award_cancelled_from_an_hour_of_its_own",
                condition=models.Q(cancelled_at=None, cancelled_from=None)
                | models.Q(
                    cancelled_at__isnull=False,
                    cancelled_from__isnull=False,
                    cancelled_from__gte=models.F("starts_at"),
                    cancelled_from__lt=models.F("ends_at"),
                ),
            ),
        ),
    ]
