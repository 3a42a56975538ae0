"""Views that a person keeps belong to accounts, for other pages to have them too; the rows go with the table."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("settlements", "0027_bank_balances")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE settlements_savedview RENAME TO accounts_savedview",
                    "ALTER TABLE accounts_savedview RENAME TO settlements_savedview",
                )
            ],
            state_operations=[migrations.DeleteModel(name="SavedView")],
        )
    ]
