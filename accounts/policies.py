"""Who may do what for an organization, and what staff may do. Ask with ``user.has_perm(name, organization)``."""

import rules

from accounts.models import Membership, Organization, User

TRADING_ROLES = (Membership.Role.OWNER, Membership.Role.TRADER)


@rules.predicate
def is_member(user: User, organization: Organization | None) -> bool:
    return organization is not None and _has_role(user, organization, tuple(Membership.Role))


@rules.predicate
def is_trader(user: User, organization: Organization | None) -> bool:
    return organization is not None and _has_role(user, organization, TRADING_ROLES)


@rules.predicate
def is_owner(user: User, organization: Organization | None) -> bool:
    return organization is not None and _has_role(user, organization, (Membership.Role.OWNER,))


@rules.predicate
def is_finance(user: User) -> bool:
    return user.is_authenticated and user.is_finance


@rules.predicate
def is_operator(user: User) -> bool:
    return user.is_authenticated and user.is_operator


@rules.predicate
def buys(user: User, organization: Organization | None) -> bool:
    return organization is not None and organization.is_buyer


@rules.predicate
def sells(user: User, organization: Organization | None) -> bool:
    return organization is not None and organization.is_seller


def _has_role(user: User, organization: Organization, roles: tuple[Membership.Role, ...]) -> bool:
    if not user.is_authenticated:
        return False
    return Membership.objects.filter(user=user, organization=organization, role__in=roles).exists()


rules.add_perm("accounts.view_organization", is_member)
rules.add_perm("accounts.manage_organization", is_owner)
rules.add_perm("accounts.buy_for", is_trader & buys)
rules.add_perm("accounts.sell_for", is_trader & sells)
rules.add_perm("accounts.review_settlements", is_finance)
rules.add_perm("accounts.operate_markets", is_operator)
