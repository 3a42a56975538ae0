"""A settlement too small for a card is carried into another, which collects exactly what is carried into it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

INSTALL = """
CREATE FUNCTION settlement_require_carried_in() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    collector bigint;
BEGIN
    FOREACH collector IN ARRAY ARRAY[NEW.id, NEW.carried_into_id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.carried_into_id END]
    LOOP
        PERFORM 1 FROM settlements_settlement s
          WHERE s.id = collector
            AND s.carried_in_cents <> (SELECT coalesce(sum(small.amount_cents - small.prepaid_cents), 0)
                                         FROM settlements_settlement small WHERE small.carried_into_id = s.id);
        IF FOUND THEN
            RAISE EXCEPTION 'settlement % does not collect what is carried into it', collector
                USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_collects_what_is_carried_in';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER settlement_collects_what_is_carried_in AFTER INSERT ON settlements_settlement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.carried_in_cents <> 0 OR NEW.carried_into_id IS NOT NULL)
    EXECUTE FUNCTION settlement_require_carried_in();
CREATE CONSTRAINT TRIGGER settlement_collects_what_is_carried_in_still
    AFTER UPDATE OF carried_in_cents, carried_into_id ON settlements_settlement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION settlement_require_carried_in();
"""
REMOVE = """
DROP TRIGGER settlement_collects_what_is_carried_in ON settlements_settlement;
DROP TRIGGER settlement_collects_what_is_carried_in_still ON settlements_settlement;
DROP FUNCTION settlement_require_carried_in();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_credit_changes"),
        ("auctions", "0012_window_seal"),
        ("settlements", "0012_refunds_as_paid"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="settlement",
            name="carried_in_cents",
            field=models.BigIntegerField(
                default=0, help_text="What it collects of the settlements carried into it."
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="carried_into",
            field=models.ForeignKey(
                blank=True,
                help_text="The settlement that collects this one, too small for a card by itself.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="carried_in",
                to="settlements.settlement",
            ),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("carried_into", None),
                    models.Q(("carried_in_cents", 0), ("status__in", ["carried", "paid"])),
                    _connector="OR",
                ),
                name="settlement_carried_while_too_small",
            ),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.CheckConstraint(
                condition=models.Q(("carried_in_cents__gte", 0)), name="settlement_carried_in_not_negative"
            ),
        ),
        migrations.RunSQL(INSTALL, REMOVE),
    ]
