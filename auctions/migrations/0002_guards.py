"""What no row lock or column constraint can hold.

- Two counters that no row lock guards: the order of bids in time, and the revision of indicative prices.
- What was published stands: a window's record is never changed or deleted.
- A standing order's budget stands: what its bids won and the most its open bids can cost never exceed it.
"""

from django.db import migrations

COUNTERS = """
CREATE SEQUENCE auctions_bid_order;
CREATE SEQUENCE auctions_indication_order;
"""
NO_COUNTERS = """
DROP SEQUENCE auctions_indication_order;
DROP SEQUENCE auctions_bid_order;
"""
RECORDS_STAND = """
CREATE FUNCTION window_record_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of window % is published: % is refused', OLD.window_id, TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'window_record_stands';
END $$;
CREATE TRIGGER window_record_stands BEFORE UPDATE OR DELETE ON auctions_windowrecord
    FOR EACH ROW EXECUTE FUNCTION window_record_refuse_change();
"""
RECORDS_FALL = """
DROP TRIGGER window_record_stands ON auctions_windowrecord;
DROP FUNCTION window_record_refuse_change();
"""
BUDGETS_STAND = """
CREATE FUNCTION standing_order_require_budget(order_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    budget bigint;
    used numeric;
BEGIN
    SELECT budget_cents * 100 INTO budget FROM auctions_standingorder WHERE id = order_id FOR NO KEY UPDATE;
    SELECT coalesce(sum(max_ticks), 0) INTO used
      FROM auctions_bid WHERE standing_order_id = order_id AND status = 'placed';
    SELECT used + coalesce(sum(award.amount_ticks), 0) INTO used
      FROM auctions_bid bid JOIN auctions_award award ON award.bid_id = bid.id
     WHERE bid.standing_order_id = order_id;
    IF used > budget THEN
        RAISE EXCEPTION 'standing order % would use % ticks of a budget of %', order_id, used, budget
            USING ERRCODE = 'check_violation', CONSTRAINT = 'standing_order_within_budget';
    END IF;
END $$;

CREATE FUNCTION standing_order_check_bid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM standing_order_require_budget(NEW.standing_order_id);
    RETURN NULL;
END $$;

CREATE FUNCTION standing_order_check_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM standing_order_require_budget(NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER standing_order_bid_within_budget
    AFTER INSERT OR UPDATE OF max_ticks, status, standing_order_id ON auctions_bid
    FOR EACH ROW WHEN (NEW.standing_order_id IS NOT NULL AND NEW.status = 'placed')
    EXECUTE FUNCTION standing_order_check_bid();
CREATE TRIGGER standing_order_within_budget
    AFTER UPDATE OF budget_cents ON auctions_standingorder
    FOR EACH ROW EXECUTE FUNCTION standing_order_check_order();
"""
BUDGETS_FALL = """
DROP TRIGGER standing_order_within_budget ON auctions_standingorder;
DROP TRIGGER standing_order_bid_within_budget ON auctions_bid;
DROP FUNCTION standing_order_check_order();
DROP FUNCTION standing_order_check_bid();
DROP FUNCTION standing_order_require_budget(bigint);
"""


class Migration(migrations.Migration):
    replaces = [
        ("auctions", "0002_sequences"),
        ("auctions", "0003_bid_request_key"),
        ("auctions", "0004_check_price_or_value_not_null"),
        ("auctions", "0005_sealed_bids"),
        ("auctions", "0006_seal_placed_bids"),
        ("auctions", "0007_records_stand"),
        ("auctions", "0008_receipts"),
        ("auctions", "0009_expressive_bids"),
        ("auctions", "0010_inquiries"),
        ("auctions", "0011_cancelled_awards"),
        ("auctions", "0012_window_seal"),
        ("auctions", "0013_seller_reliability"),
        ("auctions", "0014_bid_share"),
        ("auctions", "0015_audit_trail"),
        ("auctions", "0016_standing_orders"),
        ("auctions", "0017_standing_order_budget"),
    ]
    dependencies = [("auctions", "0001_initial")]

    operations = [
        migrations.RunSQL(COUNTERS, NO_COUNTERS),
        migrations.RunSQL(RECORDS_STAND, RECORDS_FALL),
        migrations.RunSQL(BUDGETS_STAND, BUDGETS_FALL),
    ]
