"""Forms and buttons of money and delivery: for buyers, for sellers and for finance."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from django.utils import timezone

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
from tests.integration.forms.table.rows import KEY, WORDS, Filled, Pressed, Typed, any_of, one
from tests.integration.settlements.deliveries import ED25519


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


FORMS = [
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
]

PRESSED = [
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
