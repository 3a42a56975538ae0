"""Seeding the demo: people, organizations, sites, markets. Everything is looked up before it is made, so that running
it again changes nothing. Capacity and bids are not seeded: the demo market lists and bids through the operations."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.models import EmailAddress

from accounts.models import Membership, Organization, User
from accounts.operations import create_organization
from auctions.models import Market
from inventory.models import Site
from inventory.operations.catalogue import load_catalogue
from inventory.operations.sites import create_site
from notifications.kinds import KINDS
from notifications.operations.reading import Choice, choose
from simulation.cast import BUYERS, DOMAIN, PASSWORD, PEOPLE, SELLERS

MARKETS = (
    # slug, name, cadence, lead from, lead to. Cadences are those of a demo: minutes for hours.
    ("intraday", "Intraday", timedelta(minutes=2), timedelta(0), timedelta(hours=24)),
    ("day-ahead", "Day-ahead", timedelta(minutes=10), timedelta(days=1), timedelta(days=8)),
    ("forward", "Forward", timedelta(hours=1), timedelta(days=8), timedelta(days=365)),
)


def seed_demo() -> None:
    """Make the demo's people, organizations, sites and markets where they are missing."""
    load_catalogue()
    _seed_markets()
    people = {role: _person(role, name) for role, name in PEOPLE}
    for seller in SELLERS:
        is_visitors = seller is SELLERS[0]
        organization = _organization(
            seller.name, owner=people["seller"] if is_visitors else None, is_buyer=False, is_seller=True
        )
        for site in seller.sites:
            if not Site.objects.filter(organization=organization, name=site.name).exists():
                create_site(seller=organization, name=site.name, region=site.region, fabric=site.fabric)
    for name in BUYERS:
        is_visitors = name == BUYERS[0]
        _organization(name, owner=people["buyer"] if is_visitors else None, is_buyer=True, is_seller=False)


def _seed_markets() -> None:
    for position, (slug, name, cadence, lead_from, lead_to) in enumerate(MARKETS):
        Market.objects.get_or_create(
            slug=slug,
            defaults={
                "name": name,
                "position": position,
                "cadence": cadence,
                "lead_from": lead_from,
                "lead_to": lead_to,
            },
        )


def _person(role: str, name: str) -> User:
    email = f"{role}@{DOMAIN}"
    person = User.objects.filter(email=email).first() or User.objects.create_user(
        email,
        PASSWORD,
        name=name,
        is_finance=role == "finance",
        is_operator=role == "operator",
        is_staff=role == "operator",
    )
    EmailAddress.objects.update_or_create(
        user=person, email=email, defaults={"primary": True, "verified": True}
    )
    return person


def _organization(name: str, *, owner: User | None, is_buyer: bool, is_seller: bool) -> Organization:
    existing = Organization.objects.filter(name=name).first()
    if existing is not None:
        return existing
    owner = owner or _bot(name)
    return create_organization(name=name, owner=owner, is_buyer=is_buyer, is_seller=is_seller)


def _bot(organization: str) -> User:
    """The trader who acts for an organization of the demo market; nobody can log in as it."""
    slug = organization.lower().replace(" ", "-")
    bot = User.objects.create_user(f"{slug}@{DOMAIN}", None, name=f"{organization} trading desk")
    nothing = {kind.name: Choice(in_page=False, by_email=kind.is_always_mailed) for kind in KINDS}
    choose(user=bot, choices=nothing)
    return bot


def trader_of(organization: Organization) -> User:
    """Return who acts for an organization of the demo."""
    return Membership.objects.select_related("user").order_by("id").filter(organization=organization)[0].user
