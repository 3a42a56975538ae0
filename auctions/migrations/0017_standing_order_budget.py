"""A standing order's budget stands: what its bids won and the most its open bids can cost never exceed it."""

from django.db import migrations

INSTALL = """
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
REMOVE = """
DROP TRIGGER standing_order_within_budget ON auctions_standingorder;
DROP TRIGGER standing_order_bid_within_budget ON auctions_bid;
DROP FUNCTION standing_order_check_order();
DROP FUNCTION standing_order_check_bid();
DROP FUNCTION standing_order_require_budget(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("auctions", "0016_standing_orders")]

    operations = [migrations.RunSQL(INSTALL, REMOVE)]
