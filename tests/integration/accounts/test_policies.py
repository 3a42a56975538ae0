import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import Membership
from tests.factories import BuyerFactory, MembershipFactory, OrganizationFactory, SellerFactory, UserFactory

pytestmark = pytest.mark.django_db
BUY, SELL, VIEW, MANAGE = (
    f"accounts.{name}" for name in ("buy_for", "sell_for", "view_organization", "manage_organization")
)


class TestOrganizationRights:
    @pytest.mark.parametrize(
        ("role", "granted"),
        [
            (Membership.Role.OWNER, {VIEW, MANAGE, BUY, SELL}),
            (Membership.Role.TRADER, {VIEW, BUY, SELL}),
            (Membership.Role.VIEWER, {VIEW}),
        ],
    )
    def test_come_with_the_role(self, role, granted):
        organization = OrganizationFactory(is_buyer=True, is_seller=True)
        member = MembershipFactory(organization=organization, role=role)

        assert {
            right for right in (VIEW, MANAGE, BUY, SELL) if member.user.has_perm(right, organization)
        } == granted

    @pytest.mark.parametrize(("factory", "right"), [(BuyerFactory, SELL), (SellerFactory, BUY)])
    def test_stop_at_the_side_the_organization_takes(self, factory, right):
        owner = MembershipFactory(organization=factory(), role=Membership.Role.OWNER)

        assert not owner.user.has_perm(right, owner.organization)

    @pytest.mark.parametrize("right", [VIEW, MANAGE, BUY, SELL])
    def test_are_for_ones_own_organization(self, right):
        owner = MembershipFactory(role=Membership.Role.OWNER)

        assert not owner.user.has_perm(right, OrganizationFactory())
        assert not owner.user.has_perm(right, None)
        assert not AnonymousUser().has_perm(right, owner.organization)


class TestStaffRights:
    @pytest.mark.parametrize(
        ("flag", "right"),
        [("is_finance", "accounts.review_settlements"), ("is_operator", "accounts.operate_markets")],
    )
    def test_come_with_the_person(self, flag, right):
        assert UserFactory(**{flag: True}).has_perm(right)
        assert not UserFactory().has_perm(right)
        assert not AnonymousUser().has_perm(right)
