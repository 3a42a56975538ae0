"""The whole chart of accounts. Nothing was delivered or paid out before it: what sellers are owed so far is held for them."""

from django.db import migrations, models

RENAME = """
ALTER TABLE settlements_account DISABLE TRIGGER ledger_append_only;
UPDATE settlements_account SET kind = 'stripe_pending' WHERE kind = 'stripe_balance';
UPDATE settlements_account SET kind = 'seller_reserve' WHERE kind = 'seller_payable';
ALTER TABLE settlements_account ENABLE TRIGGER ledger_append_only;
"""
RENAME_BACK = """
ALTER TABLE settlements_account DISABLE TRIGGER ledger_append_only;
UPDATE settlements_account SET kind = 'stripe_balance' WHERE kind = 'stripe_pending';
UPDATE settlements_account SET kind = 'seller_payable' WHERE kind = 'seller_reserve';
ALTER TABLE settlements_account ENABLE TRIGGER ledger_append_only;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_biddinglimit_suspended_reason"),
        ("settlements", "0003_card_fingerprints"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="account",
            name="ledger_account_of_an_organization_or_the_house",
        ),
        migrations.AlterField(
            model_name="account",
            name="kind",
            field=models.CharField(
                choices=[
                    ("buyer_receivable", "Owed by a buyer"),
                    ("buyer_prepaid", "Prepaid by a buyer"),
                    ("seller_reserve", "Held for a seller until delivered"),
                    ("seller_payable", "Owed to a seller"),
                    ("platform_fees", "Platform fees earned"),
                    ("stripe_pending", "Balance at Stripe, pending"),
                    ("stripe_available", "Balance at Stripe, available"),
                    ("stripe_fees", "Stripe fees paid"),
                    ("refunds_in_flight", "Refunds on their way"),
                    ("disputes_in_flight", "Disputed, held by Stripe"),
                    ("bank", "Paid out to our bank"),
                    ("rounding", "Rounding"),
                    ("losses", "Losses borne by us"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunSQL(RENAME, RENAME_BACK),
        migrations.AlterField(
            model_name="transaction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("settlement_due", "Settlement drawn up"),
                    ("prepayment", "Prepayment received"),
                    ("prepaid_spent", "Paid from the prepaid balance"),
                    ("prepaid_returned", "Prepayment returned"),
                    ("charge", "Charge collected"),
                    ("funds_available", "Pending funds became available"),
                    ("default", "Buyer defaulted"),
                    ("delivered", "Delivered: owed to the seller"),
                    ("transfer", "Transferred to a seller"),
                    ("transfer_reversal", "Transfer taken back"),
                    ("refund", "Refund decided"),
                    ("refund_paid", "Refund left Stripe"),
                    ("refund_failed", "Refund came back"),
                    ("dispute_opened", "Dispute opened"),
                    ("dispute_won", "Dispute won"),
                    ("dispute_lost", "Dispute lost"),
                    ("payout", "Paid out to our bank"),
                    ("stripe_fee", "Other Stripe fee"),
                    ("rounding", "Rounding"),
                    ("reversal", "Reversal"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "kind__in",
                            ["buyer_receivable", "buyer_prepaid", "seller_reserve", "seller_payable"],
                        ),
                        ("organization__isnull", False),
                    ),
                    models.Q(
                        models.Q(
                            (
                                "kind__in",
                                ["buyer_receivable", "buyer_prepaid", "seller_reserve", "seller_payable"],
                            ),
                            _negated=True,
                        ),
                        ("organization", None),
                    ),
                    _connector="OR",
                ),
                name="ledger_account_of_an_organization_or_the_house",
            ),
        ),
    ]
