"""Long awards are leases, paid by the month. Their months sum to the whole, and what a month costs stands."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

INSTALL = """
CREATE FUNCTION lease_require_months() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_lease bigint := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    PERFORM 1 FROM settlements_lease lease
      WHERE lease.id = of_lease
        AND (lease.amount_cents, lease.fee_cents) <> (
                SELECT coalesce(sum(amount_cents), 0), coalesce(sum(fee_cents), 0)
                  FROM settlements_leasemonth WHERE lease_id = of_lease);
    IF FOUND THEN
        RAISE EXCEPTION 'the months of lease % do not sum to what it costs', of_lease
            USING ERRCODE = 'check_violation', CONSTRAINT = 'lease_months_sum_to_the_whole';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER lease_months_sum_to_the_whole AFTER INSERT OR UPDATE OF amount_cents, fee_cents
    ON settlements_lease DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lease_require_months('id');
CREATE CONSTRAINT TRIGGER lease_months_sum_to_the_whole_still AFTER INSERT
    ON settlements_leasemonth DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lease_require_months('lease_id');
CREATE FUNCTION lease_month_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what month % of lease % costs stands: % is refused', OLD.number, OLD.lease_id, TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'lease_month_stands';
END $$;
CREATE TRIGGER lease_month_stands BEFORE UPDATE OR DELETE ON settlements_leasemonth
    FOR EACH ROW EXECUTE FUNCTION lease_month_refuse_change();
"""
REMOVE = """
DROP TRIGGER lease_months_sum_to_the_whole ON settlements_lease;
DROP TRIGGER lease_months_sum_to_the_whole_still ON settlements_leasemonth;
DROP FUNCTION lease_require_months();
DROP TRIGGER lease_month_stands ON settlements_leasemonth;
DROP FUNCTION lease_month_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_credit_changes"),
        ("auctions", "0012_window_seal"),
        ("settlements", "0015_handovers_and_outages"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                ("fee_cents", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("completed", "Completed"),
                            ("defaulted", "Defaulted"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="LeaseMonth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("amount_cents", models.BigIntegerField()),
                ("fee_cents", models.BigIntegerField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="settlement",
            name="settlement_once_per_buyer_and_window",
        ),
        migrations.AddField(
            model_name="lease",
            name="award",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="lease", to="auctions.award"
            ),
        ),
        migrations.AddField(
            model_name="lease",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="leases", to="accounts.organization"
            ),
        ),
        migrations.AddField(
            model_name="leasemonth",
            name="lease",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="months", to="settlements.lease"
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="lease_month",
            field=models.OneToOneField(
                blank=True,
                help_text="The month of a lease that it charges; none: what else was won in the window.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="settlement",
                to="settlements.leasemonth",
            ),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lease_month", None)),
                fields=("window", "organization"),
                name="settlement_once_per_buyer_and_window",
            ),
        ),
        migrations.AddIndex(
            model_name="lease",
            index=models.Index(fields=["organization", "-id"], name="lease_by_organization"),
        ),
        migrations.AddConstraint(
            model_name="lease",
            constraint=models.CheckConstraint(
                condition=models.Q(("fee_cents__gte", 0), ("fee_cents__lte", models.F("amount_cents"))),
                name="lease_fee_within_amount",
            ),
        ),
        migrations.AddConstraint(
            model_name="lease",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("status", "active")),
                    models.Q(models.Q(("status", "active"), _negated=True), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="lease_ended_when",
            ),
        ),
        migrations.AddIndex(
            model_name="leasemonth",
            index=models.Index(fields=["starts_at"], name="lease_month_by_start"),
        ),
        migrations.AddConstraint(
            model_name="leasemonth",
            constraint=models.UniqueConstraint(fields=("lease", "number"), name="lease_month_once"),
        ),
        migrations.AddConstraint(
            model_name="leasemonth",
            constraint=models.UniqueConstraint(fields=("lease", "starts_at"), name="lease_month_starts_once"),
        ),
        migrations.AddConstraint(
            model_name="leasemonth",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                name="lease_month_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="leasemonth",
            constraint=models.CheckConstraint(
                condition=models.Q(("fee_cents__gte", 0), ("fee_cents__lte", models.F("amount_cents"))),
                name="lease_month_fee_within_amount",
            ),
        ),
        migrations.RunSQL(INSTALL, REMOVE),
    ]
