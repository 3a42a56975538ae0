"""The ledger's guards: balanced, append-only, and sealed to the database transaction that wrote each transaction.

- No transaction commits unless it has entries and they sum to zero.
- ``written_by`` holds the database transaction (xid8) that wrote a transaction; entries join it from nowhere else.
- Accounts, transactions and entries are never updated, deleted or truncated. Undo is a reversal.
"""

from django.db import migrations

INSTALL = """
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

REMOVE = """
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


class Migration(migrations.Migration):
    dependencies = [("settlements", "0001_initial")]

    operations = [migrations.RunSQL(INSTALL, REMOVE)]
