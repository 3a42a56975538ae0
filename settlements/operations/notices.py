"""Send the e-mails about unpaid settlements. The row is there first; it is locked while its e-mail goes out."""

from __future__ import annotations

from datetime import datetime

from django.core.mail import get_connection
from django.db import transaction
from django.template.loader import render_to_string

from notifications.mail import Content, compose
from notifications.queries import addresses
from settlements.links import payment_link
from settlements.models import ChargeAttempt, DunningStep, Notice, Refund, Settlement

ONLY_WHILE_UNPAID = frozenset(Notice.Kind) - {
    Notice.Kind.DEFAULTED,
    Notice.Kind.LATE_PAYMENT,
    Notice.Kind.REFUNDED,
    Notice.Kind.DISPUTED,
}

CHOSEN_BY = {
    Notice.Kind.AUTHENTICATION: "payment_confirmation",
    Notice.Kind.DEFAULTED: "award_cancelled",
    Notice.Kind.REFUNDED: "refund",
    Notice.Kind.DISPUTED: "dispute",
}
"""The kind of news by which people choose these e-mails; all others are about a payment that failed."""


def send_notice(*, notice_id: int, now: datetime) -> int:
    """Send an e-mail to everybody who buys for the organization; return to how many.

    What has been paid meanwhile is not asked for again. A worker that dies between the mail server's answer and the
    commit may send twice, and never not at all.
    """
    with transaction.atomic(durable=True):
        notice = (
            Notice.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .select_related("settlement__organization", "settlement__window__market")
            .filter(pk=notice_id, ended_at=None)
            .first()
        )
        if notice is None:
            return 0
        recipients = _recipients(notice) if _still_true(notice) else []
        _send(notice, recipients)
        notice.n_recipients = len(recipients)
        notice.ended_at = now
        notice.save(update_fields=["n_recipients", "ended_at"])
        return len(recipients)


def _still_true(notice: Notice) -> bool:
    return notice.kind not in ONLY_WHILE_UNPAID or notice.settlement.status not in Settlement.ENDED


def _chosen_by(notice: Notice) -> str:
    return CHOSEN_BY.get(Notice.Kind(notice.kind), "payment_failed")


def _recipients(notice: Notice) -> list[tuple[int, str]]:
    return addresses(notice.settlement.organization_id, _chosen_by(notice))


def _send(notice: Notice, recipients: list[tuple[int, str]]) -> None:
    """Send one message each: nobody reads in it who else was written to."""
    if not recipients:
        return
    subject, _, body = render_to_string(f"email/settlement_{notice.kind}.txt", _facts(notice)).partition("\n")
    why = f"You receive this because you buy for {notice.settlement.organization}."
    content = Content(subject=subject.strip(), text=body, why=why)
    get_connection().send_messages(
        [
            compose(content, user_id=user_id, email=email, kind_name=_chosen_by(notice))
            for user_id, email in recipients
        ]
    )


def _facts(notice: Notice) -> dict[str, object]:
    settlement = notice.settlement
    declined = settlement.attempts.filter(outcome=ChargeAttempt.Outcome.DECLINED)
    retry = DunningStep.objects.filter(
        dunning_id=settlement.pk, kind=DunningStep.Kind.RETRY, taken_at=None
    ).order_by("due_at")
    return {
        "settlement": settlement,
        "dunning": getattr(settlement, "dunning", None),
        "default": getattr(settlement, "default", None),
        "attempt": declined.order_by("-number").first(),
        "next_retry": retry.first(),
        "refund": settlement.refunds.filter(status__in=Refund.BOOKED).order_by("-decided_at", "-id").first(),
        "dispute": settlement.disputes.order_by("-id").first(),
        "link": payment_link(settlement.pk),
    }
