"""Cards on file: opening the page where one is added, taking in what came of it, choosing the default, removing."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse

from accounts.holds import grant_starting_limit, has_live_holds
from accounts.models import Organization
from accounts.stream import append_event
from marketplace.db import database_now
from settlements import stripe_gateway as gateway
from settlements.jobs import defer_charges, defer_detach
from settlements.models import ChargeAttempt, Customer, PaymentMethod, Settlement
from settlements.operations.customers import ensure_customer
from settlements.operations.suspensions import review_limit
from settlements.stripe_facts import Card

logger = logging.getLogger(__name__)


class CardNotSaved(Exception):
    """No card came of it; the text says why, for people."""


class PaymentMethodInUse(Exception):
    """The card cannot be removed now: the text says for people what relies on it."""


def open_card_page(*, organization_id: int) -> str:
    """Return the address of the page where the buyer adds a card. Raise OutcomeUnknown, Refused."""
    page = settings.SITE_URL + reverse("settlements:payment_methods")
    session = gateway.create_setup_session(
        customer_id=ensure_customer(organization_id),
        # Stripe puts the session's id where the braces are.
        success_url=settings.SITE_URL
        + reverse("settlements:card_return")
        + "?session_id={CHECKOUT_SESSION_ID}",
        cancel_url=page,
    )
    return session.url


def save_card_of_session(*, organization_id: int, session_id: str) -> PaymentMethod:
    """Take in the card that the buyer added, when the buyer comes back. Raise CardNotSaved, OutcomeUnknown, Refused.

    The webhook takes it in too, earlier or later; the card's id is unique, so it is there once.
    """
    if not session_id:  # Stripe would take the address without one for that of a list
        raise CardNotSaved("No card was added.")
    session = gateway.retrieve_setup_session(session_id)
    customer = Customer.objects.filter(organization_id=organization_id).first()
    if customer is None or not customer.stripe_id or session.customer_id != customer.stripe_id:
        raise CardNotSaved("This page belongs to another organization.")
    if not session.payment_method_id:
        raise CardNotSaved("No card was added.")
    card = gateway.retrieve_card(session.payment_method_id)
    with transaction.atomic(durable=True):
        return save_card(card)


def save_card(card: Card) -> PaymentMethod:
    """Put a card on file for the organization whose customer holds it; assumes a transaction. Raise CardNotSaved.

    The first card is the default, brings the starting limit (a number once, whoever adds it), and is charged with
    what was due without one.
    """
    customer = Customer.objects.filter(stripe_id=card.customer_id).first()
    if customer is None or not card.customer_id:
        raise CardNotSaved(f"{card.id} belongs to no customer of ours")
    organization = Organization.objects.select_for_update(no_key=True).get(pk=customer.organization_id)
    known = PaymentMethod.objects.filter(stripe_id=card.id).first()
    if known is not None:
        return known
    saved = PaymentMethod.objects.create(
        organization=organization,
        stripe_id=card.id,
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        fingerprint=card.fingerprint,
        is_default=not _live_cards(organization.pk).filter(is_default=True).exists(),
    )
    _bring_starting_limit(saved)
    review_limit(organization.pk)
    due = Settlement.objects.filter(organization=organization, status=Settlement.Status.DUE).order_by("id")
    defer_charges(list(due.values_list("id", flat=True)))
    append_event(
        organization_id=organization.pk,
        kind="payment_method.added",
        data={"payment_method": saved.pk, "brand": saved.brand, "last4": saved.last4},
    )
    return saved


def _bring_starting_limit(card: PaymentMethod) -> None:
    """Grant the starting limit, unless it was granted before or the card's number brought one to somebody else."""
    try:
        with transaction.atomic():
            granted = grant_starting_limit(organization_id=card.organization_id)
            if granted and card.fingerprint and settings.STARTING_LIMIT_ONCE_PER_CARD:
                PaymentMethod.objects.filter(pk=card.pk).update(spent_on_limit=True)
    except IntegrityError:
        # The unique constraint decides, also between two who add the same number at once; the grant is undone.
        logger.warning("%s of organization %s brought a limit before", card, card.organization_id)


def make_default(*, organization_id: int, payment_method_id: int) -> PaymentMethod:
    """Have later settlements charged to this card. Raise PaymentMethod.DoesNotExist for another's or a removed one."""
    with transaction.atomic(durable=True):
        Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
        card = _live_cards(organization_id).get(pk=payment_method_id)
        _live_cards(organization_id).filter(is_default=True).update(is_default=False)
        card.is_default = True
        card.save(update_fields=["is_default"])
        return card


def remove_card(*, organization_id: int, payment_method_id: int) -> None:
    """Take a card off file; the newest other becomes the default if it was. A job detaches it at Stripe.

    Raise PaymentMethodInUse while a payment with it is under way, or while it is the last card and bids or unpaid
    settlements hold part of the limit; PaymentMethod.DoesNotExist for another's.
    """
    with transaction.atomic(durable=True):
        Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
        card = _live_cards(organization_id).select_for_update(no_key=True).get(pk=payment_method_id)
        if ChargeAttempt.objects.filter(payment_method=card, outcome__in=ChargeAttempt.OPEN).exists():
            raise PaymentMethodInUse("A payment with this card is under way. Remove it when that has ended.")
        others = _live_cards(organization_id).exclude(pk=card.pk)
        if not others.exists() and has_live_holds(organization_id=organization_id):
            raise PaymentMethodInUse(
                "This is your only card, and bids or unpaid settlements rely on it. Add another card first, "
                "or remove this one when nothing is held any more."
            )
        take_off_file(card)
        defer_detach(card.pk)


def take_off_file(card: PaymentMethod) -> None:
    """Mark a card as removed and pass its being the default on; assumes a transaction that locked the owner."""
    was_default = card.is_default
    card.is_default = False
    card.removed_at = database_now()
    card.save(update_fields=["is_default", "removed_at"])
    heir = _live_cards(card.organization_id).order_by("-id").first() if was_default else None
    if heir is not None:
        heir.is_default = True
        heir.save(update_fields=["is_default"])
    review_limit(card.organization_id)


def detach_removed_card(*, payment_method_id: int) -> None:
    """Detach a removed card at Stripe, so that nobody can charge it any more. Raise OutcomeUnknown, Refused."""
    card = PaymentMethod.objects.exclude(removed_at=None).get(pk=payment_method_id)
    gateway.detach_card(card.stripe_id)


def _live_cards(organization_id: int) -> QuerySet[PaymentMethod]:
    return PaymentMethod.objects.filter(organization_id=organization_id, removed_at=None)
