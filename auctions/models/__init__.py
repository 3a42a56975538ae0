"""Markets and their windows, the bids placed in them, and what the clearing gave and told."""

from auctions.models.awards import Award, Indication, LotPrice, ProductPrice
from auctions.models.bids import Bid, BidLeg, BidLegLot, BidOption
from auctions.models.inquiries import Inquiry
from auctions.models.markets import Lot, Market, Window
from auctions.models.receipts import LotReceipt, Receipt
from auctions.models.records import WindowRecord
from auctions.models.standing import StandingOrder

__all__ = [
    "Award",
    "Bid",
    "BidLeg",
    "BidLegLot",
    "BidOption",
    "Indication",
    "Inquiry",
    "Lot",
    "LotPrice",
    "LotReceipt",
    "Market",
    "ProductPrice",
    "Receipt",
    "StandingOrder",
    "Window",
    "WindowRecord",
]
