"""Who takes part in the demo market: invented companies, their sites, and the four people a visitor can log in as."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.models import Region, Site

PASSWORD = "sparegrid"  # noqa: S105 - printed on the first page of the demo, guards nothing
DOMAIN = "demo.sparegrid.example"


@dataclass(frozen=True, slots=True)
class CastSite:
    """A data centre: name, region, fabric, and the slugs of the resource types that stand idle in it."""

    name: str
    region: Region
    fabric: Site.Fabric
    resource_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CastSeller:
    name: str
    sites: tuple[CastSite, ...]


SELLERS = (
    CastSeller(
        "Perihelion Launch",
        (
            CastSite(
                "Mesa One", Region.US_WEST, Site.Fabric.INFINIBAND, ("H100-SXM5-80GB", "H200-SXM5-141GB")
            ),
            CastSite("Gulf Range", Region.US_EAST, Site.Fabric.ROCE, ("H100-SXM5-80GB", "A100-SXM4-80GB")),
        ),
    ),
    CastSeller(
        "Fjordkraft Compute",
        (CastSite("Narvik", Region.EU_NORTH, Site.Fabric.INFINIBAND, ("B200-SXM-180GB", "GB200-NVL72")),),
    ),
    CastSeller(
        "Quillon Labs",
        (CastSite("Dublin Annex", Region.EU_WEST, Site.Fabric.ROCE, ("A100-SXM4-80GB", "gpt-oss-120b")),),
    ),
    CastSeller(
        "Straits Cloud",
        (CastSite("Tuas", Region.AP_SOUTHEAST, Site.Fabric.NONE, ("L40S-48GB", "DeepSeek-V3")),),
    ),
)
"""The first is the seller a visitor can log in as."""

ANCHOR_DOLLARS = {"GB200-NVL72": "15.00", "gpt-oss-120b": "1.20", "DeepSeek-V3": "3.60"}
"""What the demo takes an hour of a unit to cost elsewhere where the catalogue names no posted price; invented."""

BUYERS = (
    "Larkspur AI",
    "Basalt Robotics",
    "Kite Genomics",
    "Meridian Studios",
    "Ostrea Weather",
    "Tallow Street Capital",
)
"""The first is the buyer a visitor can log in as; the others bid by themselves."""

PEOPLE = (
    ("seller", "Sana Lindqvist"),
    ("buyer", "Bo Larsen"),
    ("finance", "Finn Okafor"),
    ("operator", "Olive Tanaka"),
)
"""Role, which is also the address before ``@demo.sparegrid.example``, and name."""
