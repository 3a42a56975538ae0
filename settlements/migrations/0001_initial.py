"""The ledger, settlements, and all that moves money."""

import django.contrib.postgres.constraints
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.fields.json
import django.db.models.functions.datetime
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("auctions", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
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
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_accounts",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "organization"), name="ledger_account_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(
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
                                        [
                                            "buyer_receivable",
                                            "buyer_prepaid",
                                            "seller_reserve",
                                            "seller_payable",
                                        ],
                                    ),
                                    _negated=True,
                                ),
                                ("organization", None),
                            ),
                            _connector="OR",
                        ),
                        name="ledger_account_of_an_organization_or_the_house",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="stripe_customer",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                ("idempotency_key", models.UUIDField(unique=True)),
                ("stripe_id", models.CharField(blank=True, max_length=80, null=True, unique=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="SettledWindow",
            fields=[
                (
                    "window",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="settled_window",
                        serialize=False,
                        to="auctions.window",
                    ),
                ),
                ("settled_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="StripeEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("type", models.CharField(max_length=80)),
                (
                    "object_id",
                    models.CharField(
                        db_index=True, help_text="What it is about, such as pi_….", max_length=80
                    ),
                ),
                ("payload", models.JSONField(help_text="The event as Stripe sent it.")),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("handled_at", models.DateTimeField(blank=True, null=True)),
                ("note", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("handled_at", None)), fields=["id"], name="stripe_event_unhandled"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
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
                ("reference", models.CharField(max_length=120, unique=True)),
                ("stripe_object_id", models.CharField(blank=True, db_default="", max_length=80)),
                ("description", models.CharField(max_length=200)),
                ("posted_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [models.Index(fields=["posted_at"], name="transaction_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_object_id", ""), _negated=True),
                        fields=("stripe_object_id", "kind"),
                        name="ledger_stripe_object_booked_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BalanceDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(unique=True)),
                ("n_movements", models.BigIntegerField(default=0)),
                ("moved_cents", models.BigIntegerField(default=0, help_text="Net, as Stripe told it.")),
                ("booked_pending_cents", models.BigIntegerField(default=0)),
                ("booked_available_cents", models.BigIntegerField(default=0)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("stripe_pending_cents", models.BigIntegerField(blank=True, null=True)),
                ("stripe_available_cents", models.BigIntegerField(blank=True, null=True)),
                ("ledger_pending_cents", models.BigIntegerField(blank=True, null=True)),
                ("ledger_available_cents", models.BigIntegerField(blank=True, null=True)),
                ("pending_untied_since", models.DateTimeField(blank=True, null=True)),
                ("available_untied_since", models.DateTimeField(blank=True, null=True)),
                (
                    "all_looked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the last weeks were looked over for mismatches.",
                        null=True,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ledger_available_cents", None),
                                ("ledger_pending_cents", None),
                                ("read_at", None),
                                ("stripe_available_cents", None),
                                ("stripe_pending_cents", None),
                            ),
                            models.Q(
                                ("ledger_available_cents__isnull", False),
                                ("ledger_pending_cents__isnull", False),
                                ("read_at__isnull", False),
                                ("stripe_available_cents__isnull", False),
                                ("stripe_pending_cents__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="balance_day_read_whole",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BalanceMovement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("type", models.CharField(max_length=40)),
                ("source_id", models.CharField(blank=True, max_length=80)),
                ("amount_cents", models.BigIntegerField()),
                ("fee_cents", models.BigIntegerField()),
                ("net_cents", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("created_at", models.DateTimeField()),
                ("available_at", models.DateTimeField()),
                ("imported_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [
                    models.Index(fields=["source_id"], name="movement_by_source"),
                    models.Index(fields=["created_at"], name="movement_by_time"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "net_cents",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("amount_cents"), "-", models.F("fee_cents")
                                ),
                            )
                        ),
                        name="movement_net_is_amount_less_fee",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BankPayout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("amount_cents", models.BigIntegerField(help_text="Negative: Stripe took it from the bank.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "On its way"),
                            ("paid", "Paid"),
                            ("failed", "Returned by the bank"),
                            ("canceled", "Cancelled"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("automatic", models.BooleanField()),
                ("arrival_at", models.DateTimeField()),
                ("balance_transaction_id", models.CharField(max_length=80)),
                ("message", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "tied_at",
                    models.DateTimeField(
                        blank=True, help_text="When it was compared with the movements it holds.", null=True
                    ),
                ),
                (
                    "n_held",
                    models.BigIntegerField(
                        blank=True, help_text="Movements that Stripe says it holds.", null=True
                    ),
                ),
                ("held_cents", models.BigIntegerField(blank=True, help_text="Net of these.", null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents", 0), _negated=True),
                        name="bank_payout_of_something",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClosedPeriod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_day", models.DateField(unique=True)),
                ("closed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("n_transactions", models.BigIntegerField()),
                ("n_movements", models.BigIntegerField()),
                (
                    "closed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("first_day__day", 1)), name="period_begins_a_month"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FeePolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("bps", models.PositiveSmallIntegerField(help_text="Basis points: 500 is 5 %.")),
                ("valid_from", models.DateTimeField()),
                ("note", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "market",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fee_policies",
                        to="auctions.market",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "fee policies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("bps__lte", 10000)), name="fee_policy_is_a_share"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_from__gte", models.F("created_at"))),
                        name="fee_policy_for_the_future",
                    ),
                    models.UniqueConstraint(
                        fields=("market", "valid_from"), name="fee_policy_one_at_a_time", nulls_distinct=False
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                ("fee_cents", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("completed", "Completed"),
                            ("defaulted", "Defaulted"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "award",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lease", to="auctions.award"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="leases",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "-id"], name="lease_by_organization")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("fee_cents__gte", 0), ("fee_cents__lte", models.F("amount_cents"))
                        ),
                        name="lease_fee_within_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("status", "active")),
                            models.Q(
                                models.Q(("status", "active"), _negated=True), ("ended_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="lease_ended_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mismatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("window_not_settled", "Window cleared, not settled"),
                            ("awards_differ", "Awards and settlements differ"),
                            ("lines_differ", "Lines do not add up"),
                            ("not_booked", "Settlement not in the ledger"),
                            ("receivable_differs", "Owed and state disagree"),
                            ("movement_not_booked", "At Stripe, not in the ledger"),
                            ("booked_not_moved", "In the ledger, not at Stripe"),
                            ("net_differs", "Amount differs from Stripe’s"),
                            ("fee_differs", "Fee differs from Stripe’s"),
                            ("currency_differs", "Moved in another currency"),
                            ("availability_differs", "Pending and available differ"),
                            ("payout_differs", "Payout and its movements differ"),
                            ("balance_differs", "Balance differs from Stripe’s"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        help_text="What it is about, such as window:12 or ch_….", max_length=100
                    ),
                ),
                ("detail", models.CharField(max_length=300)),
                ("ours_cents", models.BigIntegerField(blank=True, null=True)),
                ("theirs_cents", models.BigIntegerField(blank=True, null=True)),
                (
                    "happened_at",
                    models.DateTimeField(
                        help_text="When what it is about happened: the day it is reconciled under."
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open_mismatch", "Open"), ("tied", "Ties now"), ("accepted", "Accepted")],
                        default="open_mismatch",
                        max_length=16,
                    ),
                ),
                ("found_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["status", "happened_at"], name="mismatch_by_status"),
                    models.Index(fields=["happened_at"], name="mismatch_by_day"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "open_mismatch")),
                        fields=("kind", "subject"),
                        name="mismatch_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "accepted"), _negated=True),
                            models.Q(("ended_by__isnull", False), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="mismatch_accepted_by_somebody_for_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentMethod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("brand", models.CharField(max_length=20)),
                ("last4", models.CharField(max_length=4)),
                ("exp_month", models.PositiveSmallIntegerField()),
                ("exp_year", models.PositiveSmallIntegerField()),
                (
                    "fingerprint",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Stripe's name for the card's number: the same for whoever adds it.",
                        max_length=40,
                    ),
                ),
                (
                    "spent_on_limit",
                    models.BooleanField(
                        default=False, help_text="Its number brought a starting limit and brings no other."
                    ),
                ),
                ("is_default", models.BooleanField(default=False)),
                ("added_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment_methods",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True), ("removed_at", None)),
                        fields=("organization",),
                        name="payment_method_one_default",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("spent_on_limit", True)),
                        fields=("fingerprint",),
                        name="payment_method_brings_one_limit",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Prepayment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "method",
                    models.CharField(
                        choices=[("card", "Card"), ("bank_transfer", "Bank transfer")], max_length=14
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                ("currency", models.CharField(default="usd", max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Waits for the payment"),
                            ("received", "Received"),
                            ("expired", "Never paid"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("form_key", models.UUIDField(unique=True)),
                ("stripe_session_id", models.CharField(blank=True, max_length=80)),
                ("stripe_payment_intent_id", models.CharField(blank=True, max_length=80)),
                ("stripe_charge_id", models.CharField(blank=True, max_length=80)),
                (
                    "page_url",
                    models.URLField(blank=True, help_text="Stripe's page where it is paid.", max_length=2000),
                ),
                (
                    "instructions",
                    models.JSONField(blank=True, help_text="Where to send a bank transfer.", null=True),
                ),
                ("remaining_cents", models.BigIntegerField()),
                ("n_calls", models.PositiveSmallIntegerField(default=1)),
                ("called_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prepayments",
                        to="accounts.organization",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "-id"], name="prepayment_by_org"),
                    models.Index(
                        condition=models.Q(("status", "open")), fields=["called_at"], name="prepayment_open"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="prepayment_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("remaining_cents__gte", 0), ("remaining_cents__lte", models.F("amount_cents"))
                        ),
                        name="prepayment_remaining",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "received"), _negated=True),
                            models.Q(("received_at__isnull", False), ("remaining_cents", 0)),
                            _connector="OR",
                        ),
                        name="prepayment_received_when",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_payment_intent_id", ""), _negated=True),
                        fields=("stripe_payment_intent_id",),
                        name="prepayment_own_payment_intent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SellerAccount",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="seller_account",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                ("idempotency_key", models.UUIDField(unique=True)),
                (
                    "email",
                    models.EmailField(help_text="Whom Stripe writes to: who set it up.", max_length=254),
                ),
                ("stripe_id", models.CharField(blank=True, max_length=80, null=True, unique=True)),
                ("details_submitted", models.BooleanField(default=False)),
                ("payouts_enabled", models.BooleanField(default=False)),
                ("transfers_active", models.BooleanField(default=False)),
                (
                    "currently_due",
                    models.JSONField(blank=True, default=list, help_text="What Stripe still asks for."),
                ),
                ("disabled_reason", models.CharField(blank=True, max_length=100)),
                (
                    "checked_at",
                    models.DateTimeField(blank=True, help_text="When Stripe was last asked.", null=True),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("stripe_id__isnull", False),
                            models.Q(("payouts_enabled", False), ("transfers_active", False)),
                            _connector="OR",
                        ),
                        name="seller_account_paid_once_at_stripe",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LeaseMonth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("amount_cents", models.BigIntegerField()),
                ("fee_cents", models.BigIntegerField()),
                (
                    "lease",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="months",
                        to="settlements.lease",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["starts_at"], name="lease_month_by_start")],
                "constraints": [
                    models.UniqueConstraint(fields=("lease", "number"), name="lease_month_once"),
                    models.UniqueConstraint(fields=("lease", "starts_at"), name="lease_month_starts_once"),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="lease_month_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("fee_cents__gte", 0), ("fee_cents__lte", models.F("amount_cents"))
                        ),
                        name="lease_month_fee_within_amount",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PendingFunds",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "stripe_id",
                    models.CharField(
                        help_text="Stripe's balance transaction, txn_….", max_length=80, unique=True
                    ),
                ),
                ("net_cents", models.BigIntegerField()),
                ("available_at", models.DateTimeField()),
                ("booked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "posted",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pending_funds",
                        to="settlements.transaction",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("booked_at", None)),
                        fields=["available_at"],
                        name="pending_funds_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PrepaidDispute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("amount_cents", models.BigIntegerField()),
                ("reason", models.CharField(help_text="The cardholder's, in Stripe's words.", max_length=60)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("inquiry", "The bank asks"),
                            ("under_review", "The bank decides"),
                            ("won", "Won"),
                            ("closed", "Closed without a loss"),
                            ("lost", "Lost"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(blank=True, help_text="Evidence after this is too late.", null=True),
                ),
                ("taken_cents", models.BigIntegerField(default=0)),
                ("taken_fee_cents", models.BigIntegerField(default=0)),
                ("returned_cents", models.BigIntegerField(default=0)),
                ("returned_fee_cents", models.BigIntegerField(default=0)),
                (
                    "frozen_cents",
                    models.BigIntegerField(default=0, help_text="Of what was taken, off the balance."),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "checked_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When Stripe was last asked.",
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "prepayment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="settlements.prepayment",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["inquiry", "under_review"])),
                        fields=["id"],
                        name="prepaid_dispute_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="prepaid_dispute_of_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("frozen_cents__gte", 0),
                            ("frozen_cents__lte", models.F("taken_cents")),
                            ("returned_cents__gte", 0),
                            ("returned_cents__lte", models.F("taken_cents")),
                        ),
                        name="prepaid_dispute_within_what_was_taken",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SellerAccountEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                (
                    "email",
                    models.EmailField(help_text="Whom Stripe writes to: who set it up.", max_length=254),
                ),
                ("stripe_id", models.CharField(blank=True, max_length=80, null=True)),
                ("details_submitted", models.BooleanField(default=False)),
                ("payouts_enabled", models.BooleanField(default=False)),
                ("transfers_active", models.BooleanField(default=False)),
                (
                    "currently_due",
                    models.JSONField(blank=True, default=list, help_text="What Stripe still asks for."),
                ),
                ("disabled_reason", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.selleraccount",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="selleraccount_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="selleraccount_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="selleraccount_ev_person",
                    ),
                ],
            },
        ),
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
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("balance_cents__lte", 0), ("may_owe", True), _connector="OR"),
                        name="ledger_reserve_not_overdrawn",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClosedPeriodEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("first_day", models.DateField()),
                ("closed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("n_transactions", models.BigIntegerField()),
                ("n_movements", models.BigIntegerField()),
                (
                    "closed_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.closedperiod",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="closedperiod_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="closedperiod_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="closedperiod_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="settlements.account",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="settlements.transaction",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents", 0), _negated=True), name="ledger_entry_not_zero"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FeePolicyEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("bps", models.PositiveSmallIntegerField(help_text="Basis points: 500 is 5 %.")),
                ("valid_from", models.DateTimeField()),
                ("note", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "added_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "market",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auctions.market",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.feepolicy",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="feepolicy_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="feepolicy_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="feepolicy_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LeaseEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("amount_cents", models.BigIntegerField()),
                ("fee_cents", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("completed", "Completed"),
                            ("defaulted", "Defaulted"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "award",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auctions.award",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.lease",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="lease_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="lease_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="lease_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MismatchEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("window_not_settled", "Window cleared, not settled"),
                            ("awards_differ", "Awards and settlements differ"),
                            ("lines_differ", "Lines do not add up"),
                            ("not_booked", "Settlement not in the ledger"),
                            ("receivable_differs", "Owed and state disagree"),
                            ("movement_not_booked", "At Stripe, not in the ledger"),
                            ("booked_not_moved", "In the ledger, not at Stripe"),
                            ("net_differs", "Amount differs from Stripe’s"),
                            ("fee_differs", "Fee differs from Stripe’s"),
                            ("currency_differs", "Moved in another currency"),
                            ("availability_differs", "Pending and available differ"),
                            ("payout_differs", "Payout and its movements differ"),
                            ("balance_differs", "Balance differs from Stripe’s"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        help_text="What it is about, such as window:12 or ch_….", max_length=100
                    ),
                ),
                ("detail", models.CharField(max_length=300)),
                ("ours_cents", models.BigIntegerField(blank=True, null=True)),
                ("theirs_cents", models.BigIntegerField(blank=True, null=True)),
                (
                    "happened_at",
                    models.DateTimeField(
                        help_text="When what it is about happened: the day it is reconciled under."
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open_mismatch", "Open"), ("tied", "Ties now"), ("accepted", "Accepted")],
                        default="open_mismatch",
                        max_length=16,
                    ),
                ),
                ("found_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.mismatch",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="mismatch_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="mismatch_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="mismatch_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutMovement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "movement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paid_out_by",
                        to="settlements.balancemovement",
                    ),
                ),
                (
                    "payout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="settlements.bankpayout",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("payout", "movement"), name="payout_holds_a_movement_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PrepaidReturn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("sending", "On its way"),
                            ("returned", "Returned"),
                            ("failed", "Failed: on the balance again"),
                        ],
                        default="sending",
                        max_length=8,
                    ),
                ),
                ("form_key", models.UUIDField(help_text="Comes with the form: sent twice, it asks once.")),
                ("idempotency_key", models.UUIDField(unique=True)),
                ("stripe_refund_id", models.CharField(blank=True, max_length=80)),
                (
                    "paid_transaction_id",
                    models.CharField(
                        blank=True,
                        help_text="The balance transaction with which the money left.",
                        max_length=80,
                    ),
                ),
                (
                    "failed_transaction_id",
                    models.CharField(
                        blank=True,
                        help_text="The balance transaction with which it came back.",
                        max_length=80,
                    ),
                ),
                (
                    "message",
                    models.CharField(
                        blank=True, help_text="Why it failed, in people's words.", max_length=300
                    ),
                ),
                ("n_calls", models.PositiveSmallIntegerField(default=0)),
                ("called_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "prepayment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="settlements.prepayment",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "sending")),
                        fields=["called_at"],
                        name="prepaid_return_sending",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="prepaid_return_of_something"
                    ),
                    models.UniqueConstraint(
                        fields=("form_key", "prepayment"), name="prepaid_return_asked_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_refund_id", ""), _negated=True),
                        fields=("stripe_refund_id",),
                        name="prepaid_return_own_stripe_refund",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PrepaymentEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                (
                    "method",
                    models.CharField(
                        choices=[("card", "Card"), ("bank_transfer", "Bank transfer")], max_length=14
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                ("currency", models.CharField(default="usd", max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Waits for the payment"),
                            ("received", "Received"),
                            ("expired", "Never paid"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("stripe_session_id", models.CharField(blank=True, max_length=80)),
                ("stripe_payment_intent_id", models.CharField(blank=True, max_length=80)),
                ("stripe_charge_id", models.CharField(blank=True, max_length=80)),
                ("remaining_cents", models.BigIntegerField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.prepayment",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="prepayment_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="prepayment_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="prepayment_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Settlement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_ticks", models.BigIntegerField()),
                ("amount_cents", models.BigIntegerField()),
                (
                    "prepaid_cents",
                    models.BigIntegerField(
                        default=0, help_text="The part that the prepaid balance paid when it was drawn up."
                    ),
                ),
                (
                    "carried_in_cents",
                    models.BigIntegerField(
                        default=0, help_text="What it collects of the settlements carried into it."
                    ),
                ),
                ("currency", models.CharField(default="usd", max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("due", "Due"),
                            ("charging", "Charging"),
                            ("action_required", "Needs authentication"),
                            ("declined", "Declined"),
                            ("paid", "Paid"),
                            ("carried", "Carried to the next settlement"),
                            ("defaulted", "Defaulted"),
                            ("written_off", "Written off"),
                        ],
                        default="due",
                        max_length=16,
                    ),
                ),
                (
                    "refunded_cents",
                    models.BigIntegerField(default=0, help_text="Of the amount, decided to go back."),
                ),
                (
                    "refunded_prepaid_cents",
                    models.BigIntegerField(default=0, help_text="Of that, to the prepaid balance."),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="The finance person who looks after it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "carried_into",
                    models.ForeignKey(
                        blank=True,
                        help_text="The settlement that collects this one, too small for a card by itself.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="carried_in",
                        to="settlements.settlement",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlements",
                        to="accounts.organization",
                    ),
                ),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlements",
                        to="auctions.window",
                    ),
                ),
                (
                    "lease_month",
                    models.OneToOneField(
                        blank=True,
                        help_text="The month of a lease that it charges; none: what else was won in the window.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement",
                        to="settlements.leasemonth",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["status", "id"], name="settlement_by_status"),
                    models.Index(fields=["organization", "-id"], name="settlement_by_organization"),
                    models.Index(fields=["amount_cents", "id"], name="settlement_by_amount"),
                    models.Index(fields=["created_at"], name="settlement_by_age"),
                    models.Index(
                        condition=models.Q(("assignee__isnull", False)),
                        fields=["assignee", "id"],
                        name="settlement_by_assignee",
                    ),
                    models.Index(
                        condition=models.Q(("status", "paid"), _negated=True),
                        fields=["id"],
                        name="settlement_unpaid",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lease_month", None)),
                        fields=("window", "organization"),
                        name="settlement_once_per_buyer_and_window",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gte", 0)), name="settlement_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("prepaid_cents__gte", 0), ("prepaid_cents__lte", models.F("amount_cents"))
                        ),
                        name="settlement_prepaid_within_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("carried_into", None),
                            models.Q(("carried_in_cents", 0), ("status__in", ["carried", "paid"])),
                            _connector="OR",
                        ),
                        name="settlement_carried_while_too_small",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("carried_in_cents__gte", 0)),
                        name="settlement_carried_in_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "amount_cents",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("amount_ticks"), "/", models.Value(100)
                                ),
                            )
                        ),
                        name="settlement_rounded_down_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_cents__gte", models.F("refunded_prepaid_cents")),
                            ("refunded_cents__lte", models.F("amount_cents")),
                            ("refunded_prepaid_cents__gte", 0),
                        ),
                        name="settlement_refunded_within_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "refunded_cents__lte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("amount_cents"), "-", models.F("prepaid_cents")
                                    ),
                                    "+",
                                    models.F("refunded_prepaid_cents"),
                                ),
                            ),
                            ("refunded_prepaid_cents__lte", models.F("prepaid_cents")),
                        ),
                        name="settlement_refunded_as_paid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("paid_at__isnull", False), ("status", "paid")),
                            models.Q(("status", "paid"), _negated=True),
                            _connector="OR",
                        ),
                        name="settlement_paid_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PrepaidReturnEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("amount_cents", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("sending", "On its way"),
                            ("returned", "Returned"),
                            ("failed", "Failed: on the balance again"),
                        ],
                        default="sending",
                        max_length=8,
                    ),
                ),
                ("stripe_refund_id", models.CharField(blank=True, max_length=80)),
                (
                    "paid_transaction_id",
                    models.CharField(
                        blank=True,
                        help_text="The balance transaction with which the money left.",
                        max_length=80,
                    ),
                ),
                (
                    "failed_transaction_id",
                    models.CharField(
                        blank=True,
                        help_text="The balance transaction with which it came back.",
                        max_length=80,
                    ),
                ),
                (
                    "message",
                    models.CharField(
                        blank=True, help_text="Why it failed, in people's words.", max_length=300
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.prepaidreturn",
                    ),
                ),
                (
                    "prepayment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.prepayment",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="prepaidreturn_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="prepaidreturn_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="prepaidreturn_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PrepaidDisputeEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("stripe_id", models.CharField(max_length=80)),
                ("amount_cents", models.BigIntegerField()),
                ("reason", models.CharField(help_text="The cardholder's, in Stripe's words.", max_length=60)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("inquiry", "The bank asks"),
                            ("under_review", "The bank decides"),
                            ("won", "Won"),
                            ("closed", "Closed without a loss"),
                            ("lost", "Lost"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(blank=True, help_text="Evidence after this is too late.", null=True),
                ),
                ("taken_cents", models.BigIntegerField(default=0)),
                ("taken_fee_cents", models.BigIntegerField(default=0)),
                ("returned_cents", models.BigIntegerField(default=0)),
                ("returned_fee_cents", models.BigIntegerField(default=0)),
                (
                    "frozen_cents",
                    models.BigIntegerField(default=0, help_text="Of what was taken, off the balance."),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.prepaiddispute",
                    ),
                ),
                (
                    "prepayment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.prepayment",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="prepaiddispute_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="prepaiddispute_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="prepaiddispute_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SettlementEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("amount_ticks", models.BigIntegerField()),
                ("amount_cents", models.BigIntegerField()),
                (
                    "prepaid_cents",
                    models.BigIntegerField(
                        default=0, help_text="The part that the prepaid balance paid when it was drawn up."
                    ),
                ),
                (
                    "carried_in_cents",
                    models.BigIntegerField(
                        default=0, help_text="What it collects of the settlements carried into it."
                    ),
                ),
                ("currency", models.CharField(default="usd", max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("due", "Due"),
                            ("charging", "Charging"),
                            ("action_required", "Needs authentication"),
                            ("declined", "Declined"),
                            ("paid", "Paid"),
                            ("carried", "Carried to the next settlement"),
                            ("defaulted", "Defaulted"),
                            ("written_off", "Written off"),
                        ],
                        default="due",
                        max_length=16,
                    ),
                ),
                (
                    "refunded_cents",
                    models.BigIntegerField(default=0, help_text="Of the amount, decided to go back."),
                ),
                (
                    "refunded_prepaid_cents",
                    models.BigIntegerField(default=0, help_text="Of that, to the prepaid balance."),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="The finance person who looks after it.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "carried_into",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="The settlement that collects this one, too small for a card by itself.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.settlement",
                    ),
                ),
                (
                    "lease_month",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="The month of a lease that it charges; none: what else was won in the window.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.leasemonth",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.settlement",
                    ),
                ),
                (
                    "window",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auctions.window",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="settlement_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="settlement_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="settlement_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SettlementLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField(help_text="First hour that this line pays for.")),
                ("ends_at", models.DateTimeField()),
                ("amount_cents", models.BigIntegerField()),
                ("fee_cents", models.BigIntegerField()),
                (
                    "fee_bps",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="The fee in force when its window closed, basis points.",
                        null=True,
                    ),
                ),
                (
                    "refunded_cents",
                    models.BigIntegerField(default=0, help_text="Of the amount, decided to go back."),
                ),
                (
                    "refunded_fee_cents",
                    models.BigIntegerField(default=0, help_text="Of that, the platform's part."),
                ),
                (
                    "award",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement_lines",
                        to="auctions.award",
                    ),
                ),
                (
                    "fee_policy",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="The version it came from; empty: the setting.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="settlements.feepolicy",
                    ),
                ),
                (
                    "seller",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sales",
                        to="accounts.organization",
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="settlements.settlement",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["seller", "-id"], name="settlement_line_by_seller")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("award", "starts_at"), name="settlement_line_pays_an_hour_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="settlement_line_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_cents__gte", models.F("refunded_fee_cents")),
                            (
                                "refunded_cents__lte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("amount_cents"), "-", models.F("fee_cents")
                                    ),
                                    "+",
                                    models.F("refunded_fee_cents"),
                                ),
                            ),
                            ("refunded_fee_cents__gte", 0),
                            ("refunded_fee_cents__lte", models.F("fee_cents")),
                        ),
                        name="settlement_line_refunded_within_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_cents__gte", models.F("fee_cents")), ("fee_cents__gte", 0)
                        ),
                        name="settlement_line_fee_within_amount",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SettlementNote",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=2000)),
                ("written_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="settlements.settlement",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="settlement_note_says_something"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Default",
            fields=[
                (
                    "settlement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="default",
                        serialize=False,
                        to="settlements.settlement",
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                ("limit_before_cents", models.BigIntegerField()),
                ("limit_after_cents", models.BigIntegerField()),
                ("reason", models.CharField(max_length=300)),
                ("defaulted_at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="defaults",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "-defaulted_at"], name="default_by_organization")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_after_cents__gte", 0),
                            ("limit_after_cents__lte", models.F("limit_before_cents")),
                        ),
                        name="default_never_raises_the_limit",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Dunning",
            fields=[
                (
                    "settlement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="dunning",
                        serialize=False,
                        to="settlements.settlement",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("no_card", "No card on file"),
                            ("declined", "Declined"),
                            ("authentication", "The bank wants the buyer to confirm"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "policy",
                    models.CharField(
                        help_text="Name of its schedule (settlements/dunning.py).", max_length=20
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("delivery_at", models.DateTimeField()),
                ("deadline_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("deadline_at__lte", models.F("delivery_at")),
                            ("deadline_at", models.F("opened_at")),
                            _connector="OR",
                        ),
                        name="dunning_deadline_not_after_delivery",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("deadline_at__gte", models.F("opened_at"))),
                        name="dunning_deadline_not_before_it_opened",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CollectionDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("extended", "Deadline extended"),
                            ("retried", "Card tried again"),
                            ("defaulted", "Default called"),
                            ("written_off", "Written off"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("detail", models.CharField(blank=True, max_length=200)),
                ("decided_at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="settlements.settlement",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="decision_has_a_reason"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("stripe_charge_id", models.CharField(max_length=80)),
                ("amount_cents", models.BigIntegerField()),
                ("reason", models.CharField(help_text="The cardholder's, in Stripe's words.", max_length=60)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("inquiry", "The bank asks"),
                            ("needs_response", "Answer needed"),
                            ("under_review", "The bank decides"),
                            ("won", "Won"),
                            ("closed", "Closed without a loss"),
                            ("lost", "Lost: who bears it?"),
                            ("borne", "Lost and settled"),
                        ],
                        default="needs_response",
                        max_length=16,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(blank=True, help_text="Evidence after this is too late.", null=True),
                ),
                ("taken_cents", models.BigIntegerField(default=0)),
                ("taken_fee_cents", models.BigIntegerField(default=0)),
                ("returned_cents", models.BigIntegerField(default=0)),
                ("returned_fee_cents", models.BigIntegerField(default=0)),
                (
                    "evidence",
                    models.JSONField(
                        blank=True, help_text="What was handed to the bank, by Stripe's field.", null=True
                    ),
                ),
                ("evidence_key", models.UUIDField(blank=True, null=True, unique=True)),
                ("evidence_at", models.DateTimeField(blank=True, null=True)),
                (
                    "bearer",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("seller", "The sellers and our fee, as with a refund"),
                            ("platform", "We do, as a loss"),
                        ],
                        max_length=10,
                    ),
                ),
                ("borne_note", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "checked_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When Stripe was last asked.",
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "borne_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who decided on it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "evidence_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="settlements.settlement",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["status", "due_at"], name="dispute_by_status"),
                    models.Index(fields=["settlement"], name="dispute_by_settlement"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="dispute_of_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("returned_cents__gte", 0), ("taken_cents__gte", models.F("returned_cents"))
                        ),
                        name="dispute_returns_no_more_than_it_took",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("status", "borne"),
                                models.Q(("bearer", ""), _negated=True),
                                ("borne_by__isnull", False),
                            ),
                            models.Q(
                                models.Q(("status", "borne"), _negated=True),
                                ("bearer", ""),
                                ("borne_by", None),
                            ),
                            _connector="OR",
                        ),
                        name="dispute_borne_by_somebody",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("no_card", "No card on file"),
                            ("declined", "Card declined"),
                            ("authentication", "Bank wants the buyer to confirm"),
                            ("reminder", "Reminder"),
                            ("extended", "Deadline extended"),
                            ("defaulted", "Defaulted"),
                            ("late_payment", "Paid after default"),
                            ("refunded", "Refund decided"),
                            ("disputed", "Payment disputed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "ended_at",
                    models.DateTimeField(blank=True, help_text="When it was sent, or given up.", null=True),
                ),
                ("n_recipients", models.PositiveSmallIntegerField(default=0)),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="settlements.settlement",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["id"], name="notice_unsent")
                ],
            },
        ),
        migrations.CreateModel(
            name="ChargeAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("idempotency_key", models.UUIDField(unique=True)),
                ("amount_cents", models.BigIntegerField(help_text="What it asks of the card.")),
                ("on_session", models.BooleanField(default=False)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("unknown", "Not known yet"),
                            ("succeeded", "Succeeded"),
                            ("action_required", "Waiting for authentication"),
                            ("declined", "Declined"),
                            ("cancelled", "Given up for another card"),
                        ],
                        default="unknown",
                        max_length=16,
                    ),
                ),
                ("stripe_payment_intent_id", models.CharField(blank=True, max_length=80)),
                ("stripe_charge_id", models.CharField(blank=True, max_length=80)),
                ("decline_code", models.CharField(blank=True, max_length=60)),
                (
                    "message",
                    models.CharField(
                        blank=True, help_text="Why it failed, in people's words.", max_length=300
                    ),
                ),
                ("n_calls", models.PositiveSmallIntegerField(default=1)),
                ("called_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="settlements.settlement",
                    ),
                ),
                (
                    "payment_method",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="settlements.paymentmethod",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome__in", ["unknown", "action_required"])),
                        fields=["called_at"],
                        name="charge_attempt_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="charge_attempt_positive"
                    ),
                    models.UniqueConstraint(
                        fields=("settlement", "number"), name="charge_attempt_numbered_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("outcome__in", ["unknown", "action_required", "succeeded"])),
                        fields=("settlement",),
                        name="charge_attempt_one_that_may_take_money",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_payment_intent_id", ""), _negated=True),
                        fields=("stripe_payment_intent_id",),
                        name="charge_attempt_own_payment_intent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                ("card_cents", models.BigIntegerField(default=0)),
                ("prepaid_cents", models.BigIntegerField(default=0)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("outage", "Outage"),
                            ("missed_handover", "No hand-over"),
                            ("default_of_lease", "Lease ended by default"),
                            ("goodwill", "Goodwill"),
                            ("duplicate", "Charged twice"),
                            ("dispute", "Dispute lost"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="For finance: why, in a sentence.", max_length=300
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Waits for a second person"),
                            ("approved", "Decided"),
                            ("sending", "On its way"),
                            ("succeeded", "Refunded"),
                            ("failed", "Failed"),
                            ("credited", "Credited to the balance"),
                            ("cancelled", "Not decided"),
                        ],
                        default="proposed",
                        max_length=16,
                    ),
                ),
                (
                    "needs_second",
                    models.BooleanField(default=False, help_text="Two finance people must agree."),
                ),
                (
                    "message",
                    models.CharField(
                        blank=True, help_text="Why it failed, in people's words.", max_length=300
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "credited_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the rules did.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="settlements.settlement",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["status", "-id"], name="refund_by_status"),
                    models.Index(fields=["settlement", "id"], name="refund_by_settlement"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="refund_of_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("card_cents__gte", 0),
                            ("prepaid_cents__gte", 0),
                            models.Q(
                                ("status", "proposed"),
                                ("status", "cancelled"),
                                (
                                    "amount_cents",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("card_cents"), "+", models.F("prepaid_cents")
                                    ),
                                ),
                                _connector="OR",
                            ),
                        ),
                        name="refund_to_card_and_balance",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["proposed", "cancelled"]),
                            ("needs_second", False),
                            models.Q(
                                ("decided_by__isnull", False),
                                models.Q(
                                    ("proposed_by", None),
                                    models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="refund_four_eyes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["proposed", "cancelled"]),
                            ("decided_at__isnull", False),
                            _connector="OR",
                        ),
                        name="refund_decided_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DunningStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("retry", "Try the card again"),
                            ("reminder", "Reminder"),
                            ("deadline", "Deadline"),
                        ],
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
                ("result", models.CharField(blank=True, max_length=200)),
                (
                    "dunning",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="settlements.dunning",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("taken_at", None)),
                        fields=["due_at", "id"],
                        name="dunning_step_ahead",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("dunning", "kind", "due_at"), name="dunning_step_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "deadline"), ("taken_at", None)),
                        fields=("dunning",),
                        name="dunning_one_deadline_ahead",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("taken_at", None), models.Q(("result", ""), _negated=True), _connector="OR"
                        ),
                        name="dunning_step_taken_with_a_result",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("awaiting_payment", "Waits for payment"),
                            ("handover_due", "Hand-over due"),
                            ("ready", "Handed over"),
                            ("running", "Running"),
                            ("delivered", "Delivered"),
                            ("missed", "Hand-over missed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="awaiting_payment",
                        max_length=16,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, help_text="When the hand-over is due: once paid.", null=True
                    ),
                ),
                (
                    "handed_over_at",
                    models.DateTimeField(blank=True, help_text="When it was first handed over.", null=True),
                ),
                ("missed_at", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries_bought",
                        to="accounts.organization",
                    ),
                ),
                (
                    "seller",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries_sold",
                        to="accounts.organization",
                    ),
                ),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="delivery",
                        to="settlements.settlementline",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["delivered", "cancelled"]), _negated=True),
                        fields=["status", "starts_at"],
                        name="delivery_live",
                    ),
                    models.Index(fields=["seller", "-starts_at", "-id"], name="delivery_by_seller"),
                    models.Index(fields=["buyer", "-starts_at", "-id"], name="delivery_by_buyer"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="delivery_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("due_at", None), ("status", "awaiting_payment")),
                            ("status", "cancelled"),
                            models.Q(
                                models.Q(("status", "awaiting_payment"), _negated=True),
                                ("due_at__gte", models.F("starts_at")),
                                ("due_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="delivery_due_once_paid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["ready", "running"]), _negated=True),
                            ("handed_over_at__isnull", False),
                            _connector="OR",
                        ),
                        name="delivery_runs_once_handed_over",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("delivered_at__isnull", False), ("status", "delivered")),
                            models.Q(
                                models.Q(("status", "delivered"), _negated=True), ("delivered_at", None)
                            ),
                            _connector="OR",
                        ),
                        name="delivery_delivered_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DisputeEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("stripe_id", models.CharField(max_length=80)),
                ("stripe_charge_id", models.CharField(max_length=80)),
                ("amount_cents", models.BigIntegerField()),
                ("reason", models.CharField(help_text="The cardholder's, in Stripe's words.", max_length=60)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("inquiry", "The bank asks"),
                            ("needs_response", "Answer needed"),
                            ("under_review", "The bank decides"),
                            ("won", "Won"),
                            ("closed", "Closed without a loss"),
                            ("lost", "Lost: who bears it?"),
                            ("borne", "Lost and settled"),
                        ],
                        default="needs_response",
                        max_length=16,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(blank=True, help_text="Evidence after this is too late.", null=True),
                ),
                ("taken_cents", models.BigIntegerField(default=0)),
                ("taken_fee_cents", models.BigIntegerField(default=0)),
                ("returned_cents", models.BigIntegerField(default=0)),
                ("returned_fee_cents", models.BigIntegerField(default=0)),
                ("evidence_at", models.DateTimeField(blank=True, null=True)),
                (
                    "bearer",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("seller", "The sellers and our fee, as with a refund"),
                            ("platform", "We do, as a loss"),
                        ],
                        max_length=10,
                    ),
                ),
                ("borne_note", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "borne_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Who decided on it.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "evidence_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.dispute",
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.settlement",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="dispute_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="dispute_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="dispute_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("idempotency_key", models.UUIDField(unique=True)),
                (
                    "stripe_charge_id",
                    models.CharField(help_text="The charge it gives back from.", max_length=80),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("unknown", "Not known yet"),
                            ("pending", "Pending at the bank"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                        ],
                        default="unknown",
                        max_length=16,
                    ),
                ),
                ("stripe_refund_id", models.CharField(blank=True, max_length=80)),
                (
                    "paid_transaction_id",
                    models.CharField(
                        blank=True,
                        help_text="The balance transaction with which the money left.",
                        max_length=80,
                    ),
                ),
                (
                    "failed_transaction_id",
                    models.CharField(
                        blank=True,
                        help_text="The balance transaction with which it came back.",
                        max_length=80,
                    ),
                ),
                ("failure_code", models.CharField(blank=True, max_length=60)),
                ("n_calls", models.PositiveSmallIntegerField(default=1)),
                ("called_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="settlements.refund",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome__in", ["unknown", "pending"])),
                        fields=["called_at"],
                        name="refund_attempt_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("refund", "number"), name="refund_attempt_numbered_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("outcome__in", ["unknown", "pending", "succeeded"])),
                        fields=("refund",),
                        name="refund_attempt_one_that_may_take_money",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_refund_id", ""), _negated=True),
                        fields=("stripe_refund_id",),
                        name="refund_attempt_own_stripe_refund",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("amount_cents", models.BigIntegerField()),
                ("card_cents", models.BigIntegerField(default=0)),
                ("prepaid_cents", models.BigIntegerField(default=0)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("outage", "Outage"),
                            ("missed_handover", "No hand-over"),
                            ("default_of_lease", "Lease ended by default"),
                            ("goodwill", "Goodwill"),
                            ("duplicate", "Charged twice"),
                            ("dispute", "Dispute lost"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="For finance: why, in a sentence.", max_length=300
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Waits for a second person"),
                            ("approved", "Decided"),
                            ("sending", "On its way"),
                            ("succeeded", "Refunded"),
                            ("failed", "Failed"),
                            ("credited", "Credited to the balance"),
                            ("cancelled", "Not decided"),
                        ],
                        default="proposed",
                        max_length=16,
                    ),
                ),
                (
                    "needs_second",
                    models.BooleanField(default=False, help_text="Two finance people must agree."),
                ),
                (
                    "message",
                    models.CharField(
                        blank=True, help_text="Why it failed, in people's words.", max_length=300
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "credited_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.refund",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Empty: the rules did.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.settlement",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="refund_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="refund_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="refund_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                ("fee_cents", models.BigIntegerField(default=0)),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="settlements.refund",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refund_lines",
                        to="settlements.settlementline",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("refund", "line"), name="refund_line_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_cents__gt", 0),
                            ("amount_cents__gte", models.F("fee_cents")),
                            ("fee_cents__gte", 0),
                        ),
                        name="refund_line_fee_within_amount",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SshKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line", models.TextField(help_text="As it stands in an authorized_keys file.")),
                ("type", models.CharField(max_length=30)),
                ("comment", models.CharField(blank=True, max_length=100)),
                (
                    "fingerprint",
                    models.CharField(help_text="SHA256:…, as ssh-keygen -l shows it.", max_length=60),
                ),
                ("added_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "deliveries",
                    models.ManyToManyField(blank=True, related_name="ssh_keys", to="settlements.delivery"),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ssh_keys",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at", None)),
                        fields=("organization", "fingerprint"),
                        name="ssh_key_once_per_organization",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "amount_cents",
                    models.BigIntegerField(help_text="Lowered by a refund before it is sent; never raised."),
                ),
                (
                    "reversed_cents",
                    models.BigIntegerField(default=0, help_text="Of the amount, taken back since."),
                ),
                ("currency", models.CharField(default="usd", max_length=3)),
                (
                    "source_charge_id",
                    models.CharField(blank=True, help_text="The card payment it draws on.", max_length=80),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending_approval", "Waits for approval"),
                            ("approved", "Ready to send"),
                            ("sending", "Being sent"),
                            ("paid", "Paid"),
                            ("failed", "Failed"),
                            ("rejected", "Rejected"),
                            ("reversed", "Taken back"),
                            ("cancelled", "Nothing left to pay"),
                        ],
                        default="approved",
                        max_length=16,
                    ),
                ),
                (
                    "needs_second",
                    models.BooleanField(default=False, help_text="Two finance people must agree."),
                ),
                ("proposed_at", models.DateTimeField(blank=True, null=True)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("rejected_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="Why it was rejected, in a sentence.", max_length=300
                    ),
                ),
                (
                    "message",
                    models.CharField(
                        blank=True, help_text="Why it waits or failed, for people.", max_length=300
                    ),
                ),
                ("idempotency_key", models.UUIDField(unique=True)),
                ("n_calls", models.PositiveSmallIntegerField(default=0)),
                ("called_at", models.DateTimeField(blank=True, null=True)),
                (
                    "next_try_at",
                    models.DateTimeField(
                        blank=True, help_text="Empty: as soon as it may be sent.", null=True
                    ),
                ),
                ("stripe_transfer_id", models.CharField(blank=True, max_length=80)),
                ("balance_transaction_id", models.CharField(blank=True, max_length=80)),
                (
                    "available_on",
                    models.DateTimeField(
                        blank=True,
                        help_text="Paid out of pending funds that become available then.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rejected_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "seller",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["seller", "-id"], name="transfer_by_seller"),
                    models.Index(fields=["status", "-id"], name="transfer_by_status"),
                    models.Index(
                        condition=models.Q(("status__in", ["approved", "sending"])),
                        fields=["status", "next_try_at"],
                        name="transfer_to_send",
                    ),
                    models.Index(
                        condition=models.Q(("available_on__isnull", False)),
                        fields=["available_on"],
                        name="transfer_pending_funds",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("delivery", "number"), name="transfer_numbered_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0), ("amount_cents__lte", 99999999)),
                        name="transfer_of_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reversed_cents__gte", 0), ("reversed_cents__lte", models.F("amount_cents"))
                        ),
                        name="transfer_reversed_within_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency", "usd")), name="transfer_in_dollars"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("needs_second", False),
                            ("status__in", ["pending_approval", "rejected", "cancelled"]),
                            models.Q(
                                ("approved_by__isnull", False),
                                ("proposed_by__isnull", False),
                                models.Q(("proposed_by", models.F("approved_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="transfer_four_eyes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("paid_at__isnull", False),
                                ("status__in", ["paid", "reversed"]),
                                models.Q(("stripe_transfer_id", ""), _negated=True),
                                models.Q(("balance_transaction_id", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("status__in", ["paid", "reversed"]), _negated=True),
                                ("paid_at", None),
                                ("reversed_cents", 0),
                            ),
                            _connector="OR",
                        ),
                        name="transfer_paid_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "rejected"), _negated=True),
                            models.Q(("rejected_by__isnull", False), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="transfer_rejected_with_a_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_transfer_id", ""), _negated=True),
                        fields=("stripe_transfer_id",),
                        name="transfer_own_stripe_transfer",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=60)),
                ("reason", models.CharField(help_text="For finance and the seller.", max_length=300)),
                ("placed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfer_holds",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "lifted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "placed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at", None)),
                        fields=("delivery", "reference"),
                        name="transfer_hold_once_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="transfer_hold_says_why"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeliveryEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("awaiting_payment", "Waits for payment"),
                            ("handover_due", "Hand-over due"),
                            ("ready", "Handed over"),
                            ("running", "Running"),
                            ("delivered", "Delivered"),
                            ("missed", "Hand-over missed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="awaiting_payment",
                        max_length=16,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, help_text="When the hand-over is due: once paid.", null=True
                    ),
                ),
                (
                    "handed_over_at",
                    models.DateTimeField(blank=True, help_text="When it was first handed over.", null=True),
                ),
                ("missed_at", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "buyer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "seller",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.settlementline",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="delivery_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="delivery_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="delivery_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeliveryNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("handover_due", "Hand-over due"),
                            ("handed_over", "Access handed over"),
                            ("missed", "Hand-over missed"),
                            ("cancelled", "Delivery cancelled"),
                            ("keys_changed", "SSH keys changed"),
                            ("outage_reported", "Outage reported"),
                            ("outage_answered", "Outage answered"),
                            ("outage_withdrawn", "Outage withdrawn"),
                            ("outage_decided", "Outage decided"),
                            ("starts_soon", "Starts soon"),
                        ],
                        max_length=20,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "ended_at",
                    models.DateTimeField(
                        blank=True, help_text="When it was sent, or had nobody to go to.", null=True
                    ),
                ),
                ("n_recipients", models.PositiveSmallIntegerField(default=0)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at", None)), fields=["id"], name="delivery_notice_unsent"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "starts_soon")),
                        fields=("delivery", "organization"),
                        name="delivery_start_announced_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Handover",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("sealed", models.TextField(editable=False)),
                ("given_at", models.DateTimeField()),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="handovers",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "given_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("delivery", "version"), name="handover_version_once"),
                    models.CheckConstraint(
                        condition=models.Q(("version__gte", 1)), name="handover_versions_from_one"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sealed__startswith", "gAAAAA")),
                        name="handover_never_in_the_clear",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Outage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("reported", "Outage"), ("missed_handover", "No hand-over")],
                        default="reported",
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Reported"),
                            ("accepted", "Accepted by the seller"),
                            ("disputed", "Disputed by the seller"),
                            ("upheld", "Upheld"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("what", models.TextField(help_text="What did not work, in the buyer's words.")),
                ("reported_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("answer", models.TextField(blank=True, help_text="In the seller's words.")),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("upheld_minutes", models.PositiveIntegerField(blank=True, null=True)),
                ("decision", models.TextField(blank=True, help_text="Why finance decided so.")),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="outages",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "reported_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the clock did.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "refund",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="outage",
                        to="settlements.refund",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["open", "accepted", "disputed"])),
                        fields=["id"],
                        name="outage_undecided",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="outage_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "upheld"), ("upheld_minutes__gte", 1)),
                            models.Q(models.Q(("status", "upheld"), _negated=True), ("upheld_minutes", None)),
                            _connector="OR",
                        ),
                        name="outage_upheld_in_part_or_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["upheld", "rejected"]), _negated=True),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                models.Q(("decision", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="outage_decided_by_somebody_for_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["accepted", "disputed"]), _negated=True),
                            models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="outage_answered_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status", "upheld"), ("refund", None), _connector="OR"),
                        name="outage_refund_only_when_upheld",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("status__in", ["rejected", "withdrawn"]), _negated=True),
                        expressions=[
                            (
                                models.Func(
                                    models.F("delivery_id"),
                                    models.F("delivery_id"),
                                    models.Value("[]"),
                                    function="int8range",
                                ),
                                "&&",
                            ),
                            (
                                models.Func(models.F("starts_at"), models.F("ends_at"), function="tstzrange"),
                                "&&",
                            ),
                        ],
                        name="outage_minute_claimed_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "missed_handover")),
                        fields=("delivery",),
                        name="outage_one_missed_handover",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "amount_cents",
                    models.BigIntegerField(help_text="Lowered by a refund before it is sent; never raised."),
                ),
                (
                    "reversed_cents",
                    models.BigIntegerField(default=0, help_text="Of the amount, taken back since."),
                ),
                ("currency", models.CharField(default="usd", max_length=3)),
                (
                    "source_charge_id",
                    models.CharField(blank=True, help_text="The card payment it draws on.", max_length=80),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending_approval", "Waits for approval"),
                            ("approved", "Ready to send"),
                            ("sending", "Being sent"),
                            ("paid", "Paid"),
                            ("failed", "Failed"),
                            ("rejected", "Rejected"),
                            ("reversed", "Taken back"),
                            ("cancelled", "Nothing left to pay"),
                        ],
                        default="approved",
                        max_length=16,
                    ),
                ),
                (
                    "needs_second",
                    models.BooleanField(default=False, help_text="Two finance people must agree."),
                ),
                ("proposed_at", models.DateTimeField(blank=True, null=True)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("rejected_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="Why it was rejected, in a sentence.", max_length=300
                    ),
                ),
                (
                    "message",
                    models.CharField(
                        blank=True, help_text="Why it waits or failed, for people.", max_length=300
                    ),
                ),
                (
                    "next_try_at",
                    models.DateTimeField(
                        blank=True, help_text="Empty: as soon as it may be sent.", null=True
                    ),
                ),
                ("stripe_transfer_id", models.CharField(blank=True, max_length=80)),
                ("balance_transaction_id", models.CharField(blank=True, max_length=80)),
                (
                    "available_on",
                    models.DateTimeField(
                        blank=True,
                        help_text="Paid out of pending funds that become available then.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.transfer",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rejected_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "seller",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="transfer_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="transfer_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="transfer_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferHoldEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                ("reference", models.CharField(max_length=60)),
                ("reason", models.CharField(help_text="For finance and the seller.", max_length=300)),
                ("placed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "lifted_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.transferhold",
                    ),
                ),
                (
                    "placed_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="transferhold_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="transferhold_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="transferhold_ev_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferReversal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits for the transfer"),
                            ("sending", "On its way back"),
                            ("done", "Taken back"),
                            ("failed", "Failed"),
                            ("cancelled", "Not needed any more"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("idempotency_key", models.UUIDField(unique=True)),
                ("stripe_id", models.CharField(blank=True, max_length=80)),
                (
                    "message",
                    models.CharField(
                        blank=True, help_text="Why it failed, in people's words.", max_length=300
                    ),
                ),
                ("n_calls", models.PositiveSmallIntegerField(default=0)),
                ("called_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "transfer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="settlements.transfer",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["waiting", "sending"])),
                        fields=["called_at"],
                        name="transfer_reversal_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="transfer_reversal_of_something"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_id", ""), _negated=True),
                        fields=("stripe_id",),
                        name="transfer_reversal_own_stripe_reversal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HandoverRead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("read_at", models.DateTimeField()),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the page.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
                (
                    "handover",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reads",
                        to="settlements.handover",
                    ),
                ),
                (
                    "read_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["handover", "-id"], name="handover_read_newest")],
            },
        ),
        migrations.CreateModel(
            name="OutageEvent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("reported", "Outage"), ("missed_handover", "No hand-over")],
                        default="reported",
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Reported"),
                            ("accepted", "Accepted by the seller"),
                            ("disputed", "Disputed by the seller"),
                            ("upheld", "Upheld"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("what", models.TextField(help_text="What did not work, in the buyer's words.")),
                ("reported_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("answer", models.TextField(blank=True, help_text="In the seller's words.")),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("upheld_minutes", models.PositiveIntegerField(blank=True, null=True)),
                ("decision", models.TextField(blank=True, help_text="Why finance decided so.")),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.delivery",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.outage",
                    ),
                ),
                (
                    "reported_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Empty: the clock did.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="settlements.refund",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["pgh_obj", "pgh_id"], name="outage_ev_object"),
                    models.Index(fields=["pgh_created_at", "pgh_id"], name="outage_ev_time"),
                    models.Index(
                        django.db.models.fields.json.KeyTextTransform("user", "pgh_context"),
                        models.F("pgh_created_at"),
                        condition=models.Q(("pgh_context__has_key", "user")),
                        name="outage_ev_person",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selleraccount",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_selleraccountevent" ("created_at", "currently_due", "details_submitted", "disabled_reason", "email", "organization_id", "payouts_enabled", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "stripe_id", "transfers_active") VALUES (NEW."created_at", NEW."currently_due", NEW."details_submitted", NEW."disabled_reason", NEW."email", NEW."organization_id", NEW."payouts_enabled", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."organization_id", NEW."stripe_id", NEW."transfers_active"); RETURN NULL;',
                    hash="33e7aa8a1196f1c89f4e20db61a135abe99b353c",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_74bd8",
                    table="settlements_selleraccount",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selleraccount",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."currently_due" IS DISTINCT FROM (NEW."currently_due") OR OLD."details_submitted" IS DISTINCT FROM (NEW."details_submitted") OR OLD."disabled_reason" IS DISTINCT FROM (NEW."disabled_reason") OR OLD."email" IS DISTINCT FROM (NEW."email") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."payouts_enabled" IS DISTINCT FROM (NEW."payouts_enabled") OR OLD."stripe_id" IS DISTINCT FROM (NEW."stripe_id") OR OLD."transfers_active" IS DISTINCT FROM (NEW."transfers_active"))',
                    func='INSERT INTO "settlements_selleraccountevent" ("created_at", "currently_due", "details_submitted", "disabled_reason", "email", "organization_id", "payouts_enabled", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "stripe_id", "transfers_active") VALUES (NEW."created_at", NEW."currently_due", NEW."details_submitted", NEW."disabled_reason", NEW."email", NEW."organization_id", NEW."payouts_enabled", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."organization_id", NEW."stripe_id", NEW."transfers_active"); RETURN NULL;',
                    hash="ad46efc1c7f4a2e50c303c394efaf018413d73d1",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_6bd6e",
                    table="settlements_selleraccount",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selleraccount",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_selleraccountevent" ("created_at", "currently_due", "details_submitted", "disabled_reason", "email", "organization_id", "payouts_enabled", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "stripe_id", "transfers_active") VALUES (OLD."created_at", OLD."currently_due", OLD."details_submitted", OLD."disabled_reason", OLD."email", OLD."organization_id", OLD."payouts_enabled", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."organization_id", OLD."stripe_id", OLD."transfers_active"); RETURN NULL;',
                    hash="b6bd06151c62625c9475344cd3f60adf8d5d7223",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_72f0c",
                    table="settlements_selleraccount",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="closedperiod",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_closedperiodevent" ("closed_at", "closed_by_id", "first_day", "id", "n_movements", "n_transactions", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."closed_at", NEW."closed_by_id", NEW."first_day", NEW."id", NEW."n_movements", NEW."n_transactions", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id"); RETURN NULL;',
                    hash="b01cce1309744b1723baca2e250cb0b15549f646",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_4adac",
                    table="settlements_closedperiod",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="closedperiod",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "settlements_closedperiodevent" ("closed_at", "closed_by_id", "first_day", "id", "n_movements", "n_transactions", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."closed_at", NEW."closed_by_id", NEW."first_day", NEW."id", NEW."n_movements", NEW."n_transactions", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id"); RETURN NULL;',
                    hash="517231a81fcece6ae169657196ed8bfb3bafa6b0",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_36008",
                    table="settlements_closedperiod",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="closedperiod",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_closedperiodevent" ("closed_at", "closed_by_id", "first_day", "id", "n_movements", "n_transactions", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."closed_at", OLD."closed_by_id", OLD."first_day", OLD."id", OLD."n_movements", OLD."n_transactions", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id"); RETURN NULL;',
                    hash="888d782c3f7c9219724e33611e0b59d4e5dd5f14",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c0c05",
                    table="settlements_closedperiod",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="closedperiodevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="8e6c2bbeed031fa780ad6eb43bbe2fa95ba1cdca",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_568f0",
                    table="settlements_closedperiodevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="closedperiodevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="d8f67cadd75afd0629daa8ad69d2a826465072a5",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_db76e",
                    table="settlements_closedperiodevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dispute",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_disputeevent" ("amount_cents", "bearer", "borne_by_id", "borne_note", "closed_at", "created_at", "due_at", "evidence_at", "evidence_by_id", "id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "returned_cents", "returned_fee_cents", "settlement_id", "status", "stripe_charge_id", "stripe_id", "taken_cents", "taken_fee_cents") VALUES (NEW."amount_cents", NEW."bearer", NEW."borne_by_id", NEW."borne_note", NEW."closed_at", NEW."created_at", NEW."due_at", NEW."evidence_at", NEW."evidence_by_id", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."reason", NEW."returned_cents", NEW."returned_fee_cents", NEW."settlement_id", NEW."status", NEW."stripe_charge_id", NEW."stripe_id", NEW."taken_cents", NEW."taken_fee_cents"); RETURN NULL;',
                    hash="ab8c2176c304eece8f5aa0fb29d9dce6930850c8",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_6432a",
                    table="settlements_dispute",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dispute",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amount_cents" IS DISTINCT FROM (NEW."amount_cents") OR OLD."bearer" IS DISTINCT FROM (NEW."bearer") OR OLD."borne_by_id" IS DISTINCT FROM (NEW."borne_by_id") OR OLD."borne_note" IS DISTINCT FROM (NEW."borne_note") OR OLD."closed_at" IS DISTINCT FROM (NEW."closed_at") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."due_at" IS DISTINCT FROM (NEW."due_at") OR OLD."evidence_at" IS DISTINCT FROM (NEW."evidence_at") OR OLD."evidence_by_id" IS DISTINCT FROM (NEW."evidence_by_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."returned_cents" IS DISTINCT FROM (NEW."returned_cents") OR OLD."returned_fee_cents" IS DISTINCT FROM (NEW."returned_fee_cents") OR OLD."settlement_id" IS DISTINCT FROM (NEW."settlement_id") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."stripe_charge_id" IS DISTINCT FROM (NEW."stripe_charge_id") OR OLD."stripe_id" IS DISTINCT FROM (NEW."stripe_id") OR OLD."taken_cents" IS DISTINCT FROM (NEW."taken_cents") OR OLD."taken_fee_cents" IS DISTINCT FROM (NEW."taken_fee_cents"))',
                    func='INSERT INTO "settlements_disputeevent" ("amount_cents", "bearer", "borne_by_id", "borne_note", "closed_at", "created_at", "due_at", "evidence_at", "evidence_by_id", "id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "returned_cents", "returned_fee_cents", "settlement_id", "status", "stripe_charge_id", "stripe_id", "taken_cents", "taken_fee_cents") VALUES (NEW."amount_cents", NEW."bearer", NEW."borne_by_id", NEW."borne_note", NEW."closed_at", NEW."created_at", NEW."due_at", NEW."evidence_at", NEW."evidence_by_id", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."reason", NEW."returned_cents", NEW."returned_fee_cents", NEW."settlement_id", NEW."status", NEW."stripe_charge_id", NEW."stripe_id", NEW."taken_cents", NEW."taken_fee_cents"); RETURN NULL;',
                    hash="2d6d052fd94111cd4c90778f867a81dde7ac42ad",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_4f257",
                    table="settlements_dispute",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dispute",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_disputeevent" ("amount_cents", "bearer", "borne_by_id", "borne_note", "closed_at", "created_at", "due_at", "evidence_at", "evidence_by_id", "id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "returned_cents", "returned_fee_cents", "settlement_id", "status", "stripe_charge_id", "stripe_id", "taken_cents", "taken_fee_cents") VALUES (OLD."amount_cents", OLD."bearer", OLD."borne_by_id", OLD."borne_note", OLD."closed_at", OLD."created_at", OLD."due_at", OLD."evidence_at", OLD."evidence_by_id", OLD."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."reason", OLD."returned_cents", OLD."returned_fee_cents", OLD."settlement_id", OLD."status", OLD."stripe_charge_id", OLD."stripe_id", OLD."taken_cents", OLD."taken_fee_cents"); RETURN NULL;',
                    hash="d1eff4d56cafab0609d83bdac3d12626bafece9e",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_8e053",
                    table="settlements_dispute",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="disputeevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="94f190f55a017e622679f69c87142f2346803ae2",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_c9673",
                    table="settlements_disputeevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="disputeevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="fb9d378f46a4742b7091b07d1a0a8e792b1fffad",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_11dd1",
                    table="settlements_disputeevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="feepolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_feepolicyevent" ("added_by_id", "bps", "created_at", "id", "market_id", "note", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "valid_from") VALUES (NEW."added_by_id", NEW."bps", NEW."created_at", NEW."id", NEW."market_id", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."valid_from"); RETURN NULL;',
                    hash="8a2d388549f6e4751165bc570d9c5b2fecc083f8",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e7351",
                    table="settlements_feepolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="feepolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "settlements_feepolicyevent" ("added_by_id", "bps", "created_at", "id", "market_id", "note", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "valid_from") VALUES (NEW."added_by_id", NEW."bps", NEW."created_at", NEW."id", NEW."market_id", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."valid_from"); RETURN NULL;',
                    hash="d925a9ba8d15685e3becacfed691cb0f47aef8fa",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_aaf0f",
                    table="settlements_feepolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="feepolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_feepolicyevent" ("added_by_id", "bps", "created_at", "id", "market_id", "note", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "valid_from") VALUES (OLD."added_by_id", OLD."bps", OLD."created_at", OLD."id", OLD."market_id", OLD."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."valid_from"); RETURN NULL;',
                    hash="a3c5f6c53bb3a8c16e4a26a2daebbb1ced8766c9",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_13de4",
                    table="settlements_feepolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="feepolicyevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="118a2234e6e1ec1b11ec0a78c065a9a4dad21607",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_780ae",
                    table="settlements_feepolicyevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="feepolicyevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="70a8b12681f5d3a1c3a142e6c41ed90592391c8f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_fd46e",
                    table="settlements_feepolicyevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="lease",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_leaseevent" ("amount_cents", "award_id", "created_at", "ended_at", "fee_cents", "id", "organization_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "status") VALUES (NEW."amount_cents", NEW."award_id", NEW."created_at", NEW."ended_at", NEW."fee_cents", NEW."id", NEW."organization_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."status"); RETURN NULL;',
                    hash="6761f1cd02cab89297bb7285364e12a7afa01f5b",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e45a0",
                    table="settlements_lease",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="lease",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "settlements_leaseevent" ("amount_cents", "award_id", "created_at", "ended_at", "fee_cents", "id", "organization_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "status") VALUES (NEW."amount_cents", NEW."award_id", NEW."created_at", NEW."ended_at", NEW."fee_cents", NEW."id", NEW."organization_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."status"); RETURN NULL;',
                    hash="0463be788ffc9fde5ae5f6c28d78c69e2f1445ab",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_5775b",
                    table="settlements_lease",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="lease",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_leaseevent" ("amount_cents", "award_id", "created_at", "ended_at", "fee_cents", "id", "organization_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "status") VALUES (OLD."amount_cents", OLD."award_id", OLD."created_at", OLD."ended_at", OLD."fee_cents", OLD."id", OLD."organization_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."status"); RETURN NULL;',
                    hash="02cb3897577214fbefb865f1d4ebd5ecde4e2151",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c4d78",
                    table="settlements_lease",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leaseevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="b248d7c021513eb494588b173143f6c2c7b1a3a1",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_08bd2",
                    table="settlements_leaseevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leaseevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="51266cd539557c8765fdd77a09dbef8ec94b69d8",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_87ed3",
                    table="settlements_leaseevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_settlementevent" ("amount_cents", "amount_ticks", "assignee_id", "carried_in_cents", "carried_into_id", "created_at", "currency", "id", "lease_month_id", "organization_id", "paid_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepaid_cents", "refunded_cents", "refunded_prepaid_cents", "status", "window_id") VALUES (NEW."amount_cents", NEW."amount_ticks", NEW."assignee_id", NEW."carried_in_cents", NEW."carried_into_id", NEW."created_at", NEW."currency", NEW."id", NEW."lease_month_id", NEW."organization_id", NEW."paid_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."prepaid_cents", NEW."refunded_cents", NEW."refunded_prepaid_cents", NEW."status", NEW."window_id"); RETURN NULL;',
                    hash="8f8c1488c56a11cc3b4f1fc7526d8164dc697643",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_fc870",
                    table="settlements_settlement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "settlements_settlementevent" ("amount_cents", "amount_ticks", "assignee_id", "carried_in_cents", "carried_into_id", "created_at", "currency", "id", "lease_month_id", "organization_id", "paid_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepaid_cents", "refunded_cents", "refunded_prepaid_cents", "status", "window_id") VALUES (NEW."amount_cents", NEW."amount_ticks", NEW."assignee_id", NEW."carried_in_cents", NEW."carried_into_id", NEW."created_at", NEW."currency", NEW."id", NEW."lease_month_id", NEW."organization_id", NEW."paid_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."prepaid_cents", NEW."refunded_cents", NEW."refunded_prepaid_cents", NEW."status", NEW."window_id"); RETURN NULL;',
                    hash="bd9b4ce53ca0578237da6ae2c5b15e66270c39f5",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_7edd3",
                    table="settlements_settlement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlement",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_settlementevent" ("amount_cents", "amount_ticks", "assignee_id", "carried_in_cents", "carried_into_id", "created_at", "currency", "id", "lease_month_id", "organization_id", "paid_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepaid_cents", "refunded_cents", "refunded_prepaid_cents", "status", "window_id") VALUES (OLD."amount_cents", OLD."amount_ticks", OLD."assignee_id", OLD."carried_in_cents", OLD."carried_into_id", OLD."created_at", OLD."currency", OLD."id", OLD."lease_month_id", OLD."organization_id", OLD."paid_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."prepaid_cents", OLD."refunded_cents", OLD."refunded_prepaid_cents", OLD."status", OLD."window_id"); RETURN NULL;',
                    hash="98e1c15f0c7994c7f447d9fc5e376aef49e87911",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_1cc03",
                    table="settlements_settlement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mismatch",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_mismatchevent" ("detail", "ended_at", "ended_by_id", "found_at", "happened_at", "id", "kind", "ours_cents", "owner_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "status", "subject", "theirs_cents") VALUES (NEW."detail", NEW."ended_at", NEW."ended_by_id", NEW."found_at", NEW."happened_at", NEW."id", NEW."kind", NEW."ours_cents", NEW."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."reason", NEW."status", NEW."subject", NEW."theirs_cents"); RETURN NULL;',
                    hash="4ec5fc9ffc672255e545c5d41d0b71f3db760b98",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_ff139",
                    table="settlements_mismatch",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mismatch",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "settlements_mismatchevent" ("detail", "ended_at", "ended_by_id", "found_at", "happened_at", "id", "kind", "ours_cents", "owner_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "status", "subject", "theirs_cents") VALUES (NEW."detail", NEW."ended_at", NEW."ended_by_id", NEW."found_at", NEW."happened_at", NEW."id", NEW."kind", NEW."ours_cents", NEW."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."reason", NEW."status", NEW."subject", NEW."theirs_cents"); RETURN NULL;',
                    hash="c24da7ffb297e0b36dcb6fa3e9b677a00c2783bb",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_695e2",
                    table="settlements_mismatch",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mismatch",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_mismatchevent" ("detail", "ended_at", "ended_by_id", "found_at", "happened_at", "id", "kind", "ours_cents", "owner_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "status", "subject", "theirs_cents") VALUES (OLD."detail", OLD."ended_at", OLD."ended_by_id", OLD."found_at", OLD."happened_at", OLD."id", OLD."kind", OLD."ours_cents", OLD."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."reason", OLD."status", OLD."subject", OLD."theirs_cents"); RETURN NULL;',
                    hash="d82218d6d03cc673a43aaf9fbb6dcfe886d503a9",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_aaf52",
                    table="settlements_mismatch",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mismatchevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="4f2a8d6211384ab8120351dc7889f6081ef89d3b",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_76dfe",
                    table="settlements_mismatchevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mismatchevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="51ebf164332e8d0721669c8ed72d77c8f0c918af",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_dc11a",
                    table="settlements_mismatchevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepayment",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_prepaymentevent" ("amount_cents", "created_at", "currency", "id", "method", "organization_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "received_at", "remaining_cents", "started_by_id", "status", "stripe_charge_id", "stripe_payment_intent_id", "stripe_session_id") VALUES (NEW."amount_cents", NEW."created_at", NEW."currency", NEW."id", NEW."method", NEW."organization_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."received_at", NEW."remaining_cents", NEW."started_by_id", NEW."status", NEW."stripe_charge_id", NEW."stripe_payment_intent_id", NEW."stripe_session_id"); RETURN NULL;',
                    hash="b8d4acb4982821b01c724c58f96b28e8db9aad89",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_606ec",
                    table="settlements_prepayment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepayment",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amount_cents" IS DISTINCT FROM (NEW."amount_cents") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."method" IS DISTINCT FROM (NEW."method") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."received_at" IS DISTINCT FROM (NEW."received_at") OR OLD."remaining_cents" IS DISTINCT FROM (NEW."remaining_cents") OR OLD."started_by_id" IS DISTINCT FROM (NEW."started_by_id") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."stripe_charge_id" IS DISTINCT FROM (NEW."stripe_charge_id") OR OLD."stripe_payment_intent_id" IS DISTINCT FROM (NEW."stripe_payment_intent_id") OR OLD."stripe_session_id" IS DISTINCT FROM (NEW."stripe_session_id"))',
                    func='INSERT INTO "settlements_prepaymentevent" ("amount_cents", "created_at", "currency", "id", "method", "organization_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "received_at", "remaining_cents", "started_by_id", "status", "stripe_charge_id", "stripe_payment_intent_id", "stripe_session_id") VALUES (NEW."amount_cents", NEW."created_at", NEW."currency", NEW."id", NEW."method", NEW."organization_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."received_at", NEW."remaining_cents", NEW."started_by_id", NEW."status", NEW."stripe_charge_id", NEW."stripe_payment_intent_id", NEW."stripe_session_id"); RETURN NULL;',
                    hash="e0bac9e3d5dce593111599534f32a0e73993f499",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_5a045",
                    table="settlements_prepayment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepayment",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_prepaymentevent" ("amount_cents", "created_at", "currency", "id", "method", "organization_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "received_at", "remaining_cents", "started_by_id", "status", "stripe_charge_id", "stripe_payment_intent_id", "stripe_session_id") VALUES (OLD."amount_cents", OLD."created_at", OLD."currency", OLD."id", OLD."method", OLD."organization_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."received_at", OLD."remaining_cents", OLD."started_by_id", OLD."status", OLD."stripe_charge_id", OLD."stripe_payment_intent_id", OLD."stripe_session_id"); RETURN NULL;',
                    hash="273e4b0f4c37a7b2cc2fc56c4167ef55a54d4e98",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_64bdc",
                    table="settlements_prepayment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaidreturnevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="1588f4cf650cd829b09250fc59d1d291cc153cb6",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_77f93",
                    table="settlements_prepaidreturnevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaidreturnevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="539b87af14de79fd368a189097d37765dab2d37c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_a63f2",
                    table="settlements_prepaidreturnevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaidreturn",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_prepaidreturnevent" ("amount_cents", "asked_by_id", "created_at", "ended_at", "failed_transaction_id", "id", "message", "paid_transaction_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepayment_id", "status", "stripe_refund_id") VALUES (NEW."amount_cents", NEW."asked_by_id", NEW."created_at", NEW."ended_at", NEW."failed_transaction_id", NEW."id", NEW."message", NEW."paid_transaction_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."prepayment_id", NEW."status", NEW."stripe_refund_id"); RETURN NULL;',
                    hash="87258d442ba609ac93ccf8d7529740b015b60938",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_41226",
                    table="settlements_prepaidreturn",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaidreturn",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amount_cents" IS DISTINCT FROM (NEW."amount_cents") OR OLD."asked_by_id" IS DISTINCT FROM (NEW."asked_by_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."ended_at" IS DISTINCT FROM (NEW."ended_at") OR OLD."failed_transaction_id" IS DISTINCT FROM (NEW."failed_transaction_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."message" IS DISTINCT FROM (NEW."message") OR OLD."paid_transaction_id" IS DISTINCT FROM (NEW."paid_transaction_id") OR OLD."prepayment_id" IS DISTINCT FROM (NEW."prepayment_id") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."stripe_refund_id" IS DISTINCT FROM (NEW."stripe_refund_id"))',
                    func='INSERT INTO "settlements_prepaidreturnevent" ("amount_cents", "asked_by_id", "created_at", "ended_at", "failed_transaction_id", "id", "message", "paid_transaction_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepayment_id", "status", "stripe_refund_id") VALUES (NEW."amount_cents", NEW."asked_by_id", NEW."created_at", NEW."ended_at", NEW."failed_transaction_id", NEW."id", NEW."message", NEW."paid_transaction_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."prepayment_id", NEW."status", NEW."stripe_refund_id"); RETURN NULL;',
                    hash="4b0749386995eb0cd8f0c409ae88177af7ec2410",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e66e9",
                    table="settlements_prepaidreturn",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaidreturn",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_prepaidreturnevent" ("amount_cents", "asked_by_id", "created_at", "ended_at", "failed_transaction_id", "id", "message", "paid_transaction_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepayment_id", "status", "stripe_refund_id") VALUES (OLD."amount_cents", OLD."asked_by_id", OLD."created_at", OLD."ended_at", OLD."failed_transaction_id", OLD."id", OLD."message", OLD."paid_transaction_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."prepayment_id", OLD."status", OLD."stripe_refund_id"); RETURN NULL;',
                    hash="ed1353a90496693a70b67ace0d7891750880924b",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_3f6ec",
                    table="settlements_prepaidreturn",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaiddisputeevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="f07a475e284bea8b39eb6640e588054f69e6774f",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_77f69",
                    table="settlements_prepaiddisputeevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaiddisputeevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="551367a167f32528714287977498405e30dbe518",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_bd386",
                    table="settlements_prepaiddisputeevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaiddispute",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_prepaiddisputeevent" ("amount_cents", "closed_at", "created_at", "due_at", "frozen_cents", "id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepayment_id", "reason", "returned_cents", "returned_fee_cents", "status", "stripe_id", "taken_cents", "taken_fee_cents") VALUES (NEW."amount_cents", NEW."closed_at", NEW."created_at", NEW."due_at", NEW."frozen_cents", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."prepayment_id", NEW."reason", NEW."returned_cents", NEW."returned_fee_cents", NEW."status", NEW."stripe_id", NEW."taken_cents", NEW."taken_fee_cents"); RETURN NULL;',
                    hash="71236ac85cb8cf62b9e54a3e7587b8f63c94d120",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_53e68",
                    table="settlements_prepaiddispute",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaiddispute",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amount_cents" IS DISTINCT FROM (NEW."amount_cents") OR OLD."closed_at" IS DISTINCT FROM (NEW."closed_at") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."due_at" IS DISTINCT FROM (NEW."due_at") OR OLD."frozen_cents" IS DISTINCT FROM (NEW."frozen_cents") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."prepayment_id" IS DISTINCT FROM (NEW."prepayment_id") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."returned_cents" IS DISTINCT FROM (NEW."returned_cents") OR OLD."returned_fee_cents" IS DISTINCT FROM (NEW."returned_fee_cents") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."stripe_id" IS DISTINCT FROM (NEW."stripe_id") OR OLD."taken_cents" IS DISTINCT FROM (NEW."taken_cents") OR OLD."taken_fee_cents" IS DISTINCT FROM (NEW."taken_fee_cents"))',
                    func='INSERT INTO "settlements_prepaiddisputeevent" ("amount_cents", "closed_at", "created_at", "due_at", "frozen_cents", "id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepayment_id", "reason", "returned_cents", "returned_fee_cents", "status", "stripe_id", "taken_cents", "taken_fee_cents") VALUES (NEW."amount_cents", NEW."closed_at", NEW."created_at", NEW."due_at", NEW."frozen_cents", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."prepayment_id", NEW."reason", NEW."returned_cents", NEW."returned_fee_cents", NEW."status", NEW."stripe_id", NEW."taken_cents", NEW."taken_fee_cents"); RETURN NULL;',
                    hash="cf38f200ab522a91fc67450d4d121e53aa5d2290",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_2ff19",
                    table="settlements_prepaiddispute",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaiddispute",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_prepaiddisputeevent" ("amount_cents", "closed_at", "created_at", "due_at", "frozen_cents", "id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepayment_id", "reason", "returned_cents", "returned_fee_cents", "status", "stripe_id", "taken_cents", "taken_fee_cents") VALUES (OLD."amount_cents", OLD."closed_at", OLD."created_at", OLD."due_at", OLD."frozen_cents", OLD."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."prepayment_id", OLD."reason", OLD."returned_cents", OLD."returned_fee_cents", OLD."status", OLD."stripe_id", OLD."taken_cents", OLD."taken_fee_cents"); RETURN NULL;',
                    hash="6dd0ec8939b1977ae6b196c2c63b3ec8dfe5d3f5",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ee0d5",
                    table="settlements_prepaiddispute",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaymentevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="a958b270442a7a38924ad7a5c0419b1797716c9c",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_5f03a",
                    table="settlements_prepaymentevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="prepaymentevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="7038237ec7bbb89b5960aba04d7774b73cea6e71",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_01261",
                    table="settlements_prepaymentevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_refundevent" ("amount_cents", "card_cents", "created_at", "credited_by_id", "decided_at", "decided_by_id", "ended_at", "id", "message", "needs_second", "note", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepaid_cents", "proposed_by_id", "reason", "settlement_id", "status") VALUES (NEW."amount_cents", NEW."card_cents", NEW."created_at", NEW."credited_by_id", NEW."decided_at", NEW."decided_by_id", NEW."ended_at", NEW."id", NEW."message", NEW."needs_second", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."prepaid_cents", NEW."proposed_by_id", NEW."reason", NEW."settlement_id", NEW."status"); RETURN NULL;',
                    hash="c05ebbf63448a8a521b4634ac19bcda54a097e41",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_de5ff",
                    table="settlements_refund",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "settlements_refundevent" ("amount_cents", "card_cents", "created_at", "credited_by_id", "decided_at", "decided_by_id", "ended_at", "id", "message", "needs_second", "note", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepaid_cents", "proposed_by_id", "reason", "settlement_id", "status") VALUES (NEW."amount_cents", NEW."card_cents", NEW."created_at", NEW."credited_by_id", NEW."decided_at", NEW."decided_by_id", NEW."ended_at", NEW."id", NEW."message", NEW."needs_second", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."prepaid_cents", NEW."proposed_by_id", NEW."reason", NEW."settlement_id", NEW."status"); RETURN NULL;',
                    hash="4420b517855cfeb49007e88162f56c0162674770",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d7194",
                    table="settlements_refund",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_refundevent" ("amount_cents", "card_cents", "created_at", "credited_by_id", "decided_at", "decided_by_id", "ended_at", "id", "message", "needs_second", "note", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "prepaid_cents", "proposed_by_id", "reason", "settlement_id", "status") VALUES (OLD."amount_cents", OLD."card_cents", OLD."created_at", OLD."credited_by_id", OLD."decided_at", OLD."decided_by_id", OLD."ended_at", OLD."id", OLD."message", OLD."needs_second", OLD."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."prepaid_cents", OLD."proposed_by_id", OLD."reason", OLD."settlement_id", OLD."status"); RETURN NULL;',
                    hash="b45c5a18bb9c6992c5ac3bd065831776913d2ad6",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_6275b",
                    table="settlements_refund",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outageevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="4e3d50c8c4e74840609798da1aab8c8d24d15119",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_c9790",
                    table="settlements_outageevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outageevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="33507c5a43c80a669df62e1d7c4a54b7f0a1f001",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_b6fa4",
                    table="settlements_outageevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outage",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_outageevent" ("answer", "answered_at", "answered_by_id", "decided_at", "decided_by_id", "decision", "delivery_id", "ends_at", "id", "kind", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "refund_id", "reported_at", "reported_by_id", "starts_at", "status", "upheld_minutes", "what") VALUES (NEW."answer", NEW."answered_at", NEW."answered_by_id", NEW."decided_at", NEW."decided_by_id", NEW."decision", NEW."delivery_id", NEW."ends_at", NEW."id", NEW."kind", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."refund_id", NEW."reported_at", NEW."reported_by_id", NEW."starts_at", NEW."status", NEW."upheld_minutes", NEW."what"); RETURN NULL;',
                    hash="c640df1d13f1f2297493602cb5671ece6f4e80a0",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_3241b",
                    table="settlements_outage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outage",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "settlements_outageevent" ("answer", "answered_at", "answered_by_id", "decided_at", "decided_by_id", "decision", "delivery_id", "ends_at", "id", "kind", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "refund_id", "reported_at", "reported_by_id", "starts_at", "status", "upheld_minutes", "what") VALUES (NEW."answer", NEW."answered_at", NEW."answered_by_id", NEW."decided_at", NEW."decided_by_id", NEW."decision", NEW."delivery_id", NEW."ends_at", NEW."id", NEW."kind", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."refund_id", NEW."reported_at", NEW."reported_by_id", NEW."starts_at", NEW."status", NEW."upheld_minutes", NEW."what"); RETURN NULL;',
                    hash="bd0b1bee2f1d2d40b9c1efb9174f6b85be6b25c7",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_3a6a8",
                    table="settlements_outage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="outage",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_outageevent" ("answer", "answered_at", "answered_by_id", "decided_at", "decided_by_id", "decision", "delivery_id", "ends_at", "id", "kind", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "refund_id", "reported_at", "reported_by_id", "starts_at", "status", "upheld_minutes", "what") VALUES (OLD."answer", OLD."answered_at", OLD."answered_by_id", OLD."decided_at", OLD."decided_by_id", OLD."decision", OLD."delivery_id", OLD."ends_at", OLD."id", OLD."kind", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."refund_id", OLD."reported_at", OLD."reported_by_id", OLD."starts_at", OLD."status", OLD."upheld_minutes", OLD."what"); RETURN NULL;',
                    hash="90fa306646da9ac1e8bbbc1feeb9212860ab5ee8",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_26b21",
                    table="settlements_outage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="252f094760bb7f4f309ad2931c309fddcbcab434",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_c0a8f",
                    table="settlements_refundevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refundevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="20cbb4fd4deb2ff9c4de47906fec60950ab26c0b",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_9a803",
                    table="settlements_refundevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selleraccountevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="6e74ee0684aaa15bb197baea8823f3edf5ee5f2b",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_7d0df",
                    table="settlements_selleraccountevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selleraccountevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ceb589aad00d07a8c7c2d1c142027265d505bd33",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_6a2f6",
                    table="settlements_selleraccountevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlementevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="81ddc6f64ff4035798bbe73b28378b73cec89378",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_4f0b6",
                    table="settlements_settlementevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="settlementevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="4d65fe8de556947e7da294ae2ef5ac16862e2317",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_ac518",
                    table="settlements_settlementevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="deliveryevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="0ac6c0b553077b40ed6e66078d57da84af0c13b7",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_63db4",
                    table="settlements_deliveryevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="deliveryevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="15d7bb00c98efd2a7131f785f374e1acef2a2805",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_37aff",
                    table="settlements_deliveryevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delivery",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_deliveryevent" ("buyer_id", "created_at", "delivered_at", "due_at", "ends_at", "handed_over_at", "id", "line_id", "missed_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "seller_id", "starts_at", "status") VALUES (NEW."buyer_id", NEW."created_at", NEW."delivered_at", NEW."due_at", NEW."ends_at", NEW."handed_over_at", NEW."id", NEW."line_id", NEW."missed_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."seller_id", NEW."starts_at", NEW."status"); RETURN NULL;',
                    hash="dea84cfc9391067b3d040a09caca32ccb78bbc99",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_0202b",
                    table="settlements_delivery",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delivery",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "settlements_deliveryevent" ("buyer_id", "created_at", "delivered_at", "due_at", "ends_at", "handed_over_at", "id", "line_id", "missed_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "seller_id", "starts_at", "status") VALUES (NEW."buyer_id", NEW."created_at", NEW."delivered_at", NEW."due_at", NEW."ends_at", NEW."handed_over_at", NEW."id", NEW."line_id", NEW."missed_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."seller_id", NEW."starts_at", NEW."status"); RETURN NULL;',
                    hash="c983e382ff0faa8aeeceec9fcb715acfe19971d5",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_8cd94",
                    table="settlements_delivery",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delivery",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_deliveryevent" ("buyer_id", "created_at", "delivered_at", "due_at", "ends_at", "handed_over_at", "id", "line_id", "missed_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "seller_id", "starts_at", "status") VALUES (OLD."buyer_id", OLD."created_at", OLD."delivered_at", OLD."due_at", OLD."ends_at", OLD."handed_over_at", OLD."id", OLD."line_id", OLD."missed_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."seller_id", OLD."starts_at", OLD."status"); RETURN NULL;',
                    hash="8e442180d67c203cc64e10f0a224dea142e1e19d",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_be8f4",
                    table="settlements_delivery",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_transferevent" ("amount_cents", "approved_at", "approved_by_id", "available_on", "balance_transaction_id", "created_at", "currency", "delivery_id", "id", "message", "needs_second", "next_try_at", "number", "paid_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "proposed_at", "proposed_by_id", "reason", "rejected_at", "rejected_by_id", "reversed_cents", "seller_id", "source_charge_id", "status", "stripe_transfer_id") VALUES (NEW."amount_cents", NEW."approved_at", NEW."approved_by_id", NEW."available_on", NEW."balance_transaction_id", NEW."created_at", NEW."currency", NEW."delivery_id", NEW."id", NEW."message", NEW."needs_second", NEW."next_try_at", NEW."number", NEW."paid_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."proposed_at", NEW."proposed_by_id", NEW."reason", NEW."rejected_at", NEW."rejected_by_id", NEW."reversed_cents", NEW."seller_id", NEW."source_charge_id", NEW."status", NEW."stripe_transfer_id"); RETURN NULL;',
                    hash="d5b2da1ec5217d6c49a5a1d8292e9cd737d3541c",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_d34b8",
                    table="settlements_transfer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amount_cents" IS DISTINCT FROM (NEW."amount_cents") OR OLD."approved_at" IS DISTINCT FROM (NEW."approved_at") OR OLD."approved_by_id" IS DISTINCT FROM (NEW."approved_by_id") OR OLD."available_on" IS DISTINCT FROM (NEW."available_on") OR OLD."balance_transaction_id" IS DISTINCT FROM (NEW."balance_transaction_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."delivery_id" IS DISTINCT FROM (NEW."delivery_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."message" IS DISTINCT FROM (NEW."message") OR OLD."needs_second" IS DISTINCT FROM (NEW."needs_second") OR OLD."next_try_at" IS DISTINCT FROM (NEW."next_try_at") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."paid_at" IS DISTINCT FROM (NEW."paid_at") OR OLD."proposed_at" IS DISTINCT FROM (NEW."proposed_at") OR OLD."proposed_by_id" IS DISTINCT FROM (NEW."proposed_by_id") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."rejected_at" IS DISTINCT FROM (NEW."rejected_at") OR OLD."rejected_by_id" IS DISTINCT FROM (NEW."rejected_by_id") OR OLD."reversed_cents" IS DISTINCT FROM (NEW."reversed_cents") OR OLD."seller_id" IS DISTINCT FROM (NEW."seller_id") OR OLD."source_charge_id" IS DISTINCT FROM (NEW."source_charge_id") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."stripe_transfer_id" IS DISTINCT FROM (NEW."stripe_transfer_id"))',
                    func='INSERT INTO "settlements_transferevent" ("amount_cents", "approved_at", "approved_by_id", "available_on", "balance_transaction_id", "created_at", "currency", "delivery_id", "id", "message", "needs_second", "next_try_at", "number", "paid_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "proposed_at", "proposed_by_id", "reason", "rejected_at", "rejected_by_id", "reversed_cents", "seller_id", "source_charge_id", "status", "stripe_transfer_id") VALUES (NEW."amount_cents", NEW."approved_at", NEW."approved_by_id", NEW."available_on", NEW."balance_transaction_id", NEW."created_at", NEW."currency", NEW."delivery_id", NEW."id", NEW."message", NEW."needs_second", NEW."next_try_at", NEW."number", NEW."paid_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."proposed_at", NEW."proposed_by_id", NEW."reason", NEW."rejected_at", NEW."rejected_by_id", NEW."reversed_cents", NEW."seller_id", NEW."source_charge_id", NEW."status", NEW."stripe_transfer_id"); RETURN NULL;',
                    hash="943c881208a74839a8c8e0e7d466ac855380713e",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_28557",
                    table="settlements_transfer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_transferevent" ("amount_cents", "approved_at", "approved_by_id", "available_on", "balance_transaction_id", "created_at", "currency", "delivery_id", "id", "message", "needs_second", "next_try_at", "number", "paid_at", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "proposed_at", "proposed_by_id", "reason", "rejected_at", "rejected_by_id", "reversed_cents", "seller_id", "source_charge_id", "status", "stripe_transfer_id") VALUES (OLD."amount_cents", OLD."approved_at", OLD."approved_by_id", OLD."available_on", OLD."balance_transaction_id", OLD."created_at", OLD."currency", OLD."delivery_id", OLD."id", OLD."message", OLD."needs_second", OLD."next_try_at", OLD."number", OLD."paid_at", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."proposed_at", OLD."proposed_by_id", OLD."reason", OLD."rejected_at", OLD."rejected_by_id", OLD."reversed_cents", OLD."seller_id", OLD."source_charge_id", OLD."status", OLD."stripe_transfer_id"); RETURN NULL;',
                    hash="d0171b4b17d3cab58a25a4cd713e362b7a1ff2fd",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c8cc1",
                    table="settlements_transfer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transferevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="ecafd4add49a852368753143eadb7d4cded65b90",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_b4358",
                    table="settlements_transferevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transferevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e8d3dc4ca48619bf22c1484bcd98f7f66132f297",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_f942c",
                    table="settlements_transferevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transferhold",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_transferholdevent" ("delivery_id", "id", "lifted_at", "lifted_by_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "placed_at", "placed_by_id", "reason", "reference") VALUES (NEW."delivery_id", NEW."id", NEW."lifted_at", NEW."lifted_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."placed_at", NEW."placed_by_id", NEW."reason", NEW."reference"); RETURN NULL;',
                    hash="ac925bdd9895a11f586b51e2d4df039cd395b706",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_38852",
                    table="settlements_transferhold",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transferhold",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "settlements_transferholdevent" ("delivery_id", "id", "lifted_at", "lifted_by_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "placed_at", "placed_by_id", "reason", "reference") VALUES (NEW."delivery_id", NEW."id", NEW."lifted_at", NEW."lifted_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."placed_at", NEW."placed_by_id", NEW."reason", NEW."reference"); RETURN NULL;',
                    hash="37fe8fd80763419dcdb6351d715d786907158ba7",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_a71b6",
                    table="settlements_transferhold",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transferhold",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "settlements_transferholdevent" ("delivery_id", "id", "lifted_at", "lifted_by_id", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "placed_at", "placed_by_id", "reason", "reference") VALUES (OLD."delivery_id", OLD."id", OLD."lifted_at", OLD."lifted_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."placed_at", OLD."placed_by_id", OLD."reason", OLD."reference"); RETURN NULL;',
                    hash="28b55ac89bb5385d1b543ae97c3fe49a70defa18",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_1d266",
                    table="settlements_transferhold",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transferholdevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_truncated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'the audit trail % is never truncated', TG_TABLE_NAME;",
                    hash="6e89d7aea28eba1f187f4ce1abe5105b7822a25f",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_truncated_a5aa9",
                    table="settlements_transferholdevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transferholdevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="fafbf82a7bc2dd17ec00536310c3df7b94ea5171",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_bb375",
                    table="settlements_transferholdevent",
                    when="BEFORE",
                ),
            ),
        ),
    ]
