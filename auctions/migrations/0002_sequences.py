"""Two counters that no row lock guards: the order of bids in time, and the revision of indicative prices."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("auctions", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE auctions_bid_order; CREATE SEQUENCE auctions_indication_order;",
            "DROP SEQUENCE auctions_bid_order; DROP SEQUENCE auctions_indication_order;",
        ),
    ]
