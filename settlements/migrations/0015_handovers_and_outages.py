"""What is handed over, sealed; who saw it; SSH keys; outages; e-mails about deliveries."""

import django.contrib.postgres.constraints
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

READS_STAND = """
CREATE FUNCTION handover_read_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'who saw a hand-over is on record: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'handover_read_stands';
END $$;
CREATE TRIGGER handover_read_stands BEFORE UPDATE OR DELETE ON settlements_handoverread
    FOR EACH ROW EXECUTE FUNCTION handover_read_refuse_change();
"""
READS_FALL = """
DROP TRIGGER handover_read_stands ON settlements_handoverread;
DROP FUNCTION handover_read_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_biddinglimit_suspended_reason"),
        ("settlements", "0014_disputes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Handover",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("sealed", models.TextField(editable=False)),
                ("given_at", models.DateTimeField()),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="handovers",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "given_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HandoverRead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("read_at", models.DateTimeField()),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the page.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
                (
                    "handover",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reads",
                        to="settlements.handover",
                    ),
                ),
                (
                    "read_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Outage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("reported", "Outage"), ("missed_handover", "No hand-over")],
                        default="reported",
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Reported"),
                            ("accepted", "Accepted by the seller"),
                            ("disputed", "Disputed by the seller"),
                            ("upheld", "Upheld"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("what", models.TextField(help_text="What did not work, in the buyer's words.")),
                ("reported_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("answer", models.TextField(blank=True, help_text="In the seller's words.")),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("upheld_minutes", models.PositiveIntegerField(blank=True, null=True)),
                ("decision", models.TextField(blank=True, help_text="Why finance decided so.")),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="outages",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "refund",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="outage",
                        to="settlements.refund",
                    ),
                ),
                (
                    "reported_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the clock did.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SshKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line", models.TextField(help_text="As it stands in an authorized_keys file.")),
                ("type", models.CharField(max_length=30)),
                ("comment", models.CharField(blank=True, max_length=100)),
                (
                    "fingerprint",
                    models.CharField(help_text="SHA256:…, as ssh-keygen -l shows it.", max_length=60),
                ),
                ("added_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "deliveries",
                    models.ManyToManyField(blank=True, related_name="ssh_keys", to="settlements.delivery"),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ssh_keys",
                        to="accounts.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeliveryNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("handover_due", "Hand-over due"),
                            ("handed_over", "Access handed over"),
                            ("missed", "Hand-over missed"),
                            ("cancelled", "Delivery cancelled"),
                            ("keys_changed", "SSH keys changed"),
                            ("outage_reported", "Outage reported"),
                            ("outage_answered", "Outage answered"),
                            ("outage_withdrawn", "Outage withdrawn"),
                            ("outage_decided", "Outage decided"),
                        ],
                        max_length=20,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "ended_at",
                    models.DateTimeField(
                        blank=True, help_text="When it was sent, or had nobody to go to.", null=True
                    ),
                ),
                ("n_recipients", models.PositiveSmallIntegerField(default=0)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at", None)), fields=["id"], name="delivery_notice_unsent"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="handover",
            constraint=models.UniqueConstraint(fields=("delivery", "version"), name="handover_version_once"),
        ),
        migrations.AddConstraint(
            model_name="handover",
            constraint=models.CheckConstraint(
                condition=models.Q(("version__gte", 1)), name="handover_versions_from_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="handover",
            constraint=models.CheckConstraint(
                condition=models.Q(("sealed__startswith", "gAAAAA")), name="handover_never_in_the_clear"
            ),
        ),
        migrations.AddIndex(
            model_name="handoverread",
            index=models.Index(fields=["handover", "-id"], name="handover_read_newest"),
        ),
        migrations.AddIndex(
            model_name="outage",
            index=models.Index(
                condition=models.Q(("status__in", ["open", "accepted", "disputed"])),
                fields=["id"],
                name="outage_undecided",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="outage_ends_after_it_starts"
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "upheld"), ("upheld_minutes__gte", 1)),
                    models.Q(models.Q(("status", "upheld"), _negated=True), ("upheld_minutes", None)),
                    _connector="OR",
                ),
                name="outage_upheld_in_part_or_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["upheld", "rejected"]), _negated=True),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        models.Q(("decision", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="outage_decided_by_somebody_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["accepted", "disputed"]), _negated=True),
                    models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                    _connector="OR",
                ),
                name="outage_answered_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(("status", "upheld"), ("refund", None), _connector="OR"),
                name="outage_refund_only_when_upheld",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("status__in", ["rejected", "withdrawn"]), _negated=True),
                expressions=[
                    (
                        models.Func(
                            models.F("delivery_id"),
                            models.F("delivery_id"),
                            models.Value("[]"),
                            function="int8range",
                        ),
                        "&&",
                    ),
                    (models.Func(models.F("starts_at"), models.F("ends_at"), function="tstzrange"), "&&"),
                ],
                name="outage_minute_claimed_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "missed_handover")),
                fields=("delivery",),
                name="outage_one_missed_handover",
            ),
        ),
        migrations.AddConstraint(
            model_name="sshkey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at", None)),
                fields=("organization", "fingerprint"),
                name="ssh_key_once_per_organization",
            ),
        ),
        migrations.RunSQL(READS_STAND, READS_FALL),
    ]
