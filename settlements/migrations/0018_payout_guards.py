"""Guards of transfers and fee versions, whoever asks.

- A transfer belongs to a delivery that is DELIVERED; a line's transfers never sum to more than its share.
- It is not sent under an open hold, nor beyond what refunds left of the share, nor beyond what the seller is owed. That
  is checked before money leaves; once it has left, the ledger books it even where a refund came in between.
- Once it left it keeps its amount; before, the amount only ever falls. ``needs_second`` never falls away.
- Whoever proposed, approved or rejected it is of finance.
- Fee versions are only ever added, for the future, by the database's clock.
"""

from django.db import migrations

INSTALL = """
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
BOOK_WHAT_LEFT = """
CREATE OR REPLACE FUNCTION ledger_keep_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change record;
    new_cents bigint;
BEGIN
    FOR change IN
        SELECT account.id, account.organization_id, sum(entry.amount_cents)::bigint AS cents
            FROM written AS entry JOIN settlements_account AS account ON account.id = entry.account_id
            WHERE account.kind = 'buyer_prepaid'
            GROUP BY account.id ORDER BY account.organization_id
    LOOP
        SELECT prepaid_cents - change.cents INTO new_cents FROM accounts_biddinglimit
            WHERE organization_id = change.organization_id FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'organization % has no bidding limit to keep its prepaid balance', change.organization_id
                USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_prepaid_has_limit';
        END IF;
        IF new_cents < 0 THEN
            PERFORM ledger_refuse_overdraft(change.id, 'buyer_prepaid', -new_cents);
        END IF;
        UPDATE accounts_biddinglimit SET prepaid_cents = new_cents
            WHERE organization_id = change.organization_id;
    END LOOP;

    FOR change IN
        SELECT account.id, account.kind, sum(entry.amount_cents)::bigint AS cents,
               coalesce(bool_and(booked.kind IN ('refund', 'dispute_lost', 'reversal')
                   OR (booked.kind = 'transfer' AND EXISTS (
                       SELECT 1 FROM settlements_transfer paid
                        WHERE paid.status = 'paid' AND booked.reference = 'transfer:' || paid.id || ':paid')))
                   FILTER (WHERE entry.amount_cents > 0), true) AS may_overdraw
            FROM written AS entry
            JOIN settlements_account AS account ON account.id = entry.account_id
            JOIN settlements_transaction AS booked ON booked.id = entry.transaction_id
            WHERE account.kind IN ('seller_reserve', 'seller_payable')
            GROUP BY account.id ORDER BY account.id
    LOOP
        SELECT balance_cents + change.cents INTO new_cents FROM settlements_accountbalance
            WHERE account_id = change.id FOR NO KEY UPDATE;
        IF new_cents > 0 AND change.cents > 0 AND NOT (change.kind = 'seller_payable' AND change.may_overdraw) THEN
            PERFORM ledger_refuse_overdraft(change.id, change.kind, new_cents);
        END IF;
        UPDATE settlements_accountbalance SET balance_cents = new_cents WHERE account_id = change.id;
    END LOOP;
    RETURN NULL;
END $$;
"""
BOOK_NO_OVERDRAFT = """
CREATE OR REPLACE FUNCTION ledger_keep_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change record;
    new_cents bigint;
BEGIN
    FOR change IN
        SELECT account.id, account.organization_id, sum(entry.amount_cents)::bigint AS cents
            FROM written AS entry JOIN settlements_account AS account ON account.id = entry.account_id
            WHERE account.kind = 'buyer_prepaid'
            GROUP BY account.id ORDER BY account.organization_id
    LOOP
        SELECT prepaid_cents - change.cents INTO new_cents FROM accounts_biddinglimit
            WHERE organization_id = change.organization_id FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'organization % has no bidding limit to keep its prepaid balance', change.organization_id
                USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_prepaid_has_limit';
        END IF;
        IF new_cents < 0 THEN
            PERFORM ledger_refuse_overdraft(change.id, 'buyer_prepaid', -new_cents);
        END IF;
        UPDATE accounts_biddinglimit SET prepaid_cents = new_cents
            WHERE organization_id = change.organization_id;
    END LOOP;

    FOR change IN
        SELECT account.id, account.kind, sum(entry.amount_cents)::bigint AS cents,
               coalesce(bool_and(booked.kind IN ('refund', 'dispute_lost', 'reversal'))
                   FILTER (WHERE entry.amount_cents > 0), true) AS may_overdraw
            FROM written AS entry
            JOIN settlements_account AS account ON account.id = entry.account_id
            JOIN settlements_transaction AS booked ON booked.id = entry.transaction_id
            WHERE account.kind IN ('seller_reserve', 'seller_payable')
            GROUP BY account.id ORDER BY account.id
    LOOP
        SELECT balance_cents + change.cents INTO new_cents FROM settlements_accountbalance
            WHERE account_id = change.id FOR NO KEY UPDATE;
        IF new_cents > 0 AND change.cents > 0 AND NOT (change.kind = 'seller_payable' AND change.may_overdraw) THEN
            PERFORM ledger_refuse_overdraft(change.id, change.kind, new_cents);
        END IF;
        UPDATE settlements_accountbalance SET balance_cents = new_cents WHERE account_id = change.id;
    END LOOP;
    RETURN NULL;
END $$;
"""
REMOVE = """
DROP TRIGGER fee_policy_guard ON settlements_feepolicy;
DROP FUNCTION fee_policy_guard();
DROP TRIGGER transfer_guard ON settlements_transfer;
DROP FUNCTION transfer_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("settlements", "0017_payouts")]

    operations = [migrations.RunSQL(INSTALL, REMOVE), migrations.RunSQL(BOOK_WHAT_LEFT, BOOK_NO_OVERDRAFT)]
