"""What was published stands: a window's record is never changed or deleted. And a bid in the book has its receipt."""

from django.db import migrations, models

INSTALL = """
CREATE FUNCTION window_record_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of window % is published: % is refused', OLD.window_id, TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'window_record_stands';
END $$;
CREATE TRIGGER window_record_stands BEFORE UPDATE OR DELETE ON auctions_windowrecord
    FOR EACH ROW EXECUTE FUNCTION window_record_refuse_change();
"""
REMOVE = """
DROP TRIGGER window_record_stands ON auctions_windowrecord;
DROP FUNCTION window_record_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("auctions", "0006_seal_placed_bids")]

    operations = [
        migrations.RunSQL(INSTALL, REMOVE),
        migrations.AddConstraint(
            model_name="bid",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "placed"), _negated=True),
                    models.Q(("receipt_sha256", ""), _negated=True),
                    _connector="OR",
                ),
                name="bid_sealed_while_in_the_book",
            ),
        ),
    ]
