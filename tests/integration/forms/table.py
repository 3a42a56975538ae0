"""The table of everything that can be sent: forms with fields to fill in, buttons, and what others see to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

from allauth.account.forms import ChangePasswordForm, LoginForm, ResetPasswordForm
from allauth.account.forms import SignupForm as AccountForm
from django import forms
from django.urls import reverse
from django.utils import timezone

from accounts.forms import ApiKeyForm, CreditForm, MemberForm, OrganizationForm
from auctions.composer import Composer, options_typed
from auctions.forms import TicketForm
from auctions.operations.markets import terms_of_market
from auctions.order_forms import OrderForm, order_typed
from auctions.standing.terms import order_terms_of
from auctions.terms import terms_of
from auctions.views.board import SearchForm
from auctions.views.operate import MarketForm
from auctions.views.operate import ReasonForm as CancelForm
from inventory.draft_forms import StepForm
from inventory.drafting import STEPS
from inventory.forms import CostForm, ListingForm, PatternForm, SiteForm
from marketplace.hours import HOUR
from notifications.forms import EndpointForm
from notifications.operations.endpoints import terms_of_endpoint
from settlements.delivery_forms import AnswerForm, DecisionForm, HandoverForm, OutageForm, SshKeyForm
from settlements.models import Refund
from settlements.refunding import line_field
from settlements.views.carried import WriteOffForm
from settlements.views.collecting import ExtendForm
from settlements.views.collecting import ReasonForm as CollectingForm
from settlements.views.desk import NoteForm, SaveViewForm
from settlements.views.disputes import BearForm, EvidenceForm
from settlements.views.fees import FeeForm
from settlements.views.funds import PrepaymentForm, ReturnForm
from settlements.views.reconciliation import AcceptForm
from settlements.views.refunds import RefundForm
from settlements.views.transfers import HoldForm
from settlements.views.transfers import ReasonForm as RejectForm
from tests.factories import PASSWORD
from tests.integration.forms.wrong import HUGE
from tests.integration.settlements.deliveries import ED25519

Typed = dict[str, Any]
WORDS = "It’s “so” & <b>bold</b> by 5 > 3"
"""What a person may type where text is asked for, and must read again as typed."""
KEY = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


@dataclass(frozen=True)
class Filled:
    """A form: where it is sent, by whom, its fields, and what a person would fill in.

    ``admits`` are values that a field's type would refuse and this one takes. ``beside`` goes along, as buttons do.
    ``keeps`` names the table that is written though the form is refused: a draft's. ``renews`` names a hidden field
    that always says what the page shows now. ``is_like`` names the form with the same fields that is tried with every
    value; of this one, each field is with a few.
    """

    name: str
    who: str
    takes: str
    forms: Callable[[SimpleNamespace], list[forms.Form]]
    typed: Callable[[SimpleNamespace], Typed]
    query: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    admits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wrong: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keeps: str = ""
    renews: str = ""
    is_like: str = ""
    label: str = ""

    def __str__(self) -> str:
        return self.name + (f" {self.label}" if self.label else "")

    def address(self, scene: SimpleNamespace) -> str:
        arguments = [attrgetter(each)(scene) for each in self.takes.split()]
        return reverse(self.name, args=arguments) + self.query.format_map(vars(scene))


def one(form: forms.Form) -> list[forms.Form]:
    return [form]


def hour_of(scene: SimpleNamespace, hours: int) -> str:
    return f"{scene.lot.starts_at + hours * HOUR:%Y-%m-%dT%H:%M}"


def block_typed(scene: SimpleNamespace) -> Typed:
    return {
        "site": str(scene.site.pk),
        "resource_type": str(scene.product.pk),
        "units": "16",
        "starts_at": hour_of(scene, 100),
        "ends_at": hour_of(scene, 110),
        "reserve": "1.25",
        "floor": "1.00",
        "decline_hours": "4",
    }


def pattern_typed(scene: SimpleNamespace) -> Typed:
    day = scene.lot.starts_at + timedelta(days=7)
    block = block_typed(scene)
    return {name: block[name] for name in block if name not in {"starts_at", "ends_at"}} | {
        "weekdays": ["0", "3"],
        "from_hour": "22",
        "to_hour": "6",
        "first_day": f"{day:%Y-%m-%d}",
        "last_day": f"{day + timedelta(days=14):%Y-%m-%d}",
    }


def composer_of(scene: SimpleNamespace) -> Composer:
    return Composer.for_lot(scene.lot, units="4", price="1.50")


def recomposer_of(scene: SimpleNamespace) -> Composer:
    return Composer(scene.bid.window, options_typed(terms_of(scene.bid)))


def pairs_of(composer: Composer) -> Typed:
    typed: Typed = {}
    for name, value in composer.typed_pairs():
        typed.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in typed.items()}


def order_of(scene: SimpleNamespace) -> Typed:
    return order_typed(order_terms_of(scene.order)) | {"market": str(scene.market.pk)}


def market_typed(scene: SimpleNamespace) -> Typed:
    return {"name": WORDS, "cadence": "30", "lead_from": "1", "lead_to": "48", "position": "3"}


def outage_typed(scene: SimpleNamespace) -> Typed:
    end = scene.outage.ends_at
    return {
        "starts_at": f"{end:%Y-%m-%dT%H:%M}",
        "ends_at": f"{end + timedelta(minutes=5):%Y-%m-%dT%H:%M}",
        "what": WORDS,
    }


def refund_typed(scene: SimpleNamespace) -> Typed:
    lines = [line_field(line) for line in scene.refunded.lines.order_by("id")]
    return dict.fromkeys(lines, "1.00") | {"reason": Refund.Reason.GOODWILL, "note": WORDS}


def step_forms(name: str) -> Callable[[SimpleNamespace], list[forms.Form]]:
    step = next(each for each in STEPS if each.name == name)
    return lambda scene: one(StepForm(seller=scene.seller, step=step))


def step_typed(name: str) -> Callable[[SimpleNamespace], Typed]:
    step = next(each for each in STEPS if each.name == name)
    return lambda scene: {field: block_typed(scene)[field] for field in step.fields}


def draft_step(name: str) -> Filled:
    return Filled(
        "inventory:block_draft_step",
        "seller",
        f"draft.pk step_{name}",
        step_forms(name),
        step_typed(name),
        admits={"reserve": ("0",), "floor": ("0",)},
        keeps="inventory_blockdraft",
        is_like="inventory:block_create",
        label=name,
    )


ZERO_PRICES = {"reserve": ("0",), "floor": ("0",)}
"""Some give idle hours away."""

FORMS = [
    Filled(
        "accounts:organization_create",
        "newcomer",
        "",
        lambda scene: one(OrganizationForm()),
        lambda scene: {"organization_name": WORDS, "trades": "both"},
    ),
    Filled(
        "accounts:api_key_create", "buyer", "", lambda scene: one(ApiKeyForm()), lambda scene: {"name": WORDS}
    ),
    Filled(
        "accounts:member_add",
        "buyer",
        "",
        lambda scene: one(MemberForm()),
        lambda scene: {"email": scene.people["newcomer"].email, "role": "trader"},
        wrong={"email": ("nobody.at.all@example.com",)},
    ),
    Filled(
        "accounts:limit_edit",
        "finance",
        "other_limit.pk",
        lambda scene: one(CreditForm()),
        lambda scene: {"credit": "250.00", "reason": WORDS, "seen": str(scene.other_limit.credit_cents)},
    ),
    Filled(
        "auctions:search_save",
        "buyer",
        "",
        lambda scene: one(SearchForm()),
        lambda scene: {"name": WORDS, "query": f"region={scene.site.region}"},
        wrong={"query": ("", "region=nowhere")},
    ),
    *(
        Filled(
            name,
            "buyer",
            "lot.pk",
            lambda scene: one(TicketForm(lot=scene.lot)),
            lambda scene: {"units": "4", "price": "1.50"},
            wrong={"units": ("9",)},
            is_like="" if name == "auctions:bid_review" else "auctions:bid_review",
        )
        for name in ("auctions:bid_review", "auctions:bid_confirm")
    ),
    Filled(
        "auctions:bid_change",
        "buyer",
        "bid.pk",
        lambda scene: one(TicketForm(lot=scene.lot)),
        lambda scene: {"units": "4", "price": "1.50", "sequence": str(scene.bid.sequence)},
        is_like="auctions:bid_review",
    ),
    Filled(
        "auctions:bid_compose",
        "buyer",
        "lot.pk",
        lambda scene: list(composer_of(scene).forms),
        lambda scene: pairs_of(composer_of(scene)),
        beside={"do": "review"},
    ),
    Filled(
        "auctions:bid_recompose",
        "buyer",
        "bid.pk",
        lambda scene: list(recomposer_of(scene).forms),
        lambda scene: pairs_of(recomposer_of(scene)) | {"sequence": str(scene.bid.sequence)},
        beside={"do": "review"},
        is_like="auctions:bid_compose",
    ),
    Filled(
        "auctions:order_create",
        "buyer",
        "",
        lambda scene: one(OrderForm()),
        order_of,
        beside={"do": "review"},
        admits={"price": ("0",)},
    ),
    Filled(
        "auctions:order_change",
        "buyer",
        "order.pk",
        lambda scene: one(OrderForm()),
        lambda scene: order_of(scene) | {"revision": str(scene.order.revision)},
        is_like="auctions:order_create",
    ),
    Filled(
        "auctions:operate_market_create",
        "operator",
        "",
        lambda scene: one(MarketForm()),
        lambda scene: market_typed(scene) | {"slug": "overnight-2"},
        wrong={"slug": ("two words",)},
    ),
    Filled(
        "auctions:operate_market_change",
        "operator",
        "market.pk",
        lambda scene: one(MarketForm(market=scene.market)),
        lambda scene: market_typed(scene) | {"version": terms_of_market(scene.market).version},
        is_like="auctions:operate_market_create",
    ),
    Filled(
        "auctions:operate_window_cancel",
        "operator",
        "lot.window_id",
        lambda scene: one(CancelForm()),
        lambda scene: {"reason": WORDS},
    ),
    Filled(
        "auctions:reserve_advice",
        "seller",
        "",
        lambda scene: one(CostForm()),
        lambda scene: {
            "purchase": "30000.00",
            "life_years": "5",
            "residual_percent": "10",
            "power_watts": "1000",
            "energy": "0.08",
            "version": "never saved",
        },
        query="?type={type_slug}&region={region}",
        admits={"energy": ("0",)},
    ),
    Filled(
        "inventory:site_create",
        "seller",
        "",
        lambda scene: one(SiteForm()),
        lambda scene: {"name": WORDS, "region": "us-east", "fabric": "infiniband", "power_kw": "500"},
    ),
    Filled(
        "inventory:block_create",
        "seller",
        "",
        lambda scene: one(ListingForm(seller=scene.seller)),
        block_typed,
        admits=ZERO_PRICES,
        wrong={"units": ("0",), "starts_at": ("2020-01-01T00:00",), "ends_at": ("2020-01-01T00:00",)},
    ),
    Filled(
        "inventory:block_pattern",
        "seller",
        "",
        lambda scene: one(PatternForm(seller=scene.seller)),
        pattern_typed,
        is_like="inventory:block_create",
        admits=ZERO_PRICES
        | {"first_day": ("9999-12-31", "0001-01-01")},  # it is the last day that is refused
        wrong={"last_day": ("2020-01-01",)},
    ),
    Filled(
        "inventory:block_draft_begin",
        "seller",
        "",
        step_forms("what"),
        step_typed("what"),
        wrong={"units": ("0",)},
    ),
    *(draft_step(each.name) for each in STEPS),
    Filled(
        "notifications:webhook_list",
        "buyer",
        "",
        lambda scene: one(EndpointForm()),
        lambda scene: {"url": "https://hooks.example.com/two", "name": WORDS, "events": ["bid.won"]},
        wrong={"url": ("soon", "http://127.0.0.1/", "ftp://example.com/", "https://user:pw@example.com/")},
    ),
    Filled(
        "notifications:webhook_detail",
        "buyer",
        "endpoint.pk",
        lambda scene: one(EndpointForm(endpoint=scene.endpoint)),
        lambda scene: {
            "url": "https://hooks.example.com/two",
            "name": WORDS,
            "events": ["bid.won"],
            "version": terms_of_endpoint(scene.endpoint).version,
        },
        wrong={"url": ("soon", "http://127.0.0.1/")},
        is_like="notifications:webhook_list",
    ),
    Filled(
        "settlements:prepayment_start",
        "buyer",
        "",
        lambda scene: one(PrepaymentForm()),
        lambda scene: {"amount": "250.00", "method": "bank_transfer", "key": KEY},
        wrong={"amount": ("0.99", "1000000")},
    ),
    Filled(
        "settlements:prepaid_return",
        "buyer",
        "",
        lambda scene: one(ReturnForm()),
        lambda scene: {"amount": "5.00", "key": KEY},
        wrong={"amount": ("99999.00",)},
    ),
    Filled(
        "settlements:carried_list",
        "finance",
        "",
        lambda scene: one(WriteOffForm()),
        lambda scene: {"settlement": [str(scene.carried.pk)], "account": "rounding", "reason": WORDS},
    ),
    Filled(
        "settlements:deadline_extend",
        "finance",
        "declined.pk",
        lambda scene: one(ExtendForm()),
        lambda scene: {
            "deadline": f"{timezone.now() + timedelta(days=2):%Y-%m-%dT%H:%M}",
            "reason": WORDS,
            "version": scene.declined_version,
        },
        wrong={"version": ("stale",)},
    ),
    *(
        Filled(
            name,
            "finance",
            "declined.pk",
            lambda scene: one(CollectingForm()),
            lambda scene: {"reason": WORDS, "version": scene.declined_version},
        )
        for name in ("settlements:settlement_retry", "settlements:settlement_default")
    ),
    Filled(
        "settlements:note_add",
        "finance",
        "declined.pk",
        lambda scene: one(NoteForm()),
        lambda scene: {"text": WORDS},
    ),
    Filled(
        "settlements:view_save",
        "finance",
        "",
        lambda scene: one(SaveViewForm()),
        lambda scene: {"name": WORDS, "query": "status=declined"},
    ),
    Filled(
        "settlements:sale_delivery",
        "seller",
        "to_hand_over.pk",
        lambda scene: one(HandoverForm()),
        lambda scene: {
            "endpoint": "ssh research@198.51.100.7",
            "instructions": WORDS,
            "credentials": WORDS,
            "version": "0",
        },
    ),
    Filled(
        "settlements:outage_answer",
        "seller",
        "outage.pk",
        lambda scene: one(AnswerForm()),
        lambda scene: {"note": WORDS},
        beside={"dispute": "dispute"},
        wrong={"note": ("",)},
    ),
    Filled(
        "settlements:outage_report",
        "buyer",
        "delivery.pk",
        lambda scene: one(OutageForm()),
        outage_typed,
        wrong={"starts_at": ("2020-01-01T00:00",), "ends_at": ("2020-01-01T00:00",)},
    ),
    Filled(
        "settlements:ssh_key_list",
        "buyer",
        "",
        lambda scene: one(SshKeyForm()),
        lambda scene: {"key": "ssh-ed25519 AAAA nobody"},
        wrong={"key": ("hello", ED25519, f"{ED25519}\n{ED25519}", "x" * 20_000)},
    ),
    Filled(
        "settlements:outage_detail",
        "finance",
        "outage.pk",
        lambda scene: one(DecisionForm(outage=scene.outage)),
        lambda scene: {
            "verdict": "part",
            "minutes": "3",
            "reason": WORDS,
            "fingerprint": scene.outage.fingerprint,
        },
        wrong={"minutes": ("", "100000"), "fingerprint": ("stale",)},
    ),
    Filled(
        "settlements:transfer_reject",
        "finance",
        "waiting.pk",
        lambda scene: one(RejectForm()),
        lambda scene: {"reason": WORDS},
    ),
    Filled(
        "settlements:transfer_hold",
        "finance",
        "waiting.pk",
        lambda scene: one(HoldForm()),
        lambda scene: {"reason": WORDS},
    ),
    Filled(
        "settlements:fee_list",
        "finance",
        "",
        lambda scene: one(FeeForm()),
        lambda scene: {
            "market": str(scene.market.pk),
            "bps": "2.5",
            "valid_from": f"{timezone.now() + timedelta(days=3):%Y-%m-%dT%H:%M}",
            "note": WORDS,
        },
        wrong={"valid_from": ("2020-01-01T00:00",)},
    ),
    Filled(
        "settlements:refund_create",
        "finance",
        "refunded.pk",
        lambda scene: one(RefundForm(settlement=scene.refunded)),
        refund_typed,
        beside={"action": "preview"},
    ),
    Filled(
        "settlements:dispute_answer",
        "finance",
        "dispute.pk",
        lambda scene: one(EvidenceForm()),
        lambda scene: {"statement": WORDS},
    ),
    Filled(
        "settlements:dispute_bear",
        "finance",
        "lost_dispute.pk",
        lambda scene: one(BearForm()),
        lambda scene: {"bearer": "platform", "fingerprint": scene.bearing, "note": WORDS},
        renews="fingerprint",
    ),
    Filled(
        "settlements:mismatch",
        "finance",
        "mismatch.pk",
        lambda scene: one(AcceptForm()),
        lambda scene: {"reason": WORDS},
    ),
    Filled(
        "account_login",
        "visitor",
        "",
        lambda scene: one(LoginForm()),
        lambda scene: {"login": "ada@example.com", "password": "not-the-right-one"},
        admits={"password": ("   ",)},
    ),
    Filled(
        "account_signup",
        "visitor",
        "",
        lambda scene: one(AccountForm()),
        lambda scene: {
            "name": WORDS,
            "email": "ada@example.com",
            "organization_name": WORDS,
            "trades": "buyer",
            "password1": PASSWORD,
            "password2": PASSWORD,
        },
        wrong={"password1": ("short",), "password2": ("another one altogether",)},
    ),
    Filled(
        "account_reset_password",
        "visitor",
        "",
        lambda scene: one(ResetPasswordForm()),
        lambda scene: {"email": "ada@example.com"},
    ),
    Filled(
        "account_change_password",
        "buyer",
        "",
        lambda scene: one(ChangePasswordForm(scene.people["buyer"])),
        lambda scene: {"oldpassword": PASSWORD, "password1": PASSWORD, "password2": PASSWORD},
        wrong={"oldpassword": ("not this",), "password2": ("another one altogether",)},
    ),
]


@dataclass(frozen=True)
class Pressed:
    """A button, or a choice beside one: nothing is typed, so that what is wrong with it is a row or a state gone.

    ``wrong`` are choices that no page offers.
    """

    name: str
    who: str
    takes: str
    wrong: tuple[Typed, ...] = ({},)
    is_told: bool = True

    def __str__(self) -> str:
        return self.name

    def address(self, scene: SimpleNamespace) -> str:
        return reverse(self.name, args=[attrgetter(each)(scene) for each in self.takes.split()])


def any_of(field: str, *more: Typed) -> tuple[Typed, ...]:
    return ({}, *({field: value} for value in ("", "no-such", "-1", HUGE, "9" * 5000, "\0")), *more)


PRESSED = [
    Pressed("accounts:switch_organization", "buyer", "", any_of("organization")),
    Pressed("accounts:member_role", "buyer", "colleague.pk", any_of("role")),
    Pressed("accounts:member_remove", "buyer", "nobody"),
    Pressed("accounts:api_key_revoke", "buyer", "nobody"),
    Pressed("accounts:credit_approve", "finance", "nobody"),
    Pressed("accounts:credit_refuse", "finance", "nobody"),
    Pressed("auctions:bid_ask", "buyer", "bid.pk"),
    Pressed("auctions:bid_cancel", "buyer", "won.pk"),
    Pressed("auctions:operate_window_retry", "operator", "lot.window_id"),
    Pressed("auctions:operate_market_pause", "operator", "nobody"),
    Pressed("auctions:order_cancel", "buyer", "nobody"),
    Pressed("auctions:order_pause", "buyer", "nobody"),
    Pressed("auctions:order_resume", "buyer", "order.pk", is_told=False),  # it bids, as was asked
    Pressed("inventory:block_draft_review", "seller", "draft.pk", any_of("version")),
    Pressed("inventory:block_draft_discard", "seller", "nobody", is_told=False),  # it is gone, as was asked
    Pressed("inventory:block_withdraw", "seller", "nobody"),
    Pressed("inventory:block_import", "seller", "", any_of("file")),
    Pressed("notifications:notifications_read", "buyer", "", any_of("up_to")),
    Pressed("notifications:unsubscribe", "visitor", "forged_key"),
    Pressed("notifications:webhook_again", "buyer", "nobody"),
    Pressed("notifications:webhook_remove", "buyer", "nobody"),
    Pressed("notifications:webhook_rotate", "buyer", "nobody"),
    Pressed("notifications:webhook_switch", "buyer", "nobody"),
    Pressed("notifications:webhook_test", "buyer", "nobody"),
    Pressed("settlements:card_default", "buyer", "nobody"),
    Pressed("settlements:card_remove", "buyer", "nobody"),
    Pressed("settlements:dispute_accept", "finance", "lost_dispute.pk"),
    Pressed("settlements:mismatch_assign", "finance", "mismatch.pk", any_of("owner")[2:]),
    Pressed("settlements:outage_withdraw", "buyer", "nobody"),
    Pressed("settlements:own_delivery_access", "buyer", "to_hand_over.pk"),
    Pressed("settlements:own_delivery_keys", "buyer", "delivery.pk", any_of("keys")[1:]),
    Pressed("settlements:own_settlement_pay", "buyer", "due.pk", any_of("card")),
    Pressed("settlements:period_close", "finance", "year"),
    Pressed("settlements:prepayment_cancel", "buyer", "nobody"),
    Pressed("settlements:prepaid_dispute_excuse", "finance", "nobody"),
    Pressed("settlements:refund_approve", "finance", "refund.pk", any_of("fingerprint")),
    Pressed("settlements:refund_cancel", "finance", "nobody"),
    Pressed("settlements:refund_credit", "finance", "refund.pk"),
    Pressed("settlements:refund_retry", "finance", "refund.pk"),
    Pressed("settlements:reversal_retry", "finance", "refund.pk nobody"),
    Pressed("settlements:settlement_assign", "finance", "", any_of("settlement")),
    Pressed("settlements:ssh_key_remove", "buyer", "nobody"),
    Pressed("settlements:transfer_confirm", "finance", "", any_of("transfer")),
    Pressed(
        "settlements:transfer_decide",
        "finance",
        "",
        any_of("shown", *({"action": "propose", **typed} for typed in any_of("shown"))),
    ),
    Pressed("settlements:transfer_hold_lift", "finance", "nobody"),
    Pressed("settlements:transfer_reopen", "finance", "waiting.pk"),
    Pressed("settlements:transfer_retry", "finance", "waiting.pk"),
]
NOT_TRIED = {
    "say nothing that could be wrong": """
        auctions:search_default auctions:search_remove settlements:view_remove settlements:card_add
        settlements:payout_setup_refresh settlements:payout_setup_start settlements:reconciliation_look
        notifications:preferences account_logout""",
    "are allauth's own, but for how they look (tests/browser/test_accessibility.py)": """
        account_confirm_email account_confirm_login_code account_email account_reauthenticate
        account_reset_password_from_key account_set_password mfa_activate_totp mfa_authenticate
        mfa_deactivate_totp mfa_download_recovery_codes mfa_generate_recovery_codes mfa_index
        mfa_reauthenticate mfa_view_recovery_codes""",
    "for programs": "settlements:stripe_webhook",
}
"""Addresses that take a POST and are tried neither as forms nor as buttons, and why."""
