"""Sellers’ reliability, and filters of bids that ask for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auctions", "0012_window_seal"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="bidleg",
            name="bid_leg_filter_names_types",
        ),
        migrations.AddField(
            model_name="bidleg",
            name="filter_min_reliability_bps",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="The least reliability of the seller, basis points; empty: any.",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="bidleg",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("filter_types", []), _negated=True),
                    models.Q(
                        ("filter_fabrics", []), ("filter_min_reliability_bps", None), ("filter_regions", [])
                    ),
                    _connector="OR",
                ),
                name="bid_leg_filter_names_types",
            ),
        ),
        migrations.AddConstraint(
            model_name="bidleg",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("filter_min_reliability_bps", None),
                    models.Q(
                        ("filter_min_reliability_bps__gte", 1), ("filter_min_reliability_bps__lte", 10000)
                    ),
                    _connector="OR",
                ),
                name="bid_leg_filter_asks_a_share",
            ),
        ),
    ]
