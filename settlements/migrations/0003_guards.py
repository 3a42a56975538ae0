"""What stands once it is written, and what money may leave for a seller.

- A settlement collects exactly what is carried into it; a lease's months sum to the whole, and what a month costs stands.
- Who saw a hand-over is on record.
- A transfer belongs to a delivery that is DELIVERED; a line's transfers never sum to more than its share.
- It is not sent under an open hold, nor beyond what refunds left of the share, nor beyond what the seller is owed. That
  is checked before money leaves; once it has left, the ledger books it even where a refund came in between.
- Once it left it keeps its amount; before, the amount only ever falls. ``needs_second`` never falls away.
- Whoever proposed, approved or rejected it is of finance.
- Fee versions are only ever added, for the future, by the database's clock.
"""

from django.db import migrations

CARRIED = """
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
NOT_CARRIED = """
DROP TRIGGER settlement_collects_what_is_carried_in ON settlements_settlement;
DROP TRIGGER settlement_collects_what_is_carried_in_still ON settlements_settlement;
DROP FUNCTION settlement_require_carried_in();
"""
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
LEASES = """
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
NO_LEASES = """
DROP TRIGGER lease_months_sum_to_the_whole ON settlements_lease;
DROP TRIGGER lease_months_sum_to_the_whole_still ON settlements_leasemonth;
DROP FUNCTION lease_require_months();
DROP TRIGGER lease_month_stands ON settlements_leasemonth;
DROP FUNCTION lease_month_refuse_change();
"""
TRANSFERS = """
CREATE FUNCTION transfer_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    delivered record;
    payable_cents numeric;
    others numeric;
    left_before numeric;
    person bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'transfer % stays: money that moves is never forgotten', OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'transfer_stays';
    END IF;
    SELECT d.status, d.seller_id, l.id AS line_id,
           l.amount_cents - l.fee_cents AS share,
           l.amount_cents - l.fee_cents - (l.refunded_cents - l.refunded_fee_cents) AS share_left
      INTO delivered
      FROM settlements_delivery d JOIN settlements_settlementline l ON l.id = d.line_id
     WHERE d.id = NEW.delivery_id FOR NO KEY UPDATE OF l;
    IF delivered.status <> 'delivered' THEN
        RAISE EXCEPTION 'delivery % is %: nothing is transferred before it is delivered',
            NEW.delivery_id, delivered.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_only_after_delivery';
    END IF;
    IF delivered.seller_id <> NEW.seller_id THEN
        RAISE EXCEPTION 'transfer of delivery % goes to its seller', NEW.delivery_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_to_the_seller';
    END IF;
    SELECT coalesce(sum(amount_cents), 0),
           coalesce(sum(amount_cents - reversed_cents) FILTER (WHERE status IN ('sending', 'paid', 'reversed')), 0)
      INTO others, left_before
      FROM settlements_transfer
     WHERE delivery_id = NEW.delivery_id AND id IS DISTINCT FROM NEW.id AND status <> 'cancelled';
    IF NEW.status <> 'cancelled' AND others + NEW.amount_cents > delivered.share THEN
        RAISE EXCEPTION 'transfers of delivery % would exceed its share of % cents', NEW.delivery_id, delivered.share
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_within_share';
    END IF;
    FOREACH person IN ARRAY ARRAY[NEW.proposed_by_id, NEW.approved_by_id, NEW.rejected_by_id] LOOP
        IF person IS NOT NULL
           AND (TG_OP = 'INSERT' OR NOT person = ANY (array_remove(
                ARRAY[OLD.proposed_by_id, OLD.approved_by_id, OLD.rejected_by_id], NULL)))
           AND NOT EXISTS (SELECT 1 FROM accounts_user u WHERE u.id = person AND u.is_finance AND u.is_active) THEN
            RAISE EXCEPTION 'user % is not of finance', person
                USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_decided_by_finance';
        END IF;
    END LOOP;
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.delivery_id, NEW.seller_id, NEW.number, NEW.currency)
           IS DISTINCT FROM (OLD.delivery_id, OLD.seller_id, OLD.number, OLD.currency)
           OR (OLD.needs_second AND NOT NEW.needs_second)
           OR NEW.amount_cents > OLD.amount_cents
           OR (NEW.amount_cents <> OLD.amount_cents AND OLD.status IN ('sending', 'paid', 'reversed')) THEN
            RAISE EXCEPTION 'transfer % is for what it was written for', OLD.id
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'transfer_keeps_its_facts';
        END IF;
    END IF;
    IF NEW.status = 'sending' AND (TG_OP = 'INSERT' OR OLD.status <> 'sending') THEN
        IF EXISTS (SELECT 1 FROM settlements_transferhold h
                    WHERE h.delivery_id = NEW.delivery_id AND h.lifted_at IS NULL) THEN
            RAISE EXCEPTION 'transfer % is held', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_not_while_held';
        END IF;
        IF left_before + NEW.amount_cents > delivered.share_left THEN
            RAISE EXCEPTION 'transfer % is more than what is left of the share', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_within_what_is_left';
        END IF;
        SELECT -b.balance_cents INTO payable_cents
          FROM settlements_accountbalance b JOIN settlements_account a ON a.id = b.account_id
         WHERE a.kind = 'seller_payable' AND a.organization_id = NEW.seller_id FOR NO KEY UPDATE OF b;
        IF NEW.amount_cents > coalesce(payable_cents, 0) - (
               SELECT coalesce(sum(amount_cents), 0) FROM settlements_transfer
                WHERE seller_id = NEW.seller_id AND status = 'sending' AND id IS DISTINCT FROM NEW.id) THEN
            RAISE EXCEPTION 'transfer % is more than what its seller is owed', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_within_what_is_owed';
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER transfer_guard BEFORE INSERT OR UPDATE OR DELETE ON settlements_transfer
    FOR EACH ROW EXECUTE FUNCTION transfer_guard();

CREATE FUNCTION fee_policy_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'fee versions are only ever added: % is refused', TG_OP
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'fee_policy_append_only',
                  HINT = 'Add a version that begins later.';
    END IF;
    NEW.created_at := now();
    RETURN NEW;
END $$;

CREATE TRIGGER fee_policy_guard BEFORE INSERT OR UPDATE OR DELETE ON settlements_feepolicy
    FOR EACH ROW EXECUTE FUNCTION fee_policy_guard();
"""
NO_TRANSFERS = """
DROP TRIGGER fee_policy_guard ON settlements_feepolicy;
DROP FUNCTION fee_policy_guard();
DROP TRIGGER transfer_guard ON settlements_transfer;
DROP FUNCTION transfer_guard();
"""


