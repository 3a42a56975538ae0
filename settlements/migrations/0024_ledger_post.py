"""Post transactions with their entries in one call: one round trip, whatever their number. The guards stay triggers."""

from django.db import migrations

INSTALL = """
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
    dependencies = [("settlements", "0023_audit_trail")]

    operations = [
        migrations.RunSQL(
            INSTALL,
            "DROP FUNCTION ledger_post(text[], text[], text[], text[], text[], text[], bigint[], bigint[])",
        )
    ]
