import threading

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.keys import find_key
from accounts.models import ApiKey, BiddingLimit, CreditChange, Membership, Organization, Stream
from accounts.operations import (
    ApiKeyNotFound,
    CreditRefused,
    MemberRefused,
    NoSuchMember,
    add_member,
    change_role,
    create_api_key,
    create_organization,
    decide_credit,
    remove_member,
    revoke_api_key,
    set_credit,
)
from tests.factories import BuyerFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def create(name: str = "Northwind Research", **changes) -> Organization:
    terms = {"name": name, "owner": UserFactory(), "is_buyer": True, "is_seller": False}
    return create_organization(**terms | changes)


class TestCreateOrganization:
    def test_comes_with_a_limit_of_zero_a_feed_and_an_owner(self):
        owner = UserFactory()

        organization = create(owner=owner)

        assert organization.slug == "northwind-research"
        limit = BiddingLimit.objects.get(organization=organization)
        assert (limit.limit_cents, limit.held_cents) == (0, 0)
        assert Stream.objects.get(organization=organization).last_sequence == 0
        assert Membership.objects.get(organization=organization).role == Membership.Role.OWNER
        assert owner.has_perm("accounts.manage_organization", organization)

    def test_numbers_slugs_that_are_taken(self):
        assert [create().slug for _ in range(3)] == [
            "northwind-research",
            "northwind-research-2",
            "northwind-research-3",
        ]

    @pytest.mark.parametrize(
        ("name", "slug"), [("東京計算", "organization"), ("x" * 120, "x" * 100), ("A & B", "a-b")]
    )
    def test_finds_a_slug_for_any_name(self, name, slug):
        assert create(name).slug == slug

    def test_leaves_nothing_behind_when_it_is_neither_buyer_nor_seller(self):
        with pytest.raises(IntegrityError, match="organization_buys_or_sells"):
            create(is_buyer=False)

        assert not Organization.objects.exists()
        assert not Membership.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestSlugRace:
    def test_two_at_once_get_two_slugs(self):
        owners = [UserFactory(), UserFactory()]
        both_ready = threading.Barrier(2, timeout=30)
        slugs = []

        def sign_up(owner) -> None:
            both_ready.wait()
            slugs.append(create(owner=owner).slug)
            connection.close()

        threads = [threading.Thread(target=sign_up, args=[owner]) for owner in owners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)

        assert sorted(slugs) == ["northwind-research", "northwind-research-2"]


class TestMembers:
    def test_are_found_by_address_in_any_case(self):
        organization, person = BuyerFactory(), UserFactory(email="ada@example.com")

        add_member(organization=organization, email=" Ada@Example.com ", role=Membership.Role.VIEWER)

        assert person.has_perm("accounts.view_organization", organization)
        assert not person.has_perm("accounts.buy_for", organization)

    def test_must_have_signed_up_and_join_once(self):
        member = MembershipFactory(role=Membership.Role.OWNER)
        gone = UserFactory(is_active=False)
        for email in ("nobody@example.com", gone.email, member.user.email):
            with pytest.raises(MemberRefused):
                add_member(organization=member.organization, email=email, role=Membership.Role.TRADER)

        assert Membership.objects.get() == member
        assert Membership.objects.get().role == Membership.Role.OWNER

    def test_must_have_confirmed_their_address(self):
        """Or a stranger who signs up with a colleague's address is added in the colleague's place."""
        organization, person = BuyerFactory(), UserFactory(confirmed=False)
        elsewhere = UserFactory(confirmed=False)
        EmailAddress.objects.create(user=elsewhere, email="mine@example.com", verified=True)
        for stranger in (person, elsewhere):
            with pytest.raises(MemberRefused, match=r"not confirmed.*letter"):
                add_member(organization=organization, email=stranger.email, role=Membership.Role.TRADER)
        assert not Membership.objects.exists()

        EmailAddress.objects.filter(user=person).update(verified=True)
        add_member(organization=organization, email=person.email, role=Membership.Role.TRADER)

        assert Membership.objects.get().user == person

    def test_the_last_owner_stays_owner(self):
        owner = MembershipFactory(role=Membership.Role.OWNER)
        other = MembershipFactory(organization=owner.organization, role=Membership.Role.TRADER)
        terms = {"organization": owner.organization, "member_id": owner.pk}

        with pytest.raises(MemberRefused, match="only owner"):
            remove_member(**terms)
        with pytest.raises(MemberRefused, match="only owner"):
            change_role(**terms, role=Membership.Role.VIEWER)

        change_role(organization=owner.organization, member_id=other.pk, role=Membership.Role.OWNER)
        remove_member(**terms)
        assert Membership.objects.get().user == other.user

    def test_keys_of_who_was_removed_stay_ended_when_they_come_back(self):
        owner = MembershipFactory(role=Membership.Role.OWNER)
        organization = owner.organization
        gone = MembershipFactory(organization=organization, role=Membership.Role.TRADER)
        key, _ = create_api_key(organization=organization, created_by=gone.user, name="Desk")
        others, _ = create_api_key(organization=organization, created_by=owner.user, name="Desk")

        remove_member(organization=organization, member_id=gone.pk)
        add_member(organization=organization, email=gone.user.email, role=Membership.Role.TRADER)

        key.refresh_from_db()
        others.refresh_from_db()
        assert key.revoked_at is not None
        assert others.revoked_at is None

    def test_of_another_organization_are_not_found(self):
        member = MembershipFactory(role=Membership.Role.TRADER)

        with pytest.raises(NoSuchMember):
            remove_member(organization=BuyerFactory(), member_id=member.pk)
        with pytest.raises(NoSuchMember):
            change_role(organization=BuyerFactory(), member_id=member.pk, role=Membership.Role.OWNER)


