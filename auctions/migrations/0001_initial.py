"""Markets, windows, bids, and what clearing them gave."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.fields.json
import django.db.models.functions.datetime
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import auctions.models.bids
import auctions.models.markets


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("inventory", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Market",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=60)),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Order on the board; the nearest delivery first."
                    ),
                ),
                ("cadence", models.DurationField(help_text="From one window's opening to the next one's.")),
                ("lead_from", models.DurationField(help_text="From closing to the earliest delivery hour.")),
                (
                    "lead_to",
                    models.DurationField(help_text="From closing to the end of the last delivery hour."),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("paused", "Paused")], default="active", max_length=10
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("lead_to__gt", models.F("lead_from"))),
                        name="market_leads_in_order",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MarketEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("slug", models.SlugField(db_index=False, max_length=40)),
                ("name", models.CharField(max_length=60)),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Order on the board; the nearest delivery first."
                    ),
                ),
                ("cadence", models.DurationField(help_text="From one window's opening to the next one's.")),
                ("lead_from", models.DurationField(help_text="From closing to the earliest delivery hour.")),
                (
                    "lead_to",
                    models.DurationField(help_text="From closing to the end of the last delivery hour."),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("paused", "Paused")], default="active", max_length=10
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auctions.market",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="market_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="market_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="market_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StandingOrder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "request_key",
                    models.UUIDField(
                        help_text="Names the submission, so that a repeated one orders nothing more.",
                        null=True,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Bidding"),
                            ("paused", "Paused"),
                            ("fulfilled", "Fulfilled"),
                            ("exhausted", "Budget used"),
                            ("expired", "Deadline passed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                (
                    "revision",
                    models.PositiveIntegerField(
                        default=1, help_text="Grows with every change of what it asks for."
                    ),
                ),
                (
                    "resource_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="Any of these types will do.",
                        size=None,
                    ),
                ),
                (
                    "regions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("us-east", "US East"),
                                ("us-central", "US Central"),
                                ("us-west", "US West"),
                                ("ca-east", "Canada East"),
                                ("eu-north", "EU North"),
                                ("eu-west", "EU West"),
                                ("eu-south", "EU South"),
                                ("me-central", "Middle East"),
                                ("ap-south", "India"),
                                ("ap-southeast", "Singapore"),
                                ("ap-northeast", "Japan"),
                                ("sa-east", "Brazil"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=list,
                        help_text="None means any.",
                        size=None,
                    ),
                ),
                (
                    "fabrics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("infiniband", "InfiniBand"), ("roce", "RoCE"), ("none", "None")],
                            max_length=12,
                        ),
                        blank=True,
                        default=list,
                        help_text="None means any.",
                        size=None,
                    ),
                ),
                (
                    "min_reliability_bps",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="The least reliability of the seller, basis points; empty: any.",
                        null=True,
                    ),
                ),
                ("goal_unit_hours", models.PositiveBigIntegerField()),
                (
                    "min_hours",
                    models.PositiveIntegerField(
                        default=1, help_text="The shortest run of hours worth having."
                    ),
                ),
                ("price_ticks", models.BigIntegerField(help_text="At most, ticks per unit-hour.")),
                ("budget_cents", models.BigIntegerField()),
                ("deadline_at", models.DateTimeField(help_text="Every hour it buys ends by then.")),
                ("told", models.CharField(blank=True, max_length=300)),
                ("looked_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "market",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every market.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="auctions.market",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="standing_orders",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "-id"], name="standing_order_by_organization"),
                    models.Index(
                        condition=models.Q(("status__in", ["active", "paused", "exhausted"])),
                        fields=["looked_at", "id"],
                        name="standing_order_live",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "request_key"), name="standing_order_once_per_submission"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("budget_cents__gte", 1),
                            ("goal_unit_hours__gte", 1),
                            ("min_hours__gte", 1),
                            ("price_ticks__gte", 1),
                            models.Q(("resource_types", []), _negated=True),
                        ),
                        name="standing_order_asks_for_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", False),
                                ("status__in", ["fulfilled", "expired", "cancelled"]),
                            ),
                            models.Q(
                                models.Q(
                                    ("status__in", ["fulfilled", "expired", "cancelled"]), _negated=True
                                ),
                                ("ended_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="standing_order_ended_iff_over",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("min_reliability_bps", None),
                            models.Q(("min_reliability_bps__gte", 1), ("min_reliability_bps__lte", 10000)),
                            _connector="OR",
                        ),
                        name="standing_order_reliability_is_a_share",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Window",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("opens_at", models.DateTimeField()),
                ("freezes_at", models.DateTimeField()),
                ("closes_at", models.DateTimeField()),
                ("delivery_from", models.DateTimeField()),
                ("delivery_to", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("open", "Open"),
                            ("frozen", "Frozen"),
                            ("closed", "Closed"),
                            ("cleared", "Cleared"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="scheduled",
                        max_length=10,
                    ),
                ),
                (
                    "board_revision",
                    models.BigIntegerField(default=0, help_text="Grows whenever a lot joins or leaves."),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("cleared_at", models.DateTimeField(blank=True, null=True)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                ("cancelled_reason", models.CharField(blank=True, max_length=200)),
                ("held_reason", models.CharField(blank=True, max_length=500)),
                (
                    "pseudonym_key",
                    models.CharField(
                        default=auctions.models.markets.new_pseudonym_key, editable=False, max_length=64
                    ),
                ),
                (
                    "bids_root",
                    models.CharField(
                        blank=True,
                        help_text="Merkle root over the bids' receipts, published at close.",
                        max_length=64,
                    ),
                ),
                (
                    "book_sha256",
                    models.CharField(blank=True, help_text="Of the book, published at close.", max_length=64),
                ),
                (
                    "seal",
                    models.CharField(
                        blank=True,
                        help_text="One hash over root and book, published at close.",
                        max_length=64,
                    ),
                ),
                ("engine_version", models.CharField(blank=True, max_length=20)),
                (
                    "clearing_status",
                    models.CharField(blank=True, help_text="optimal, or bounded with a gap", max_length=10),
                ),
                (
                    "clearing_gap",
                    models.FloatField(
                        blank=True,
                        help_text="Proven relative distance to the best surplus, where bounded.",
                        null=True,
                    ),
                ),
                ("surplus_ticks", models.BigIntegerField(blank=True, null=True)),
                ("revenue_ticks", models.BigIntegerField(blank=True, null=True)),
                (
                    "market",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="windows",
                        to="auctions.market",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["scheduled", "open", "frozen", "closed"])),
                        fields=["closes_at", "id"],
                        name="window_uncleared_by_close",
                    ),
                    models.Index(fields=["market", "-closes_at"], name="window_by_market_and_close"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("market", "opens_at"), name="window_once_per_market_and_opening"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closes_at__gt", models.F("freezes_at")),
                            ("freezes_at__gt", models.F("opens_at")),
                        ),
                        name="window_phases_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("delivery_from__gte", models.F("closes_at")),
                            ("delivery_to__gt", models.F("delivery_from")),
                        ),
                        name="window_delivery_after_close",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "cleared"), _negated=True),
                            models.Q(
                                ("cleared_at__isnull", False),
                                ("revenue_ticks__isnull", False),
                                ("surplus_ticks__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="window_cleared_with_its_figures",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductPrice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "region",
                    models.CharField(
                        choices=[
                            ("us-east", "US East"),
                            ("us-central", "US Central"),
                            ("us-west", "US West"),
                            ("ca-east", "Canada East"),
                            ("eu-north", "EU North"),
                            ("eu-west", "EU West"),
                            ("eu-south", "EU South"),
                            ("me-central", "Middle East"),
                            ("ap-south", "India"),
                            ("ap-southeast", "Singapore"),
                            ("ap-northeast", "Japan"),
                            ("sa-east", "Brazil"),
                        ],
                        max_length=20,
                    ),
                ),
                ("paid_ticks", models.BigIntegerField(blank=True, null=True)),
                ("sold_unit_hours", models.BigIntegerField()),
                ("offered_unit_hours", models.BigIntegerField()),
                (
                    "resource_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.resourcetype",
                    ),
                ),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="product_prices",
                        to="auctions.window",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["resource_type", "region", "-window"], name="product_price_history")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("window", "resource_type", "region"), name="product_price_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("paid_ticks", None), ("sold_unit_hours", 0)),
                            models.Q(("paid_ticks__isnull", False), ("sold_unit_hours__gt", 0)),
                            _connector="OR",
                        ),
                        name="product_price_iff_sold",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("payment_ticks", models.BigIntegerField()),
                ("vcg_ticks", models.BigIntegerField()),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="accounts.organization",
                    ),
                ),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="auctions.window",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("window", "organization"), name="receipt_once_per_window")
                ],
            },
        ),
        migrations.CreateModel(
            name="StandingOrderEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Bidding"),
                            ("paused", "Paused"),
                            ("fulfilled", "Fulfilled"),
                            ("exhausted", "Budget used"),
                            ("expired", "Deadline passed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                (
                    "revision",
                    models.PositiveIntegerField(
                        default=1, help_text="Grows with every change of what it asks for."
                    ),
                ),
                (
                    "resource_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="Any of these types will do.",
                        size=None,
                    ),
                ),
                (
                    "regions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("us-east", "US East"),
                                ("us-central", "US Central"),
                                ("us-west", "US West"),
                                ("ca-east", "Canada East"),
                                ("eu-north", "EU North"),
                                ("eu-west", "EU West"),
                                ("eu-south", "EU South"),
                                ("me-central", "Middle East"),
                                ("ap-south", "India"),
                                ("ap-southeast", "Singapore"),
                                ("ap-northeast", "Japan"),
                                ("sa-east", "Brazil"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=list,
                        help_text="None means any.",
                        size=None,
                    ),
                ),
                (
                    "fabrics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("infiniband", "InfiniBand"), ("roce", "RoCE"), ("none", "None")],
                            max_length=12,
                        ),
                        blank=True,
                        default=list,
                        help_text="None means any.",
                        size=None,
                    ),
                ),
                (
                    "min_reliability_bps",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="The least reliability of the seller, basis points; empty: any.",
                        null=True,
                    ),
                ),
                ("goal_unit_hours", models.PositiveBigIntegerField()),
                (
                    "min_hours",
                    models.PositiveIntegerField(
                        default=1, help_text="The shortest run of hours worth having."
                    ),
                ),
                ("price_ticks", models.BigIntegerField(help_text="At most, ticks per unit-hour.")),
                ("budget_cents", models.BigIntegerField()),
                ("deadline_at", models.DateTimeField(help_text="Every hour it buys ends by then.")),
                ("told", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "market",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Empty: every market.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auctions.market",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auctions.standingorder",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="standingorder_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="standingorder_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="standingorder_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WindowEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("opens_at", models.DateTimeField()),
                ("freezes_at", models.DateTimeField()),
                ("closes_at", models.DateTimeField()),
                ("delivery_from", models.DateTimeField()),
                ("delivery_to", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("open", "Open"),
                            ("frozen", "Frozen"),
                            ("closed", "Closed"),
                            ("cleared", "Cleared"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="scheduled",
                        max_length=10,
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("cleared_at", models.DateTimeField(blank=True, null=True)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                ("cancelled_reason", models.CharField(blank=True, max_length=200)),
                ("held_reason", models.CharField(blank=True, max_length=500)),
                (
                    "bids_root",
                    models.CharField(
                        blank=True,
                        help_text="Merkle root over the bids' receipts, published at close.",
                        max_length=64,
                    ),
                ),
                (
                    "book_sha256",
                    models.CharField(blank=True, help_text="Of the book, published at close.", max_length=64),
                ),
                (
                    "seal",
                    models.CharField(
                        blank=True,
                        help_text="One hash over root and book, published at close.",
                        max_length=64,
                    ),
                ),
                ("engine_version", models.CharField(blank=True, max_length=20)),
                (
                    "clearing_status",
                    models.CharField(blank=True, help_text="optimal, or bounded with a gap", max_length=10),
                ),
                (
                    "clearing_gap",
                    models.FloatField(
                        blank=True,
                        help_text="Proven relative distance to the best surplus, where bounded.",
                        null=True,
                    ),
                ),
                ("surplus_ticks", models.BigIntegerField(blank=True, null=True)),
                ("revenue_ticks", models.BigIntegerField(blank=True, null=True)),
                (
                    "market",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auctions.market",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auctions.window",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="window_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="window_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="window_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Bid",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sequence", models.BigIntegerField(unique=True)),
                (
                    "request_key",
                    models.UUIDField(
                        help_text="Names the submission, so that a repeated one places nothing.", null=True
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("placed", "In the book"),
                            ("cancelled", "Cancelled"),
                            ("won", "Won"),
                            ("part_won", "Partly won"),
                            ("lost", "Lost"),
                            ("released", "Released"),
                        ],
                        default="placed",
                        max_length=10,
                    ),
                ),
                (
                    "nonce",
                    models.CharField(default=auctions.models.bids.new_nonce, editable=False, max_length=64),
                ),
                ("receipt_sha256", models.CharField(blank=True, editable=False, max_length=64)),
                ("max_ticks", models.BigIntegerField()),
                (
                    "share_ppm",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Of what the engine can clear in one window, millionths; 0 for a plain bid.",
                    ),
                ),
                ("hold_cents", models.BigIntegerField()),
                ("placed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "loss_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("below_reserve", "Below the reserve"),
                            ("outbid", "Outbid"),
                            ("cannot_fit", "Could not fit"),
                            ("lost_to_own_option", "Lost to an option of its own bid"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "minimum_to_win_ticks",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Ticks per unit-hour for priced options, else the value.",
                        null=True,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bids",
                        to="accounts.organization",
                    ),
                ),
                (
                    "placed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "standing_order",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bids",
                        to="auctions.standingorder",
                    ),
                ),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bids", to="auctions.window"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "placed")),
                        fields=["window", "sequence"],
                        name="bid_placed_by_window",
                    ),
                    models.Index(fields=["organization", "-id"], name="bid_by_organization"),
                    models.Index(
                        condition=models.Q(("standing_order__isnull", False)),
                        fields=["standing_order", "id"],
                        name="bid_by_standing_order",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "request_key"), name="bid_once_per_submission"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "placed")),
                        fields=("standing_order", "window"),
                        name="standing_order_one_open_bid_per_window",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("hold_cents__gte", 0)), name="bid_hold_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status", "lost"), ("loss_reason", ""), _connector="OR"),
                        name="bid_loss_has_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "placed"), _negated=True),
                            models.Q(("receipt_sha256", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="bid_sealed_while_in_the_book",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Indication",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "region",
                    models.CharField(
                        choices=[
                            ("us-east", "US East"),
                            ("us-central", "US Central"),
                            ("us-west", "US West"),
                            ("ca-east", "Canada East"),
                            ("eu-north", "EU North"),
                            ("eu-west", "EU West"),
                            ("eu-south", "EU South"),
                            ("me-central", "Middle East"),
                            ("ap-south", "India"),
                            ("ap-southeast", "Singapore"),
                            ("ap-northeast", "Japan"),
                            ("sa-east", "Brazil"),
                        ],
                        max_length=20,
                    ),
                ),
                ("paid_ticks", models.BigIntegerField(blank=True, null=True)),
                ("entry_ticks", models.BigIntegerField(blank=True, null=True)),
                ("offered_units", models.PositiveIntegerField()),
                ("n_lots", models.PositiveIntegerField()),
                ("is_estimate", models.BooleanField(default=False)),
                ("revision", models.BigIntegerField(help_text="Grows with every update of any row.")),
                ("computed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "resource_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.resourcetype",
                    ),
                ),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="indications",
                        to="auctions.window",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["revision"], name="indication_by_revision")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("window", "resource_type", "region"), name="indication_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Lot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("reserve_ticks", models.BigIntegerField(help_text="Ticks per unit-hour.")),
                (
                    "capacity_units",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), blank=True, null=True, size=None
                    ),
                ),
                ("on_offer", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "block",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lots", to="inventory.block"
                    ),
                ),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lots", to="auctions.window"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="lot_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reserve_ticks__gte", 0)), name="lot_reserve_not_negative"
                    ),
                    models.UniqueConstraint(
                        fields=("window", "block", "starts_at"), name="lot_once_per_window"
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("on_offer", True)),
                        expressions=[
                            (
                                models.Func(
                                    models.F("block_id"),
                                    models.F("block_id"),
                                    models.Value("[]"),
                                    function="int8range",
                                ),
                                "&&",
                            ),
                            (
                                models.Func(models.F("starts_at"), models.F("ends_at"), function="tstzrange"),
                                "&&",
                            ),
                        ],
                        name="lot_hour_on_offer_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WindowRecord",
            fields=[
                (
                    "window",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="record",
                        serialize=False,
                        to="auctions.window",
                    ),
                ),
                ("book_gzip", models.BinaryField()),
                ("clearing_gzip", models.BinaryField()),
                ("clearing_sha256", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="BidOption",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    models.PositiveSmallIntegerField(help_text="From 0, in the order the buyer prefers."),
                ),
                ("price_ticks", models.BigIntegerField(blank=True, null=True)),
                ("value_ticks", models.BigIntegerField(blank=True, null=True)),
                (
                    "bid",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="options", to="auctions.bid"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("bid", "number"), name="bid_option_numbered_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("price_ticks__gte", 0), ("price_ticks__isnull", False), ("value_ticks", None)
                            ),
                            models.Q(
                                ("price_ticks", None), ("value_ticks__gte", 0), ("value_ticks__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="bid_option_price_or_value",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Inquiry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("asked", "Being worked out"),
                            ("answered", "Answered"),
                            ("failed", "Failed"),
                        ],
                        default="asked",
                        max_length=10,
                    ),
                ),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("answer", models.JSONField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "bid",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="inquiry", to="auctions.bid"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "inquiries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "asked")), fields=["asked_at"], name="inquiry_waiting"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answer__isnull", False),
                                ("answered_at__isnull", False),
                                ("status", "answered"),
                            ),
                            models.Q(
                                models.Q(("status", "answered"), _negated=True), ("answer__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="inquiry_answered_with_its_answer",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LotPrice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("paid_ticks", models.BigIntegerField()),
                ("marginal_ticks", models.BigIntegerField()),
                ("sold_units", models.PositiveIntegerField()),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="prices", to="auctions.lot"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("lot", "hour"), name="lot_price_once_per_hour")
                ],
            },
        ),
        migrations.CreateModel(
            name="LotReceipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("units", models.PositiveIntegerField()),
                ("amount_ticks", models.BigIntegerField()),
                ("displaced", models.JSONField()),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="auctions.lot"
                    ),
                ),
                (
                    "receipt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lots",
                        to="auctions.receipt",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("receipt", "lot"), name="lot_receipt_once")],
            },
        ),
        migrations.CreateModel(
            name="BidLeg",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("units", models.PositiveIntegerField()),
                ("min_units", models.PositiveIntegerField()),
                ("earliest_at", models.DateTimeField()),
                ("latest_at", models.DateTimeField()),
                ("hours", models.PositiveIntegerField()),
                (
                    "filter_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        blank=True,
                        default=list,
                        help_text="Resource types; none where it names lots.",
                        size=None,
                    ),
                ),
                (
                    "filter_regions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("us-east", "US East"),
                                ("us-central", "US Central"),
                                ("us-west", "US West"),
                                ("ca-east", "Canada East"),
                                ("eu-north", "EU North"),
                                ("eu-west", "EU West"),
                                ("eu-south", "EU South"),
                                ("me-central", "Middle East"),
                                ("ap-south", "India"),
                                ("ap-southeast", "Singapore"),
                                ("ap-northeast", "Japan"),
                                ("sa-east", "Brazil"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=list,
                        help_text="None means any.",
                        size=None,
                    ),
                ),
                (
                    "filter_fabrics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("infiniband", "InfiniBand"), ("roce", "RoCE"), ("none", "None")],
                            max_length=12,
                        ),
                        blank=True,
                        default=list,
                        help_text="None means any.",
                        size=None,
                    ),
                ),
                (
                    "filter_min_reliability_bps",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="The least reliability of the seller, basis points; empty: any.",
                        null=True,
                    ),
                ),
                (
                    "option",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="legs",
                        to="auctions.bidoption",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("option", "number"), name="bid_leg_numbered_once"),
                    models.CheckConstraint(
                        condition=models.Q(("min_units__gte", 1), ("units__gte", models.F("min_units"))),
                        name="bid_leg_units_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("hours__gte", 1), ("latest_at__gt", models.F("earliest_at"))),
                        name="bid_leg_hours_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("filter_types", []), _negated=True),
                            models.Q(
                                ("filter_fabrics", []),
                                ("filter_min_reliability_bps", None),
                                ("filter_regions", []),
                            ),
                            _connector="OR",
                        ),
                        name="bid_leg_filter_names_types",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("filter_min_reliability_bps", None),
                            models.Q(
                                ("filter_min_reliability_bps__gte", 1),
                                ("filter_min_reliability_bps__lte", 10000),
                            ),
                            _connector="OR",
                        ),
                        name="bid_leg_filter_asks_a_share",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BidLegLot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "leg",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="named_lots",
                        to="auctions.bidleg",
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="auctions.lot"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("leg", "lot"), name="bid_leg_lot_once"),
                    models.UniqueConstraint(fields=("leg", "position"), name="bid_leg_lot_position_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Award",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("units", models.PositiveIntegerField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("value_ticks", models.BigIntegerField()),
                ("reserve_cost_ticks", models.BigIntegerField()),
                ("amount_ticks", models.BigIntegerField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "cancelled_from",
                    models.DateTimeField(
                        blank=True,
                        help_text="First hour that was returned to sale; the award's start: all of it.",
                        null=True,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="awards",
                        to="accounts.organization",
                    ),
                ),
                (
                    "bid",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="awards", to="auctions.bid"
                    ),
                ),
                (
                    "leg",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="award",
                        to="auctions.bidleg",
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="awards", to="auctions.lot"
                    ),
                ),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="awards",
                        to="auctions.window",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "-id"], name="award_by_organization")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cancelled_at", None), ("cancelled_from", None)),
                            models.Q(
                                ("cancelled_at__isnull", False),
                                ("cancelled_from__gte", models.F("starts_at")),
                                ("cancelled_from__isnull", False),
                                ("cancelled_from__lt", models.F("ends_at")),
                            ),
                            _connector="OR",
                        ),
                        name="award_cancelled_from_an_hour_of_its_own",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("units__gte", 1)), name="award_units_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="award_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_ticks__lte", models.F("value_ticks"))),
                        name="award_never_above_its_bid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_ticks__gte", models.F("reserve_cost_ticks"))),
                        name="award_never_below_the_reserve",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="market",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "auctions_marketevent" ("cadence", "id", "lead_from", "lead_to", "name", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "slug", "status") VALUES (NEW."cadence", NEW."id", NEW."lead_from", NEW."lead_to", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."position", NEW."slug", NEW."status"); RETURN NULL;',
                    hash="0fcdc0f67512ff4c29138f28870d86ba5b57e165",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_987fd",
                    table="auctions_market",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="market",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "auctions_marketevent" ("cadence", "id", "lead_from", "lead_to", "name", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "slug", "status") VALUES (NEW."cadence", NEW."id", NEW."lead_from", NEW."lead_to", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."position", NEW."slug", NEW."status"); RETURN NULL;',
                    hash="781b3b176c7672ef88813e3e0849b432ea98e855",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_4ac4d",
                    table="auctions_market",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="market",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "auctions_marketevent" ("cadence", "id", "lead_from", "lead_to", "name", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "slug", "status") VALUES (OLD."cadence", OLD."id", OLD."lead_from", OLD."lead_to", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."position", OLD."slug", OLD."status"); RETURN NULL;',
                    hash="f6bbb5fbdc54214d6c7d6b99bc2788439f12dd2e",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d7986",
                    table="auctions_market",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="marketevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="4abd3a91df283664683b88b36942e7d7af485c0c",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_ef6a7",
                    table="auctions_marketevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="marketevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c3f51afe09a46cf026eb9c1c513286738c956dbc",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_9c6cd",
                    table="auctions_marketevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="standingorder",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "auctions_standingorderevent" ("budget_cents", "created_at", "created_by_id", "deadline_at", "ended_at", "fabrics", "goal_unit_hours", "id", "market_id", "min_hours", "min_reliability_bps", "organization_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_ticks", "regions", "resource_types", "revision", "status", "told") VALUES (NEW."budget_cents", NEW."created_at", NEW."created_by_id", NEW."deadline_at", NEW."ended_at", NEW."fabrics", NEW."goal_unit_hours", NEW."id", NEW."market_id", NEW."min_hours", NEW."min_reliability_bps", NEW."organization_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."price_ticks", NEW."regions", NEW."resource_types", NEW."revision", NEW."status", NEW."told"); RETURN NULL;',
                    hash="701994ccafb87cf527a79591ffe63aa5553d6168",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_385c3",
                    table="auctions_standingorder",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="standingorder",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."budget_cents" IS DISTINCT FROM (NEW."budget_cents") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."deadline_at" IS DISTINCT FROM (NEW."deadline_at") OR OLD."ended_at" IS DISTINCT FROM (NEW."ended_at") OR OLD."fabrics" IS DISTINCT FROM (NEW."fabrics") OR OLD."goal_unit_hours" IS DISTINCT FROM (NEW."goal_unit_hours") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."market_id" IS DISTINCT FROM (NEW."market_id") OR OLD."min_hours" IS DISTINCT FROM (NEW."min_hours") OR OLD."min_reliability_bps" IS DISTINCT FROM (NEW."min_reliability_bps") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."price_ticks" IS DISTINCT FROM (NEW."price_ticks") OR OLD."regions" IS DISTINCT FROM (NEW."regions") OR OLD."resource_types" IS DISTINCT FROM (NEW."resource_types") OR OLD."revision" IS DISTINCT FROM (NEW."revision") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."told" IS DISTINCT FROM (NEW."told"))',
                    func='INSERT INTO "auctions_standingorderevent" ("budget_cents", "created_at", "created_by_id", "deadline_at", "ended_at", "fabrics", "goal_unit_hours", "id", "market_id", "min_hours", "min_reliability_bps", "organization_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_ticks", "regions", "resource_types", "revision", "status", "told") VALUES (NEW."budget_cents", NEW."created_at", NEW."created_by_id", NEW."deadline_at", NEW."ended_at", NEW."fabrics", NEW."goal_unit_hours", NEW."id", NEW."market_id", NEW."min_hours", NEW."min_reliability_bps", NEW."organization_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."price_ticks", NEW."regions", NEW."resource_types", NEW."revision", NEW."status", NEW."told"); RETURN NULL;',
                    hash="713020bc2811e8352780acd221f1ba9cd00862c7",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_933e2",
                    table="auctions_standingorder",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="standingorder",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "auctions_standingorderevent" ("budget_cents", "created_at", "created_by_id", "deadline_at", "ended_at", "fabrics", "goal_unit_hours", "id", "market_id", "min_hours", "min_reliability_bps", "organization_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_ticks", "regions", "resource_types", "revision", "status", "told") VALUES (OLD."budget_cents", OLD."created_at", OLD."created_by_id", OLD."deadline_at", OLD."ended_at", OLD."fabrics", OLD."goal_unit_hours", OLD."id", OLD."market_id", OLD."min_hours", OLD."min_reliability_bps", OLD."organization_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."price_ticks", OLD."regions", OLD."resource_types", OLD."revision", OLD."status", OLD."told"); RETURN NULL;',
                    hash="d4ddb8ca2cf460297d4dab412f7759b095bcd436",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f7e02",
                    table="auctions_standingorder",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="standingorderevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="53f5536ec9ca75b1be5a865ca27bf4bf28ac45df",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_84387",
                    table="auctions_standingorderevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="standingorderevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="17045e47c05d17ebaaf6f359a24d7b409c3f737d",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_0fe90",
                    table="auctions_standingorderevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="window",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "auctions_windowevent" ("bids_root", "book_sha256", "cancelled_at", "cancelled_reason", "cleared_at", "clearing_gap", "clearing_status", "closed_at", "closes_at", "delivery_from", "delivery_to", "engine_version", "freezes_at", "held_reason", "id", "market_id", "opens_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "revenue_ticks", "seal", "status", "surplus_ticks") VALUES (NEW."bids_root", NEW."book_sha256", NEW."cancelled_at", NEW."cancelled_reason", NEW."cleared_at", NEW."clearing_gap", NEW."clearing_status", NEW."closed_at", NEW."closes_at", NEW."delivery_from", NEW."delivery_to", NEW."engine_version", NEW."freezes_at", NEW."held_reason", NEW."id", NEW."market_id", NEW."opens_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."revenue_ticks", NEW."seal", NEW."status", NEW."surplus_ticks"); RETURN NULL;',
                    hash="ec80afcd681e13bf16eb7a2d1a7a44c637479c14",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_82af9",
                    table="auctions_window",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="window",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."bids_root" IS DISTINCT FROM (NEW."bids_root") OR OLD."book_sha256" IS DISTINCT FROM (NEW."book_sha256") OR OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."cancelled_reason" IS DISTINCT FROM (NEW."cancelled_reason") OR OLD."cleared_at" IS DISTINCT FROM (NEW."cleared_at") OR OLD."clearing_gap" IS DISTINCT FROM (NEW."clearing_gap") OR OLD."clearing_status" IS DISTINCT FROM (NEW."clearing_status") OR OLD."closed_at" IS DISTINCT FROM (NEW."closed_at") OR OLD."closes_at" IS DISTINCT FROM (NEW."closes_at") OR OLD."delivery_from" IS DISTINCT FROM (NEW."delivery_from") OR OLD."delivery_to" IS DISTINCT FROM (NEW."delivery_to") OR OLD."engine_version" IS DISTINCT FROM (NEW."engine_version") OR OLD."freezes_at" IS DISTINCT FROM (NEW."freezes_at") OR OLD."held_reason" IS DISTINCT FROM (NEW."held_reason") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."market_id" IS DISTINCT FROM (NEW."market_id") OR OLD."opens_at" IS DISTINCT FROM (NEW."opens_at") OR OLD."revenue_ticks" IS DISTINCT FROM (NEW."revenue_ticks") OR OLD."seal" IS DISTINCT FROM (NEW."seal") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."surplus_ticks" IS DISTINCT FROM (NEW."surplus_ticks"))',
                    func='INSERT INTO "auctions_windowevent" ("bids_root", "book_sha256", "cancelled_at", "cancelled_reason", "cleared_at", "clearing_gap", "clearing_status", "closed_at", "closes_at", "delivery_from", "delivery_to", "engine_version", "freezes_at", "held_reason", "id", "market_id", "opens_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "revenue_ticks", "seal", "status", "surplus_ticks") VALUES (NEW."bids_root", NEW."book_sha256", NEW."cancelled_at", NEW."cancelled_reason", NEW."cleared_at", NEW."clearing_gap", NEW."clearing_status", NEW."closed_at", NEW."closes_at", NEW."delivery_from", NEW."delivery_to", NEW."engine_version", NEW."freezes_at", NEW."held_reason", NEW."id", NEW."market_id", NEW."opens_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."revenue_ticks", NEW."seal", NEW."status", NEW."surplus_ticks"); RETURN NULL;',
                    hash="45e6107895a3a9921922865c8f04d00cd49268f6",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_0c7a9",
                    table="auctions_window",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="window",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "auctions_windowevent" ("bids_root", "book_sha256", "cancelled_at", "cancelled_reason", "cleared_at", "clearing_gap", "clearing_status", "closed_at", "closes_at", "delivery_from", "delivery_to", "engine_version", "freezes_at", "held_reason", "id", "market_id", "opens_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "revenue_ticks", "seal", "status", "surplus_ticks") VALUES (OLD."bids_root", OLD."book_sha256", OLD."cancelled_at", OLD."cancelled_reason", OLD."cleared_at", OLD."clearing_gap", OLD."clearing_status", OLD."closed_at", OLD."closes_at", OLD."delivery_from", OLD."delivery_to", OLD."engine_version", OLD."freezes_at", OLD."held_reason", OLD."id", OLD."market_id", OLD."opens_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."revenue_ticks", OLD."seal", OLD."status", OLD."surplus_ticks"); RETURN NULL;',
                    hash="3b00b80e19471d9ace65cf5b0b3a425cba542697",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_88a41",
                    table="auctions_window",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="windowevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="906f41e0a468a482fbddd7b7564c54d671743085",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_8901b",
                    table="auctions_windowevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="windowevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c91422f1c7133cfc99a2444d07a951e67e53d664",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_5f16c",
                    table="auctions_windowevent",
                    when="BEFORE",
                ),
            ),
        ),
    ]
