"""The types of capacity on sale today, as their makers specify them.

``memory_gib`` is per GPU as the maker names it. ``node_units`` is what is sold together: the GPUs of one server or, for
the NVL72 racks, of one compute tray. ``power_watts`` is the board's or module's limit, left out where it is configured
per system. ``posted_price_ticks`` is an on-demand price per GPU-hour at AWS us-east-1, October 2026.
"""

from __future__ import annotations

from dataclasses import dataclass

from inventory.models import ResourceType
from marketplace.money import parse_price

GPU = ResourceType.Kind.GPU
MODEL = ResourceType.Kind.MODEL


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A row of the catalogue; the fields of ResourceType."""

    slug: str
    name: str
    kind: ResourceType.Kind
    maker: str
    memory_gib: int | None = None
    node_units: int = 1
    power_watts: int | None = None
    posted_price_ticks: int | None = None


def _gpu(
    maker: str,
    slug: str,
    name: str,
    memory_gib: int,
    node_units: int,
    power_watts: int | None,
    posted: str | None = None,
) -> CatalogueEntry:
    return CatalogueEntry(
        slug=slug,
        name=name,
        kind=GPU,
        maker=maker,
        memory_gib=memory_gib,
        node_units=node_units,
        power_watts=power_watts,
        posted_price_ticks=None if posted is None else parse_price(posted),
    )


def _model(maker: str, slug: str, name: str) -> CatalogueEntry:
    return CatalogueEntry(slug=slug, name=name, kind=MODEL, maker=maker)


# maker, slug, name, memory GiB, units per node, watts, posted price
CATALOGUE: tuple[CatalogueEntry, ...] = (
    _gpu("NVIDIA", "GB300-NVL72", "GB300 NVL72", 288, 4, 1400),
    _gpu("NVIDIA", "GB200-NVL72", "GB200 NVL72", 186, 4, 1200),
    _gpu("NVIDIA", "B300-SXM-288GB", "B300 SXM 288 GB", 288, 8, None, "17.80"),
    _gpu("NVIDIA", "B200-SXM-180GB", "B200 SXM 180 GB", 180, 8, 1000, "14.24"),
    _gpu("NVIDIA", "GH200-96GB", "GH200 96 GB", 96, 1, None),
    _gpu("NVIDIA", "H200-SXM5-141GB", "H200 SXM5 141 GB", 141, 8, 700, "7.91"),
    _gpu("NVIDIA", "H200-NVL-141GB", "H200 NVL 141 GB", 141, 1, 600),
    _gpu("NVIDIA", "H100-SXM5-80GB", "H100 SXM5 80 GB", 80, 8, 700, "6.88"),
    _gpu("NVIDIA", "H100-NVL-94GB", "H100 NVL 94 GB", 94, 1, 400),
    _gpu("NVIDIA", "H100-PCIE-80GB", "H100 PCIe 80 GB", 80, 1, 350),
    _gpu("NVIDIA", "H800-SXM5-80GB", "H800 SXM5 80 GB", 80, 8, 700),
    _gpu("NVIDIA", "H20-SXM5-96GB", "H20 SXM5 96 GB", 96, 8, None),
    _gpu("NVIDIA", "A100-SXM4-80GB", "A100 SXM4 80 GB", 80, 8, 400, "3.43"),
    _gpu("NVIDIA", "A100-SXM4-40GB", "A100 SXM4 40 GB", 40, 8, 400, "2.74"),
    _gpu("NVIDIA", "A100-PCIE-80GB", "A100 PCIe 80 GB", 80, 1, 300),
    _gpu("NVIDIA", "A100-PCIE-40GB", "A100 PCIe 40 GB", 40, 1, 250),
    _gpu("NVIDIA", "A800-SXM4-80GB", "A800 SXM4 80 GB", 80, 8, 400),
    _gpu("NVIDIA", "V100-SXM2-32GB", "V100 SXM2 32 GB", 32, 8, 300),
    _gpu("NVIDIA", "L40S-48GB", "L40S 48 GB", 48, 1, 350, "1.86"),
    _gpu("NVIDIA", "L40-48GB", "L40 48 GB", 48, 1, 300),
    _gpu("NVIDIA", "L4-24GB", "L4 24 GB", 24, 1, 72),
    _gpu("NVIDIA", "A40-48GB", "A40 48 GB", 48, 1, 300),
    _gpu("NVIDIA", "A30-24GB", "A30 24 GB", 24, 1, 165),
    _gpu("NVIDIA", "A10-24GB", "A10 24 GB", 24, 1, 150),
    _gpu("NVIDIA", "T4-16GB", "T4 16 GB", 16, 1, 70),
    _gpu("NVIDIA", "RTX-PRO-6000-BSE-96GB", "RTX PRO 6000 Blackwell Server 96 GB", 96, 1, 600),
    _gpu("NVIDIA", "RTX-6000-ADA-48GB", "RTX 6000 Ada 48 GB", 48, 1, 300),
    _gpu("NVIDIA", "RTX-A6000-48GB", "RTX A6000 48 GB", 48, 1, 300),
    _gpu("NVIDIA", "RTX-5090-32GB", "GeForce RTX 5090 32 GB", 32, 1, 575),
    _gpu("NVIDIA", "RTX-4090-24GB", "GeForce RTX 4090 24 GB", 24, 1, 450),
    _gpu("AMD", "MI355X-288GB", "Instinct MI355X 288 GB", 288, 8, 1400),
    _gpu("AMD", "MI350X-288GB", "Instinct MI350X 288 GB", 288, 8, 1000),
    _gpu("AMD", "MI325X-256GB", "Instinct MI325X 256 GB", 256, 8, 1000),
    _gpu("AMD", "MI300X-192GB", "Instinct MI300X 192 GB", 192, 8, 750),
    _gpu("AMD", "MI210-64GB", "Instinct MI210 64 GB", 64, 1, 300),
    _model("OpenAI", "gpt-oss-120b", "gpt-oss-120b"),
    _model("OpenAI", "gpt-oss-20b", "gpt-oss-20b"),
    _model("DeepSeek", "DeepSeek-R1", "DeepSeek-R1"),
    _model("DeepSeek", "DeepSeek-V3", "DeepSeek-V3"),
    _model("Meta", "Llama-3-3-70B", "Llama 3.3 70B Instruct"),
    _model("Meta", "Llama-3-1-405B", "Llama 3.1 405B Instruct"),
    _model("Meta", "Llama-4-Maverick", "Llama 4 Maverick"),
    _model("Alibaba Cloud", "Qwen3-235B-A22B", "Qwen3-235B-A22B"),
    _model("Alibaba Cloud", "Qwen3-32B", "Qwen3-32B"),
    _model("Mistral AI", "Mixtral-8x22B", "Mixtral 8x22B Instruct"),
    _model("Moonshot AI", "Kimi-K2", "Kimi K2 Instruct"),
)
