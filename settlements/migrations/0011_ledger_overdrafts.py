"""Guards against overdrafts: what we owe to an organization never falls below nothing, whoever debits it.

- A seller's accounts keep a balance row, a buyer's prepaid account the column of its bidding limit. A statement's
  entries change them under the row's lock; balances are changed by entries and by nothing else.
- A debit that would leave a debit balance is refused. SELLER_PAYABLE alone, and by a refund, a lost dispute or a
  reversal alone, may be overdrawn: the seller owes us then.
- A Stripe object's money is booked once for each kind of transaction.
"""

import django.db.models.deletion
from django.db import migrations, models

INSTALL = """
INSERT INTO settlements_accountbalance (account_id, balance_cents, may_owe)
    SELECT account.id, coalesce(sum(entry.amount_cents), 0), account.kind = 'seller_payable'
        FROM settlements_account AS account LEFT JOIN settlements_entry AS entry ON entry.account_id = account.id
        WHERE account.kind IN ('seller_reserve', 'seller_payable') GROUP BY account.id;
-- No trigger is made on a table that has checks waiting.
SET CONSTRAINTS ALL IMMEDIATE;

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
SET CONSTRAINTS ALL DEFERRED;
"""

REMOVE = """
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


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_credit_changes"),
        ("settlements", "0010_dunning"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountBalance",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="balance",
                        serialize=False,
                        to="settlements.account",
                    ),
                ),
                ("balance_cents", models.BigIntegerField(default=0)),
                ("may_owe", models.BooleanField(default=False)),
            ],
        ),
        migrations.AddField(
            model_name="transaction",
            name="stripe_object_id",
            field=models.CharField(blank=True, db_default="", max_length=80),
        ),
        migrations.AddConstraint(
            model_name="transaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stripe_object_id", ""), _negated=True),
                fields=("stripe_object_id", "kind"),
                name="ledger_stripe_object_booked_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="accountbalance",
            constraint=models.CheckConstraint(
                condition=models.Q(("balance_cents__lte", 0), ("may_owe", True), _connector="OR"),
                name="ledger_reserve_not_overdrawn",
            ),
        ),
        migrations.RunSQL(INSTALL, REMOVE),
    ]
