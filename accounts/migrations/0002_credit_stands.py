"""A change of credit is kept as it was decided."""

from django.db import migrations

INSTALL = """
CREATE FUNCTION accounts_keep_decided_credit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'proposed' THEN
        RAISE EXCEPTION 'a change of credit is kept as it was decided: % is refused', TG_OP
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'credit_change_kept';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER credit_change_kept BEFORE UPDATE OR DELETE ON accounts_creditchange
    FOR EACH ROW EXECUTE FUNCTION accounts_keep_decided_credit();
"""
REMOVE = """
DROP TRIGGER credit_change_kept ON accounts_creditchange;
DROP FUNCTION accounts_keep_decided_credit();
"""


class Migration(migrations.Migration):
    replaces = [
        ("accounts", "0002_biddinglimit_limit_set_at"),
        ("accounts", "0003_biddinglimit_suspended_reason"),
        ("accounts", "0004_credit_and_prepaid"),
        ("accounts", "0005_credit_changes"),
        ("accounts", "0006_audit_trail"),
        ("accounts", "0007_deskevent"),
        ("accounts", "0008_saved_views"),
    ]
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunSQL(INSTALL, REMOVE)]
