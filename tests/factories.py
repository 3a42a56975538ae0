"""Rows for tests: valid by default, named after what they are. Times lie on whole hours."""

from datetime import UTC, datetime, timedelta

import factory
from allauth.account.models import EmailAddress
from django.db import connection
from factory.django import DjangoModelFactory

from accounts.models import BiddingLimit, Membership, Organization, Stream, User
from auctions.models import Award, Bid, BidLeg, BidLegLot, BidOption, Lot, Market, Window
from inventory.models import Block, BlockHour, Region, ResourceType, Site
from marketplace.hours import HOUR, ceil_hour, hours_in, n_hours
from marketplace.money import cents_to_cover

PASSWORD = "correct horse battery staple"


def next_hour() -> datetime:
    """Return a whole hour at least an hour ahead: where deliveries may start."""
    return ceil_hour(datetime.now(UTC)) + HOUR


class UserFactory(DjangoModelFactory):
    """A person whose address is confirmed, unless ``confirmed=False``."""

    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = factory.Sequence(lambda n: f"Person {n}")

    @classmethod
    def _create(cls, model_class: type[User], *args: object, **fields: object) -> User:
        confirmed = fields.pop("confirmed", True)
        user = model_class.objects.create_user(*args, **{"password": PASSWORD, **fields})
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=confirmed)
        return user


class OrganizationFactory(DjangoModelFactory):
    """An organization with its limit and its stream, as sign-up makes it."""

    class Meta:
        model = Organization
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Organization {n}")
    slug = factory.Sequence(lambda n: f"organization-{n}")
    is_buyer = True
    is_seller = False

    @factory.post_generation
    def limit_cents(self, create: bool, extracted: int | None, **kwargs: object) -> None:
        limit_cents = 100_000_00 if extracted is None else extracted
        BiddingLimit.objects.create(organization=self, credit_cents=limit_cents)
        Stream.objects.create(organization=self)


class BuyerFactory(OrganizationFactory):
    name = factory.Sequence(lambda n: f"Buyer {n}")
    slug = factory.Sequence(lambda n: f"buyer-{n}")


class SellerFactory(OrganizationFactory):
    name = factory.Sequence(lambda n: f"Seller {n}")
    slug = factory.Sequence(lambda n: f"seller-{n}")
    is_buyer = False
    is_seller = True


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    organization = factory.SubFactory(OrganizationFactory)
    role = Membership.Role.TRADER


class ResourceTypeFactory(DjangoModelFactory):
    class Meta:
        model = ResourceType

    slug = factory.Sequence(lambda n: f"test-gpu-{n}")
    name = factory.Sequence(lambda n: f"Test GPU {n}")
    kind = ResourceType.Kind.GPU
    maker = "NVIDIA"
    memory_gib = 80
    node_units = 1


class SiteFactory(DjangoModelFactory):
    class Meta:
        model = Site

    organization = factory.SubFactory(SellerFactory)
    name = factory.Sequence(lambda n: f"Site {n}")
    region = Region.US_EAST
    fabric = Site.Fabric.INFINIBAND


class BlockFactory(DjangoModelFactory):
    """A listed block with its hours: eight units for two hours from the next but one whole hour, at $1.0000."""

    class Meta:
        model = Block
        skip_postgeneration_save = True

    site = factory.SubFactory(SiteFactory)
    resource_type = factory.SubFactory(ResourceTypeFactory)
    units = 8
    unit_step = 1
    starts_at = factory.LazyFunction(next_hour)
    ends_at = factory.LazyAttribute(lambda block: block.starts_at + 2 * HOUR)
    reserve_ticks = 10_000
    listed_by = factory.SubFactory(UserFactory)

    @factory.post_generation
    def hours(self, create: bool, extracted: object, **kwargs: object) -> None:
        BlockHour.objects.bulk_create(
            BlockHour(block=self, hour=hour, offered_units=self.units)
            for hour in hours_in(self.starts_at, self.ends_at)
        )


class MarketFactory(DjangoModelFactory):
    class Meta:
        model = Market

    slug = factory.Sequence(lambda n: f"market-{n}")
    name = factory.Sequence(lambda n: f"Market {n}")
    cadence = timedelta(minutes=15)
    lead_from = timedelta(0)
    lead_to = timedelta(hours=24)


class WindowFactory(DjangoModelFactory):
    """An open window that closes in ten minutes."""

    class Meta:
        model = Window

    market = factory.SubFactory(MarketFactory)
    opens_at = factory.LazyFunction(lambda: datetime.now(UTC) - timedelta(minutes=5))
    closes_at = factory.LazyAttribute(lambda window: window.opens_at + timedelta(minutes=15))
    freezes_at = factory.LazyAttribute(lambda window: window.closes_at - timedelta(minutes=1))
    delivery_from = factory.LazyAttribute(lambda window: ceil_hour(window.closes_at))
    delivery_to = factory.LazyAttribute(lambda window: window.delivery_from + 24 * HOUR)
    status = Window.Status.OPEN


class LotFactory(DjangoModelFactory):
    """The whole of a block, on offer in an open window."""

    class Meta:
        model = Lot

    window = factory.SubFactory(WindowFactory)
    block = factory.SubFactory(BlockFactory)
    starts_at = factory.SelfAttribute("block.starts_at")
    ends_at = factory.SelfAttribute("block.ends_at")
    reserve_ticks = factory.SelfAttribute("block.reserve_ticks")


class AwardFactory(DjangoModelFactory):
    """An award of one unit of a lot for its whole period, with the won bid it came from. Give amount_ticks.

    ``organization`` is the buyer. No hold is made: see the fixtures of the tests that settle.
    """

    class Meta:
        model = Award

    lot = factory.SubFactory(LotFactory)
    window = factory.SelfAttribute("lot.window")
    organization = factory.SubFactory(BuyerFactory)
    units = 1
    starts_at = factory.SelfAttribute("lot.starts_at")
    ends_at = factory.SelfAttribute("lot.ends_at")
    amount_ticks = 2_000_000
    value_ticks = factory.SelfAttribute("amount_ticks")
    reserve_cost_ticks = 0
    leg = factory.LazyAttribute(lambda award: _leg_of_won_bid(award))
    bid = factory.SelfAttribute("leg.option.bid")


def _leg_of_won_bid(award: factory.builder.Resolver) -> BidLeg:
    bid = Bid.objects.create(
        window=award.window,
        organization=award.organization,
        sequence=_next_sequence(),
        status=Bid.Status.WON,
        max_ticks=award.amount_ticks,
        hold_cents=cents_to_cover(award.amount_ticks),
    )
    option = BidOption.objects.create(bid=bid, number=0, value_ticks=award.amount_ticks)
    leg = BidLeg.objects.create(
        option=option,
        number=0,
        units=award.units,
        min_units=award.units,
        earliest_at=award.starts_at,
        latest_at=award.ends_at,
        hours=n_hours(award.starts_at, award.ends_at),
    )
    BidLegLot.objects.create(leg=leg, lot=award.lot, position=0)
    return leg


def _next_sequence() -> int:
    """As placing a bid takes it: two sources of numbers would collide."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('auctions_bid_order')")
        (sequence,) = cursor.fetchone()
    return sequence