class Migration(migrations.Migration):
    replaces = [
        ("settlements", "0003_card_fingerprints"),
        ("settlements", "0004_chart_of_accounts"),
        ("settlements", "0005_finance_desk"),
        ("settlements", "0006_hours_of_lines"),
        ("settlements", "0007_refunds"),
        ("settlements", "0008_prepaid_part_and_attempt_amount"),
        ("settlements", "0009_deliveries"),
        ("settlements", "0010_dunning"),
        ("settlements", "0011_ledger_overdrafts"),
        ("settlements", "0012_refunds_as_paid"),
        ("settlements", "0013_carried"),
        ("settlements", "0014_disputes"),
        ("settlements", "0015_handovers_and_outages"),
        ("settlements", "0016_leases"),
        ("settlements", "0017_payouts"),
        ("settlements", "0018_payout_guards"),
        ("settlements", "0019_names_of_dunning_steps"),
        ("settlements", "0020_prepayments"),
        ("settlements", "0021_reconciliation"),
        ("settlements", "0022_transfer_reversals"),
        ("settlements", "0023_audit_trail"),
        ("settlements", "0024_ledger_post"),
        ("settlements", "0025_announced_starts"),
        ("settlements", "0026_prepaid_returns"),
        ("settlements", "0027_bank_balances"),
        ("settlements", "0028_saved_views_move"),
        ("settlements", "0029_prepaid_disputes"),
    ]
    dependencies = [("settlements", "0002_ledger_guards")]

    operations = [
        migrations.RunSQL(CARRIED, NOT_CARRIED),
        migrations.RunSQL(READS_STAND, READS_FALL),
        migrations.RunSQL(LEASES, NO_LEASES),
        migrations.RunSQL(TRANSFERS, NO_TRANSFERS),
    ]
