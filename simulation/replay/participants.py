"""Who takes part in a replay: the clusters as sellers, invented companies as buyers, each with a card on file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from accounts.models import Organization, User
from accounts.operations import create_organization, set_credit
from auctions.models import Market
from inventory.models import Region, ResourceType, Site
from inventory.operations.catalogue import load_catalogue
from inventory.operations.sites import create_site
from marketplace.hours import HOUR
from settlements.operations.cards import open_card_page, save_card_of_session
from simulation.cards import type_card
from simulation.replay.plan import MODEL_OF_SLUG, N_BUYERS
from simulation.replay.traces import CLUSTERS

BUYERS = (
    "Alder Analytics",
    "Birch Biometrics",
    "Cedar Cinema",
    "Dogwood Dynamics",
    "Elm Embeddings",
    "Fir Forecasts",
    "Ginkgo Genomics",
    "Hazel Health",
    "Ironwood Imaging",
    "Juniper Jobs",
    "Kauri Kinetics",
    "Larch Language",
)
assert len(BUYERS) == N_BUYERS
DOMAIN = "replay.sparegrid.example"
REGION = Region.AP_SOUTHEAST
"""Where the clusters stand is not told; one region makes one market of them."""
LEAD = timedelta(hours=1)
"""From a window's close to its delivery hour, before the clock is turned."""
LIMIT_CENTS = 250_000_00
"""The credit approved for each buyer; a replay scaled up far enough meets it, and counts the refusals."""


@dataclass(frozen=True, slots=True)
class Trader:
    """An organization and who acts for it."""

    organization: Organization
    user: User


@dataclass(frozen=True, slots=True)
class Seller:
    trader: Trader
    site: Site


@dataclass(frozen=True, slots=True)
class Participants:
    """Sellers by cluster, buyers by number, resource types by slug, and the market they meet in."""

    market: Market
    sellers: dict[str, Seller]
    buyers: tuple[Trader, ...]
    resource_types: dict[str, ResourceType]

    def anchor_ticks(self, slug: str) -> int:
        """Return what ``slug`` is taken to be posted at elsewhere, ticks per unit-hour. Raise KeyError if unknown."""
        model = MODEL_OF_SLUG[slug]
        posted = self.resource_types[model.anchor_slug].posted_price_ticks
        assert posted is not None, "anchors are types with a posted price"
        return int(posted * model.anchor_share)


def bring_together() -> Participants:
    """Make a replay's market, sellers and buyers anew, and put the sandbox's test card on file for each buyer."""
    load_catalogue()
    number = Market.objects.filter(slug__startswith="replay-").count() + 1
    return Participants(
        market=_market(number),
        sellers={cluster: _seller(cluster, number) for cluster in CLUSTERS},
        buyers=tuple(_buyer(name, number) for name in BUYERS),
        resource_types={row.slug: row for row in ResourceType.objects.all()},
    )


def _market(number: int) -> Market:
    """Make a market of hourly windows, each for one delivery hour; paused, so that no worker adds to its windows."""
    return Market.objects.create(
        slug=f"replay-{number}",
        name=f"Replay {number}",
        position=100 + number,
        cadence=HOUR,
        lead_from=LEAD,
        lead_to=LEAD + HOUR,
        status=Market.Status.PAUSED,
    )


def _seller(cluster: str, number: int) -> Seller:
    trader = _trader(f"Virtual cluster {cluster}", number, is_seller=True)
    site = create_site(seller=trader.organization, name=cluster, region=REGION, fabric=Site.Fabric.INFINIBAND)
    return Seller(trader, site)


def _buyer(name: str, number: int) -> Trader:
    trader = _trader(name, number, is_seller=False)
    organization_id = trader.organization.pk
    returned_to = type_card(open_card_page(organization_id=organization_id), name=name)
    [session_id] = parse_qs(urlsplit(returned_to).query)["session_id"]
    save_card_of_session(organization_id=organization_id, session_id=session_id)
    set_credit(organization=trader.organization, credit_cents=LIMIT_CENTS, reason="Replay")
    return trader


def _trader(name: str, number: int, *, is_seller: bool) -> Trader:
    slug = name.lower().replace(" ", "-")
    user = User.objects.create_user(f"{slug}-{number}@{DOMAIN}", None, name=f"{name} trading desk")
    organization = create_organization(
        name=name if number == 1 else f"{name} ({number})",
        owner=user,
        is_buyer=not is_seller,
        is_seller=is_seller,
    )
    return Trader(organization, user)
