"""Who takes part: people, the organizations they act for, and how much an organization may have at stake."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from marketplace.audit import audited
from marketplace.states import Transitions


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a person who logs in with ``email``. Raise ValueError without an address."""
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Staff roles are held by the person; trading rights come from a Membership."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May open the back-office admin.")
    is_operator = models.BooleanField(default=False, help_text="Runs markets and windows.")
    is_finance = models.BooleanField(default=False, help_text="Reviews settlements.")
    date_joined = models.DateTimeField(db_default=Now())

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_whatever_the_case")]

    def __str__(self) -> str:
        return self.name or self.email


@audited()
class Organization(models.Model):
    """A buyer, a seller, or both: the party that bids, lists, pays and is paid."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=120, unique=True)
    is_buyer = models.BooleanField(default=True)
    is_seller = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="organization_buys_or_sells", condition=Q(is_buyer=True) | Q(is_seller=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


@audited()
class Membership(models.Model):
    """A person's part in an organization."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        TRADER = "trader", "Trader"
        VIEWER = "viewer", "Viewer"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "organization"], name="membership_once_per_organization"),
            models.CheckConstraint(
                name="membership_role_known", condition=Q(role__in=["owner", "trader", "viewer"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization} ({self.role})"


class ApiKey(models.Model):
    """A key that acts for an organization through the API. Only its hash is kept."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class ApiIdempotencyKey(models.Model):
    """What an Idempotency-Key was used for, and the answer it got.

    ``status`` is null from the moment the work begins until its answer is kept. A row that stays so belongs to a
    request that was cut off: its outcome is unknown, so the key is never run again.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint_sha256 = models.CharField(max_length=64, help_text="Of method, address and body.")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="idempotency_key_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return f"{self.key} of organization {self.organization_id}"


@audited(fields=["organization", "credit_cents", "prepaid_cents", "limit_set_at", "suspended_reason"])
class BiddingLimit(models.Model):
    """How much an organization may have at stake, and how much of that is held now, cents.

    The limit is what it has paid in and not spent plus the credit that finance gives. ``prepaid_cents`` is the balance
    of its BUYER_PREPAID account: the ledger's triggers keep it, and nobody else may. ``held_cents`` is the sum of the
    organization's live holds. Both are kept, and not summed each time, because they guard something under this row's
    lock.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="bidding_limit"
    )
    credit_cents = models.BigIntegerField(default=0)
    prepaid_cents = models.BigIntegerField(default=0, editable=False)
    limit_cents = models.GeneratedField(
        expression=models.F("credit_cents") + models.F("prepaid_cents"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    held_cents = models.BigIntegerField(default=0)
    limit_set_at = models.DateTimeField(
        null=True, blank=True, help_text="When finance, or the first card, last set the credit."
    )
    suspended_reason = models.CharField(
        max_length=300,
        blank=True,
        default="",
        help_text="Why nothing new may be held, for people; empty: it may.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="credit_not_negative", condition=Q(credit_cents__gte=0)),
            models.CheckConstraint(name="prepaid_not_negative", condition=Q(prepaid_cents__gte=0)),
            models.CheckConstraint(name="held_not_negative", condition=Q(held_cents__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.held_cents} of {self.limit_cents} cents held"

    @property
    def free_cents(self) -> int:
        """What may still be put at stake; zero when the limit fell below what is held."""
        return max(0, self.limit_cents - self.held_cents)

    @property
    def over_cents(self) -> int:
        """How far what is held exceeds a limit that fell below it."""
        return max(0, self.held_cents - self.limit_cents)


@audited()
class CreditChange(models.Model):
    """A change of an organization's credit line: who, when, why, from what to what. A decided one is never changed.

    A raise above CREDIT_FOUR_EYES_CENTS (``needs_second``) is proposed by one finance person and decided by another.
    Without ``proposed_by`` a rule did it, such as the starting limit.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Waits for a second person"
        IN_FORCE = "in_force", "Set"
        REFUSED = "refused", "Refused"

    TRANSITIONS: Transitions = {
        Status.PROPOSED: frozenset({Status.IN_FORCE, Status.REFUSED}),
        Status.IN_FORCE: frozenset(),
        Status.REFUSED: frozenset(),
    }

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="credit_changes")
    before_cents = models.BigIntegerField()
    after_cents = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    status = models.CharField(max_length=10, choices=Status, default=Status.PROPOSED)
    needs_second = models.BooleanField(default=False)
    proposed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="credit_change_amounts", condition=Q(before_cents__gte=0, after_cents__gte=0)
            ),
            models.CheckConstraint(name="credit_change_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="credit_change_four_eyes",
                condition=~Q(status="in_force")
                | Q(needs_second=False)
                | Q(decided_by__isnull=False, proposed_by__isnull=False)
                & ~Q(decided_by=models.F("proposed_by")),
            ),
            models.CheckConstraint(
                name="credit_change_decided_when",
                condition=Q(status="proposed") | Q(decided_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(status="proposed"), name="credit_change_one_open"
            ),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="credit_change_by_org")]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.before_cents} to {self.after_cents} cents"


