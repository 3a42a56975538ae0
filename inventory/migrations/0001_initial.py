"""Sites, blocks and lots of capacity."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.fields.json
import django.db.models.functions.datetime
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ResourceType",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=60, unique=True)),
                ("name", models.CharField(max_length=80, unique=True)),
                (
                    "kind",
                    models.CharField(choices=[("gpu", "GPU"), ("model", "Model throughput")], max_length=5),
                ),
                ("maker", models.CharField(max_length=60)),
                ("memory_gib", models.PositiveIntegerField(blank=True, help_text="Per GPU.", null=True)),
                (
                    "node_units",
                    models.PositiveIntegerField(
                        default=1, help_text="Units in one node: what is sold together."
                    ),
                ),
                (
                    "power_watts",
                    models.PositiveIntegerField(blank=True, help_text="Per unit, at full load.", null=True),
                ),
                (
                    "posted_price_ticks",
                    models.BigIntegerField(
                        blank=True,
                        help_text="On-demand price elsewhere, ticks per unit-hour: an anchor, not a quote.",
                        null=True,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["gpu", "model"])), name="resource_type_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("node_units__gte", 1)), name="resource_type_node_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SellerReliability",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="reliability",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                ("n_deliveries", models.PositiveIntegerField(default=0)),
                ("due_unit_minutes", models.BigIntegerField(default=0)),
                ("lost_unit_minutes", models.BigIntegerField(default=0)),
                ("n_missed", models.PositiveIntegerField(default=0)),
                ("n_outages", models.PositiveIntegerField(default=0)),
                ("score_bps", models.PositiveIntegerField(blank=True, null=True)),
                ("counted_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [models.Index(fields=["counted_at"], name="reliability_by_age")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("due_unit_minutes__gte", models.F("lost_unit_minutes")),
                            ("lost_unit_minutes__gte", 0),
                        ),
                        name="reliability_lost_within_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("score_bps", None), ("score_bps__lte", 10000), _connector="OR"),
                        name="reliability_score_is_a_share",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Site",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
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
                (
                    "fabric",
                    models.CharField(
                        choices=[("infiniband", "InfiniBand"), ("roce", "RoCE"), ("none", "None")],
                        default="none",
                        max_length=12,
                    ),
                ),
                (
                    "power_kw",
                    models.PositiveIntegerField(
                        blank=True, help_text="Power available to rented units.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sites",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "name"), name="site_name_once_per_seller")
                ],
            },
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("units", models.PositiveIntegerField()),
                (
                    "unit_step",
                    models.PositiveIntegerField(help_text="Node size: units are sold in multiples of it."),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("reserve_ticks", models.BigIntegerField()),
                ("floor_ticks", models.BigIntegerField(blank=True, null=True)),
                ("decline_hours", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("listed", "Listed"), ("withdrawn", "Withdrawn")],
                        default="listed",
                        max_length=10,
                    ),
                ),
                ("listed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "listed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resource_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blocks",
                        to="inventory.resourcetype",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blocks",
                        to="inventory.site",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "listed")),
                        fields=["ends_at", "id"],
                        name="block_listed_by_end",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("units__gte", 1)), name="block_units_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("unit_step__gte", 1)), name="block_step_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="block_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reserve_ticks__gte", 0)), name="block_reserve_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decline_hours", None), ("floor_ticks", None)),
                            models.Q(
                                ("decline_hours__gte", 1),
                                ("decline_hours__isnull", False),
                                ("floor_ticks__gte", 0),
                                ("floor_ticks__isnull", False),
                                ("floor_ticks__lte", models.F("reserve_ticks")),
                            ),
                            _connector="OR",
                        ),
                        name="block_floor_within_reserve",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UnitCost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purchase_cents",
                    models.BigIntegerField(help_text="Of one unit, with its part of node and network."),
                ),
                (
                    "life_years",
                    models.PositiveSmallIntegerField(help_text="Years over which it is written off."),
                ),
                (
                    "residual_percent",
                    models.PositiveSmallIntegerField(help_text="Of the purchase price, at the end of them."),
                ),
                (
                    "power_watts",
                    models.PositiveIntegerField(help_text="Drawn by one rented unit, cooling included."),
                ),
                ("energy_ticks", models.BigIntegerField(help_text="Ticks per kilowatt-hour.")),
                ("saved_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unit_costs",
                        to="accounts.organization",
                    ),
                ),
                (
                    "resource_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.resourcetype",
                    ),
                ),
                (
                    "saved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "resource_type"), name="unit_cost_once_per_seller_and_type"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("energy_ticks__gte", 0),
                            ("life_years__gte", 1),
                            ("life_years__lte", 30),
                            ("purchase_cents__gte", 0),
                            ("residual_percent__lte", 100),
                        ),
                        name="unit_cost_of_sensible_figures",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BlockEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("units", models.PositiveIntegerField()),
                (
                    "unit_step",
                    models.PositiveIntegerField(help_text="Node size: units are sold in multiples of it."),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("reserve_ticks", models.BigIntegerField()),
                ("floor_ticks", models.BigIntegerField(blank=True, null=True)),
                ("decline_hours", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("listed", "Listed"), ("withdrawn", "Withdrawn")],
                        default="listed",
                        max_length=10,
                    ),
                ),
                ("listed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "listed_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                        to="inventory.block",
                    ),
                ),
                (
                    "resource_type",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.resourcetype",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.site",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="block_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="block_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="block_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BlockDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("said", models.JSONField(default=dict, help_text="Texts by field of the form.")),
                ("version", models.PositiveIntegerField(default=0)),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "begun_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "block",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="draft",
                        to="inventory.block",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="block_drafts",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("block", None)),
                        fields=["organization", "-changed_at"],
                        name="block_draft_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BlockHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("offered_units", models.PositiveIntegerField()),
                ("sold_units", models.PositiveIntegerField(default=0)),
                ("frozen_units", models.PositiveIntegerField(default=0)),
                (
                    "block",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hours",
                        to="inventory.block",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("block", "hour"), name="block_hour_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "offered_units__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("sold_units"), "+", models.F("frozen_units")
                                ),
                            )
                        ),
                        name="block_hour_never_oversold",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="blockevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="de04ec8bc8c7266671750dac9afa47fc0fcebfa3",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_50b8e",
                    table="inventory_blockevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="blockevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1c3f1e8c48ae5f5ba697c042ceb531d2424d09fc",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_55d39",
                    table="inventory_blockevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="block",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "inventory_blockevent" ("decline_hours", "ends_at", "floor_ticks", "id", "listed_at", "listed_by_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "reserve_ticks", "resource_type_id", "site_id", "starts_at", "status", "unit_step", "units", "withdrawn_at") VALUES (NEW."decline_hours", NEW."ends_at", NEW."floor_ticks", NEW."id", NEW."listed_at", NEW."listed_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."reserve_ticks", NEW."resource_type_id", NEW."site_id", NEW."starts_at", NEW."status", NEW."unit_step", NEW."units", NEW."withdrawn_at"); RETURN NULL;',
                    hash="9ff473b5a0340cd980904ed4128c030262c57aa5",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b89e0",
                    table="inventory_block",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="block",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "inventory_blockevent" ("decline_hours", "ends_at", "floor_ticks", "id", "listed_at", "listed_by_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "reserve_ticks", "resource_type_id", "site_id", "starts_at", "status", "unit_step", "units", "withdrawn_at") VALUES (NEW."decline_hours", NEW."ends_at", NEW."floor_ticks", NEW."id", NEW."listed_at", NEW."listed_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."reserve_ticks", NEW."resource_type_id", NEW."site_id", NEW."starts_at", NEW."status", NEW."unit_step", NEW."units", NEW."withdrawn_at"); RETURN NULL;',
                    hash="e3b853be88f2ac7ac18f0d6fd3051e0dd02dd184",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_518aa",
                    table="inventory_block",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="block",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "inventory_blockevent" ("decline_hours", "ends_at", "floor_ticks", "id", "listed_at", "listed_by_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "reserve_ticks", "resource_type_id", "site_id", "starts_at", "status", "unit_step", "units", "withdrawn_at") VALUES (OLD."decline_hours", OLD."ends_at", OLD."floor_ticks", OLD."id", OLD."listed_at", OLD."listed_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."reserve_ticks", OLD."resource_type_id", OLD."site_id", OLD."starts_at", OLD."status", OLD."unit_step", OLD."units", OLD."withdrawn_at"); RETURN NULL;',
                    hash="9fe5f00abe3548a6390af443f1a044f8e804743e",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_9f48b",
                    table="inventory_block",
                    when="AFTER",
                ),
            ),
        ),
    ]