@pytest.mark.django_db(transaction=True)
class TestOwnersRace:
    def test_two_owners_who_remove_each_other_leave_one(self):
        one = MembershipFactory(role=Membership.Role.OWNER)
        two = MembershipFactory(organization=one.organization, role=Membership.Role.OWNER)
        both_ready = threading.Barrier(2, timeout=30)
        refused = []

        def remove(member) -> None:
            both_ready.wait()
            try:
                remove_member(organization=member.organization, member_id=member.pk)
            except MemberRefused as reason:
                refused.append(reason)
            finally:
                connection.close()

        threads = [threading.Thread(target=remove, args=[member]) for member in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)

        assert len(refused) == 1
        assert Membership.objects.count() == 1


class TestSetCredit:
    def test_may_fall_below_what_is_held(self):
        organization = BuyerFactory(limit_cents=100)
        BiddingLimit.objects.update(held_cents=80)

        set_credit(organization=organization, credit_cents=50, reason="Less")

        limit = BiddingLimit.objects.get()
        assert (limit.limit_cents, limit.held_cents, limit.free_cents, limit.over_cents) == (50, 80, 0, 30)

    def test_is_never_negative(self):
        with pytest.raises(IntegrityError, match="credit_not_negative"):
            set_credit(organization=BuyerFactory(), credit_cents=-1, reason="Less")

    def test_lowering_needs_one_person_whatever_the_amount(self, settings):
        settings.CREDIT_FOUR_EYES_CENTS = 10
        organization = BuyerFactory(limit_cents=100)

        change = set_credit(organization=organization, credit_cents=50, reason="Less", by=UserFactory())

        assert change.status == CreditChange.Status.IN_FORCE
        assert BiddingLimit.objects.get().credit_cents == 50

    def test_one_change_waits_at_a_time(self, settings):
        settings.CREDIT_FOUR_EYES_CENTS = 10
        organization = BuyerFactory(limit_cents=5)
        set_credit(organization=organization, credit_cents=50, reason="More", by=UserFactory())

        with pytest.raises(CreditRefused, match="waits for a second person"):
            set_credit(organization=organization, credit_cents=7, reason="A bit more", by=UserFactory())

    def test_nobody_raises_the_credit_of_an_organization_of_their_own(self, settings):
        settings.CREDIT_FOUR_EYES_CENTS = 10
        insider = MembershipFactory(organization=BuyerFactory(limit_cents=5))
        terms = {"organization": insider.organization, "reason": "More"}

        with pytest.raises(CreditRefused, match="You are a member"):
            set_credit(**terms, credit_cents=6, by=insider.user)
        change = set_credit(**terms, credit_cents=50, by=UserFactory())
        with pytest.raises(CreditRefused, match="You are a member"):
            decide_credit(change_id=change.pk, by=insider.user, approve=True)

        decide_credit(change_id=change.pk, by=insider.user, approve=False)
        set_credit(**terms, credit_cents=1, by=insider.user)

    def test_the_database_wants_four_eyes_and_keeps_what_was_decided(self, settings):
        settings.CREDIT_FOUR_EYES_CENTS = 10
        person = UserFactory()
        change = set_credit(
            organization=BuyerFactory(limit_cents=5), credit_cents=50, reason="More", by=person
        )
        own = CreditChange.objects.filter(pk=change.pk)

        with pytest.raises(IntegrityError, match="credit_change_four_eyes"), transaction.atomic():
            own.update(status="in_force", decided_by=person, decided_at=Now())
        decide_credit(change_id=change.pk, by=person, approve=False)
        for break_it in (lambda: own.update(after_cents=51), own.delete):
            with pytest.raises(IntegrityError, match="kept as it was decided"), transaction.atomic():
                break_it()


class TestApiKeys:
    def test_text_is_told_once_and_only_its_hash_is_kept(self):
        organization = BuyerFactory()

        key, text = create_api_key(organization=organization, created_by=UserFactory(), name="Desk")

        assert find_key(text) == key
        secret = text.split("_", 2)[2]
        assert all(secret not in str(value) for value in ApiKey.objects.values_list().get())

    def test_revoking_ends_it(self):
        organization = BuyerFactory()
        key, text = create_api_key(organization=organization, created_by=UserFactory(), name="Desk")

        revoke_api_key(organization=organization, key_id=key.pk, now=timezone.now())

        assert find_key(text) is None
        with pytest.raises(ApiKeyNotFound):
            revoke_api_key(organization=organization, key_id=key.pk, now=timezone.now())

    def test_of_another_organization_is_not_found(self):
        key, text = create_api_key(organization=BuyerFactory(), created_by=UserFactory(), name="Desk")

        with pytest.raises(ApiKeyNotFound):
            revoke_api_key(organization=BuyerFactory(), key_id=key.pk, now=timezone.now())

        assert find_key(text) == key
