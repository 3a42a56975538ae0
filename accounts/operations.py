"""What changes who takes part: organizations, their limits, their keys. Each function owns its transaction."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.holds import lock_limit
from accounts.keys import new_secret, secret_sha256
from accounts.models import (
    ApiKey,
    BiddingLimit,
    CreditChange,
    DeskEvent,
    Membership,
    Organization,
    Stream,
    User,
)
from accounts.stakes import stake_of
from accounts.stream import append_desk_event, append_event
from marketplace.db import database_now
from marketplace.money import format_cents
from marketplace.states import require_transition

SLUG_CHARACTERS = 100


class NoSuchMember(Exception):
    """The organization has no member of this id."""


class MemberRefused(Exception):
    """The members stay as they are; the text says why, for people."""


class CreditRefused(Exception):
    """The credit line stays as it is; the text says why, for people."""


class ApiKeyNotFound(Exception):
    """The organization has no live key of this id."""


def create_organization(*, name: str, owner: User, is_buyer: bool, is_seller: bool) -> Organization:
    """Create an organization that ``owner`` owns, with a limit of zero and a feed of its own."""
    with transaction.atomic(durable=True):
        organization = _create_under_free_slug(name=name, is_buyer=is_buyer, is_seller=is_seller)
        BiddingLimit.objects.create(organization=organization)
        Stream.objects.create(organization=organization)
        Membership.objects.create(user=owner, organization=organization, role=Membership.Role.OWNER)
    return organization


def add_member(*, organization: Organization, email: str, role: Membership.Role) -> Membership:
    """Have a person who has signed up, and confirmed its address, act for an organization. Raise MemberRefused.

    Anybody may sign up with anybody's address: until it is confirmed, the account may be a stranger's.
    """
    with transaction.atomic(durable=True):
        person = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
        if person is None:
            raise MemberRefused("Nobody has signed up with this address. Ask them to sign up first.")
        if not EmailAddress.objects.filter(user=person, email__iexact=person.email, verified=True).exists():
            raise MemberRefused(
                "This address is not confirmed, so the account may be somebody else's. Ask them to confirm it with the "
                "letter that was sent to it, then add them; under E-mail, in their menu, it can be sent again."
            )
        member, is_new = Membership.objects.get_or_create(
            user=person, organization=organization, defaults={"role": role}
        )
        if not is_new:
            raise MemberRefused(f"{person} is a member already.")
    return member


def change_role(*, organization: Organization, member_id: int, role: Membership.Role) -> Membership:
    """Give a member another role. Raise NoSuchMember, or MemberRefused for the last owner."""
    with transaction.atomic(durable=True):
        member = _locked_member(organization, member_id)
        if role != Membership.Role.OWNER:
            _require_another_owner(member)
        member.role = role
        member.save(update_fields=["role"])
    return member


def remove_member(*, organization: Organization, member_id: int) -> Membership:
    """End a person's part in an organization, and their keys'. Raise NoSuchMember, MemberRefused for the last owner.

    A key may do what its maker may (accounts/api/permissions.py), so it stops with the membership. It is ended
    for good, as it would work again if the person came back.
    """
    with transaction.atomic(durable=True):
        member = _locked_member(organization, member_id)
        _require_another_owner(member)
        Membership.objects.filter(pk=member.pk).delete()
        keys = ApiKey.objects.filter(organization=organization, created_by=member.user, revoked_at=None)
        keys.update(revoked_at=database_now())
    return member


def set_credit(
    *,
    organization: Organization,
    credit_cents: int,
    reason: str,
    by: User | None = None,
    seen_cents: int | None = None,
) -> CreditChange:
    """Set an organization's credit line, or propose it where a second person must agree: a raise above the threshold.

    ``seen_cents`` is the credit that ``by`` saw when deciding. Below what is held, the holds stay alive. Without ``by``
    a program sets it. Raise CreditRefused when the line changed meanwhile, a proposal is open, or ``by`` is a member
    and raises it.
    """
    with transaction.atomic(durable=True):
        limit = lock_limit(organization.pk)
        _require_as_seen(limit, seen_cents)
        if CreditChange.objects.filter(
            organization=organization, status=CreditChange.Status.PROPOSED
        ).exists():
            raise CreditRefused(
                "A change of this credit line waits for a second person. Decide that one first."
            )
        if credit_cents == limit.credit_cents and by is not None:
            raise CreditRefused(
                f"The credit line is {format_cents(credit_cents)} already. Nothing was changed."
            )
        is_raise = credit_cents > limit.credit_cents
        if by is not None and is_raise:
            _require_no_stake(by, organization.pk)
        change = CreditChange(
            organization=organization,
            before_cents=limit.credit_cents,
            after_cents=credit_cents,
            reason=reason,
            needs_second=by is not None and is_raise and credit_cents > settings.CREDIT_FOUR_EYES_CENTS,
            proposed_by=by,
        )
        if not change.needs_second:
            _put_in_force(change, limit, by=by)
        change.save()
        if change.needs_second:
            _ask_for_a_second_person(change)
        return change


def decide_credit(*, change_id: int, by: User, approve: bool) -> CreditChange:
    """Put a proposed credit line in force as a second person, or refuse it as anybody.

    Raise CreditRefused: for the proposer's or a member's own approval, one decided before, or a line that changed
    meanwhile.
    """
    with transaction.atomic(durable=True):
        organization_id = CreditChange.objects.values_list("organization_id", flat=True).get(pk=change_id)
        limit = lock_limit(organization_id)
        change = CreditChange.objects.select_for_update().get(pk=change_id)
        if change.status != CreditChange.Status.PROPOSED:
            raise CreditRefused("This change is decided already. Nothing was changed.")
        if not approve:
            require_transition(CreditChange.TRANSITIONS, change.status, CreditChange.Status.REFUSED)
            change.status = CreditChange.Status.REFUSED
            change.decided_by, change.decided_at = by, database_now()
        elif change.proposed_by_id == by.pk:
            raise CreditRefused("You proposed this credit line. Another finance person must approve it.")
        else:
            _require_no_stake(by, organization_id)
            _require_as_seen(limit, change.before_cents)
            _put_in_force(change, limit, by=by)
        change.save()
        return change


def _require_no_stake(by: User, organization_id: int) -> None:
    if stake := stake_of(by, organization_id):
        raise CreditRefused(stake)


def _require_as_seen(limit: BiddingLimit, seen_cents: int | None) -> None:
    if seen_cents is not None and seen_cents != limit.credit_cents:
        raise CreditRefused(
            f"The credit line is {format_cents(limit.credit_cents)} by now, not {format_cents(seen_cents)} as shown. "
            "Nothing was changed; look again."
        )


def _put_in_force(change: CreditChange, limit: BiddingLimit, *, by: User | None) -> None:
    require_transition(CreditChange.TRANSITIONS, change.status, CreditChange.Status.IN_FORCE)
    change.status = CreditChange.Status.IN_FORCE
    change.decided_by, change.decided_at = by, database_now()
    limit.credit_cents = change.after_cents
    limit.limit_set_at = change.decided_at
    limit.save(update_fields=["credit_cents", "limit_set_at"])
    if change.after_cents > change.before_cents:
        append_event(
            organization_id=change.organization_id,
            kind="limit.raised",
            data={
                "credit_cents": change.after_cents,
                "before_cents": change.before_cents,
                "limit_cents": change.after_cents + limit.prepaid_cents,
            },
        )


def _ask_for_a_second_person(change: CreditChange) -> None:
    append_desk_event(
        desk=DeskEvent.Desk.FINANCE,
        kind="credit.proposed",
        data={
            "change": change.pk,
            "organization": change.organization_id,
            "organization_name": change.organization.name,
            "amount_cents": change.after_cents,
            "by": change.proposed_by_id,
        },
    )


def create_api_key(*, organization: Organization, created_by: User, name: str) -> tuple[ApiKey, str]:
    """Create a key and return it with its text, which cannot be had again."""
    drawn = new_secret()
    with transaction.atomic(durable=True):
        key = ApiKey.objects.create(
            organization=organization,
            created_by=created_by,
            name=name,
            prefix=drawn.prefix,
            secret_sha256=secret_sha256(drawn.secret),
        )
    return key, drawn.text


def revoke_api_key(*, organization: Organization, key_id: int, now: datetime) -> None:
    """End a key at once and for good. Raise ApiKeyNotFound."""
    with transaction.atomic(durable=True):
        live = ApiKey.objects.filter(pk=key_id, organization=organization, revoked_at=None)
        if not live.update(revoked_at=now):
            raise ApiKeyNotFound


def _locked_member(organization: Organization, member_id: int) -> Membership:
    """Lock the organization, so that two owners cannot end each other at once, and return its member."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    members = Membership.objects.select_related("user").filter(organization=organization, pk=member_id)
    member = members.first()
    if member is None:
        raise NoSuchMember
    return member


def _require_another_owner(member: Membership) -> None:
    others = Membership.objects.filter(
        organization_id=member.organization_id, role=Membership.Role.OWNER
    ).exclude(pk=member.pk)
    if member.role == Membership.Role.OWNER and not others.exists():
        raise MemberRefused(f"{member.user} is the only owner. Make somebody else an owner first.")


def _create_under_free_slug(*, name: str, is_buyer: bool, is_seller: bool) -> Organization:
    """Create with the first free of acme, acme-2, acme-3 …; the unique constraint decides, also in a race."""
    stem = slugify(name)[:SLUG_CHARACTERS] or "organization"
    number, slug = 1, stem
    while True:
        try:
            with transaction.atomic():
                return Organization.objects.create(
                    name=name, slug=slug, is_buyer=is_buyer, is_seller=is_seller
                )
        except IntegrityError:
            if not Organization.objects.filter(slug=slug).exists():
                raise
        number += 1
        slug = f"{stem}-{number}"
