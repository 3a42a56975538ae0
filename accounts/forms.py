"""What people fill in about themselves and their organization."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest

from accounts.models import Membership, Organization, User
from accounts.operations import create_organization
from marketplace.fields import AmountField, WholeNumberField

MAX_LIMIT_DOLLARS = 1_000_000_000


class OrganizationForm(forms.Form):
    """An organization to take part with."""

    organization_name = forms.CharField(label="Organization", max_length=120)
    trades = forms.ChoiceField(
        label="You want to",
        choices=[
            ("buyer", "Buy capacity"),
            ("seller", "Sell idle capacity"),
            ("both", "Buy and sell"),
        ],
        initial="buyer",
        widget=forms.RadioSelect,
    )

    def create_for(self, owner: User) -> Organization:
        """Create what a valid form says, owned by ``owner``."""
        trades = self.cleaned_data["trades"]
        return create_organization(
            name=self.cleaned_data["organization_name"],
            owner=owner,
            is_buyer=trades in ("buyer", "both"),
            is_seller=trades in ("seller", "both"),
        )


class SignupForm(OrganizationForm):
    """What sign-up asks beside allauth's e-mail address and password (ACCOUNT_SIGNUP_FORM_CLASS)."""

    name = forms.CharField(
        label="Your name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    field_order = ["name", "email", "organization_name", "trades", "password1", "password2"]

    def signup(self, request: HttpRequest, user: User) -> None:
        """Finish a sign-up: allauth has just saved ``user``."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
        self.create_for(user)


class ApiKeyForm(forms.Form):
    name = forms.CharField(label="Name", max_length=80, help_text="What will use it, such as “Scheduler”.")


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role", choices=Membership.Role, initial=Membership.Role.VIEWER)

    def clean_role(self) -> Membership.Role:
        return Membership.Role(self.cleaned_data["role"])


class MemberForm(RoleForm):
    """Somebody who is to act for the organization."""

    email = forms.EmailField(
        label="E-mail address",
        help_text="Of somebody who has signed up on Sparegrid and confirmed it by the letter sent to it.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    field_order = ["email", "role"]


class CreditForm(forms.Form):
    """A credit line in dollars, cleaned to cents, with its reason; ``seen`` is the line that was shown, cents."""

    credit = AmountField(
        label="Credit line",
        max_dollars=MAX_LIMIT_DOLLARS,
        help_text="Below what is held now, nothing new can be placed until holds are released.",
    )
    reason = forms.CharField(
        max_length=300,
        help_text="Kept for good: what finance reads when it asks why.",
        widget=forms.Textarea({"rows": 2}),
    )
    seen = WholeNumberField(min_value=0, widget=forms.HiddenInput)
