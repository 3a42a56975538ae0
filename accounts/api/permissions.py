"""Who may call: the rules of accounts/policies.py, asked for the active organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.access import REFUSALS
from accounts.models import ApiKey

if TYPE_CHECKING:  # DRF reads its settings, and so this module, while it imports its views
    from rest_framework.views import APIView


class _OrganizationPermission(BasePermission):
    permission: str

    def has_permission(self, request: Request, view: APIView) -> bool:
        organization = request._request.organization  # type: ignore[attr-defined]
        return organization is not None and request.user.has_perm(self.permission, organization)

    @property
    def message(self) -> str:
        return REFUSALS[self.permission]


class IsMember(_OrganizationPermission):
    permission = "accounts.view_organization"


class IsBuyer(_OrganizationPermission):
    permission = "accounts.buy_for"


class IsSeller(_OrganizationPermission):
    permission = "accounts.sell_for"


class IsOwner(_OrganizationPermission):
    permission = "accounts.manage_organization"


class IsFinance(BasePermission):
    """Finance staff in person: a key acts for an organization and never carries its maker's staff role."""

    message = REFUSALS["accounts.review_settlements"]

    def has_permission(self, request: Request, view: APIView) -> bool:
        return not isinstance(request.auth, ApiKey) and request.user.has_perm("accounts.review_settlements")
