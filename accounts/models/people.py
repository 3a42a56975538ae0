"""People, the organizations they act for, and the views they keep."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from marketplace.audit import audited


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
