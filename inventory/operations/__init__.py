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
from inventory.operations.costs import CostsChanged, save_unit_cost, version_of_costs
from inventory.operations.drafts import (
    DraftChanged,
    DraftNotFound,
    TooManyDrafts,
    begin_draft,
    change_draft,
    discard_draft,
    list_draft,
)
from inventory.operations.sites import SiteNameTaken, create_site

__all__ = [
    "BlockNotFound",
    "BlockRefused",
    "CostsChanged",
    "DraftChanged",
    "DraftNotFound",
    "ImportRefused",
    "SiteNameTaken",
    "TooManyDrafts",
    "Withdrawal",
    "begin_draft",
    "change_draft",
    "create_site",
    "discard_draft",
    "import_blocks",
    "list_block",
    "list_draft",
    "list_pattern",
    "load_catalogue",
    "preview_pattern",
    "preview_withdrawal",
    "save_unit_cost",
    "version_of_costs",
    "withdraw_block",
]
