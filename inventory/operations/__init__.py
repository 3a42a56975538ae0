"""What changes inventory. Each function owns its transaction unless it says otherwise."""

from inventory.operations.blocks import (
    BlockNotFound,
    BlockRefused,
    ImportRefused,
    Withdrawal,
    import_blocks,
    list_block,
    list_pattern,
    preview_pattern,
    preview_withdrawal,
    withdraw_block,
)
from inventory.operations.catalogue import load_catalogue
from inventory.operations.costs import save_unit_cost
from inventory.operations.sites import SiteNameTaken, create_site

__all__ = [
    "BlockNotFound",
    "BlockRefused",
    "ImportRefused",
    "SiteNameTaken",
    "Withdrawal",
    "create_site",
    "import_blocks",
    "list_block",
    "list_pattern",
    "load_catalogue",
    "preview_pattern",
    "preview_withdrawal",
    "save_unit_cost",
    "withdraw_block",
]