class Hold(models.Model):
    """A part of an organization's limit set aside for one bid or one unpaid settlement."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="holds")
    reference = models.CharField(max_length=60, help_text="What it is held for, such as bid:12.")
    amount_cents = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reference"], condition=Q(released_at=None), name="hold_one_live_per_reference"
            ),
            models.CheckConstraint(name="hold_positive", condition=Q(amount_cents__gt=0)),
        ]
        indexes = [
            models.Index(
                fields=["organization", "id"], condition=Q(released_at=None), name="hold_live_by_org"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount_cents} cents"


class Stream(models.Model):
    """An organization's own feed: the number of the last event in it."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="stream"
    )
    last_sequence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.organization_id} at {self.last_sequence}"


class StreamEvent(models.Model):
    """One thing that happened to an organization: a bid, an award, a payment. Never conflated, never changed.

    ``sequence`` counts without gaps within the organization. ``published`` turns true once listeners were told.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="stream_events")
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=40, help_text="Such as bid.placed, award.won, settlement.paid.")
    data = models.JSONField(
        default=dict, help_text="Identifiers and amounts, enough to tell the reader what changed."
    )
    created_at = models.DateTimeField(db_default=Now())
    published = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "sequence"], name="stream_event_numbered_once"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(published=False), name="stream_event_unpublished"),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}#{self.sequence} {self.kind}"


class DeskEvent(models.Model):
    """One thing that our own staff should see to, in the transaction that made it so; ``told`` once passed on."""

    class Desk(models.TextChoices):
        FINANCE = "finance", "Finance"
        OPERATOR = "operator", "Operators"

    desk = models.CharField(max_length=10, choices=Desk)
    kind = models.CharField(max_length=40, help_text="Such as refund.proposed, window.held.")
    data = models.JSONField(default=dict, help_text="Identifiers and amounts, as in StreamEvent.")
    created_at = models.DateTimeField(db_default=Now())
    told = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="desk_known", condition=Q(desk__in=["finance", "operator"])),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(told=False), name="desk_event_untold")]

    def __str__(self) -> str:
        return f"{self.kind} for {self.desk}"


class SavedView(models.Model):
    """A filter of a page under a name: ``query`` is what follows the question mark of its address.

    The one that ``is_default`` is what the page opens with for its owner.
    """

    class Place(models.TextChoices):
        BOARD = "board", "Board"
        SETTLEMENTS = "settlements", "Settlement queue"

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    place = models.CharField(max_length=20, choices=Place)
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=1000, blank=True)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "place", "name"], name="saved_view_name_once_per_person"
            ),
            models.UniqueConstraint(
                fields=["owner", "place"], condition=Q(is_default=True), name="saved_view_one_default"
            ),
            models.CheckConstraint(name="saved_view_named", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
