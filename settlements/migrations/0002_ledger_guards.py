"""The ledger's guards, whoever writes to it.

- No transaction commits unless it has entries and they sum to zero.
- ``written_by`` holds the database transaction (xid8) that wrote a transaction; entries join it from nowhere else.
- Accounts, transactions and entries are never updated, deleted or truncated. Undo is a reversal.
- What we owe to an organization never falls below nothing. A seller's accounts keep a balance row, a buyer's prepaid
  account the column of its bidding limit; a statement's entries change them under the row's lock, and nothing else does.
- A debit that would leave a debit balance is refused. SELLER_PAYABLE alone may be overdrawn, and only by a refund, a lost
  dispute, a reversal, or a transfer that has left already: the seller owes us then.
- A closed month takes nothing any more, and what Stripe moved stands.
- ``ledger_post`` writes transactions with their entries in one round trip, whatever their number.
"""

from django.db import migrations

SEALED = """
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_append_only',
              HINT = 'Post a reversal instead.';
END $$;

CREATE FUNCTION ledger_seal_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.written_by := pg_current_xact_id();
    RETURN NEW;
END $$;

CREATE FUNCTION ledger_refuse_late_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    writer xid8;
BEGIN
    SELECT written_by INTO writer FROM settlements_transaction WHERE id = NEW.transaction_id;
    IF writer IS DISTINCT FROM pg_current_xact_id() THEN
        RAISE EXCEPTION 'ledger transaction % is sealed: no entry joins it any more', NEW.transaction_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_transaction_sealed';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION ledger_require_balance(checked_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n_entries bigint;
    total_cents numeric;
BEGIN
    SELECT count(*), coalesce(sum(amount_cents), 0) INTO n_entries, total_cents
        FROM settlements_entry WHERE transaction_id = checked_id;
    IF n_entries = 0 THEN
        RAISE EXCEPTION 'ledger transaction % has no entries', checked_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transaction_has_entries';
    END IF;
    IF total_cents <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % does not balance: its entries sum to % cents', checked_id, total_cents
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transaction_balanced';
    END IF;
END $$;

CREATE FUNCTION ledger_check_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_require_balance(NEW.id);
    RETURN NULL;
END $$;

CREATE FUNCTION ledger_check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_require_balance(NEW.transaction_id);
    RETURN NULL;
END $$;

ALTER TABLE settlements_transaction ADD COLUMN written_by xid8 NOT NULL;

CREATE TRIGGER ledger_transaction_seal BEFORE INSERT ON settlements_transaction
    FOR EACH ROW EXECUTE FUNCTION ledger_seal_transaction();
CREATE TRIGGER ledger_entry_seal BEFORE INSERT ON settlements_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_late_entry();
-- Both: entries may still come after SET CONSTRAINTS … IMMEDIATE has checked the transaction's own row.
CREATE CONSTRAINT TRIGGER ledger_transaction_balance AFTER INSERT ON settlements_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_transaction();
CREATE CONSTRAINT TRIGGER ledger_entry_balance AFTER INSERT ON settlements_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_entry();

CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON settlements_account
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON settlements_transaction
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON settlements_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_never_truncated BEFORE TRUNCATE ON settlements_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_never_truncated BEFORE TRUNCATE ON settlements_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_never_truncated BEFORE TRUNCATE ON settlements_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
"""
UNSEALED = """
DROP TRIGGER ledger_never_truncated ON settlements_entry;
DROP TRIGGER ledger_never_truncated ON settlements_transaction;
DROP TRIGGER ledger_never_truncated ON settlements_account;
DROP TRIGGER ledger_append_only ON settlements_entry;
DROP TRIGGER ledger_append_only ON settlements_transaction;
DROP TRIGGER ledger_append_only ON settlements_account;
DROP TRIGGER ledger_entry_balance ON settlements_entry;
DROP TRIGGER ledger_transaction_balance ON settlements_transaction;
DROP TRIGGER ledger_entry_seal ON settlements_entry;
DROP TRIGGER ledger_transaction_seal ON settlements_transaction;
ALTER TABLE settlements_transaction DROP COLUMN written_by;
DROP FUNCTION ledger_check_entry();
DROP FUNCTION ledger_check_transaction();
DROP FUNCTION ledger_require_balance(bigint);
DROP FUNCTION ledger_refuse_late_entry();
DROP FUNCTION ledger_seal_transaction();
DROP FUNCTION ledger_refuse_change();
"""
BALANCES = """
CREATE FUNCTION ledger_open_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO settlements_accountbalance (account_id, balance_cents, may_owe)
        VALUES (NEW.id, 0, NEW.kind = 'seller_payable');
    RETURN NULL;
END $$;

CREATE FUNCTION ledger_refuse_overdraft(account_id bigint, kind text, by_cents bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger account % (%) would be overdrawn by % cents', account_id, kind, by_cents
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_account_overdrawn';
END $$;

-- Limits before balances, each in key order: every statement locks in the same order as every other.
CREATE FUNCTION ledger_keep_balances() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION ledger_refuse_set_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Depth 1 is this trigger; entries and accounts reach it through theirs.
    IF pg_trigger_depth() < 2 OR TG_OP IN ('DELETE', 'TRUNCATE') THEN
        RAISE EXCEPTION 'a balance follows from the entries: % on % is refused', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_balance_kept_by_entries';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ledger_account_balance AFTER INSERT ON settlements_account
    FOR EACH ROW WHEN (NEW.kind IN ('seller_reserve', 'seller_payable')) EXECUTE FUNCTION ledger_open_balance();
CREATE TRIGGER ledger_entry_balances AFTER INSERT ON settlements_entry
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep_balances();
CREATE TRIGGER ledger_balance_kept BEFORE INSERT OR UPDATE OR DELETE ON settlements_accountbalance
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_set_balance();
CREATE TRIGGER ledger_never_truncated BEFORE TRUNCATE ON settlements_accountbalance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_set_balance();
CREATE TRIGGER ledger_prepaid_kept BEFORE UPDATE ON accounts_biddinglimit
    FOR EACH ROW WHEN (OLD.prepaid_cents IS DISTINCT FROM NEW.prepaid_cents)
    EXECUTE FUNCTION ledger_refuse_set_balance();
CREATE TRIGGER ledger_prepaid_starts_empty BEFORE INSERT ON accounts_biddinglimit
    FOR EACH ROW WHEN (NEW.prepaid_cents <> 0) EXECUTE FUNCTION ledger_refuse_set_balance();
"""
NO_BALANCES = """
DROP TRIGGER ledger_prepaid_starts_empty ON accounts_biddinglimit;
DROP TRIGGER ledger_prepaid_kept ON accounts_biddinglimit;
DROP TRIGGER ledger_never_truncated ON settlements_accountbalance;
DROP TRIGGER ledger_balance_kept ON settlements_accountbalance;
DROP TRIGGER ledger_entry_balances ON settlements_entry;
DROP TRIGGER ledger_account_balance ON settlements_account;
DROP FUNCTION ledger_refuse_set_balance();
DROP FUNCTION ledger_keep_balances();
DROP FUNCTION ledger_refuse_overdraft(bigint, text, bigint);
DROP FUNCTION ledger_open_balance();
"""
PERIODS = """
CREATE FUNCTION ledger_refuse_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    open_from timestamptz;
BEGIN
    SELECT (max(first_day) + interval '1 month') AT TIME ZONE 'UTC' INTO open_from FROM settlements_closedperiod;
    IF NEW.posted_at < open_from THEN
        RAISE EXCEPTION 'the books are closed before %: nothing is posted at %', open_from, NEW.posted_at
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_period_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_period_open BEFORE INSERT ON settlements_transaction
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_closed_period();
CREATE TRIGGER closed_period_stays BEFORE UPDATE OR DELETE ON settlements_closedperiod
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_never_truncated BEFORE TRUNCATE ON settlements_closedperiod
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER movement_stays BEFORE UPDATE OR DELETE ON settlements_balancemovement
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_never_truncated BEFORE TRUNCATE ON settlements_balancemovement
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
"""
NO_PERIODS = """
DROP TRIGGER ledger_never_truncated ON settlements_balancemovement;
DROP TRIGGER movement_stays ON settlements_balancemovement;
DROP TRIGGER ledger_never_truncated ON settlements_closedperiod;
DROP TRIGGER closed_period_stays ON settlements_closedperiod;
DROP TRIGGER ledger_period_open ON settlements_transaction;
DROP FUNCTION ledger_refuse_closed_period();
"""
POST = """
CREATE FUNCTION ledger_post(
    kinds text[], reference_texts text[], descriptions text[], stripe_object_ids text[],
    entry_references text[], account_kinds text[], organization_ids bigint[], amounts_cents bigint[]
) RETURNS TABLE (reference varchar, id bigint, posted_at timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    account_ids bigint[];
BEGIN
    LOOP
        SELECT array_agg(CASE WHEN said.organization_id IS NULL
                              THEN (SELECT a.id FROM settlements_account a
                                     WHERE a.kind = said.kind AND a.organization_id IS NULL)
                              ELSE (SELECT a.id FROM settlements_account a
                                     WHERE a.kind = said.kind AND a.organization_id = said.organization_id) END
                         ORDER BY said.n)
          INTO account_ids
          FROM unnest(account_kinds, organization_ids) WITH ORDINALITY AS said (kind, organization_id, n);
        EXIT WHEN array_position(account_ids, NULL) IS NULL;
        -- In one order; two openers meet in the unique constraint, and the second finds what the first opened.
        INSERT INTO settlements_account (kind, organization_id)
            SELECT DISTINCT said.kind, said.organization_id
              FROM unnest(account_kinds, organization_ids, account_ids) AS said (kind, organization_id, account_id)
             WHERE said.account_id IS NULL ORDER BY said.kind, said.organization_id
            ON CONFLICT DO NOTHING;
    END LOOP;

    RETURN QUERY
        INSERT INTO settlements_transaction (kind, reference, description, stripe_object_id)
            SELECT * FROM unnest(kinds, reference_texts, descriptions, stripe_object_ids)
            RETURNING reference, id, posted_at;

    -- One statement: its balances are locked together, in one order.
    INSERT INTO settlements_entry (transaction_id, account_id, amount_cents)
        SELECT t.id, said.account_id, said.cents
          FROM unnest(entry_references, account_ids, amounts_cents) WITH ORDINALITY
               AS said (reference, account_id, cents, n)
          JOIN settlements_transaction t ON t.reference = said.reference
         ORDER BY said.n;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("settlements", "0001_initial"), ("accounts", "0002_credit_stands")]

    operations = [
        migrations.RunSQL(SEALED, UNSEALED),
        migrations.RunSQL(BALANCES, NO_BALANCES),
        migrations.RunSQL(PERIODS, NO_PERIODS),
        migrations.RunSQL(
            POST,
            "DROP FUNCTION ledger_post(text[], text[], text[], text[], text[], text[], bigint[], bigint[])",
        ),
    ]
