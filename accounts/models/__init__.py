"""Who takes part: people, the organizations they act for, and how much an organization may have at stake."""

from accounts.models.feeds import DeskEvent, Stream, StreamEvent
from accounts.models.keys import ApiIdempotencyKey, ApiKey
from accounts.models.limits import BiddingLimit, CreditChange, Hold
from accounts.models.people import Membership, Organization, SavedView, User, UserManager

__all__ = [
    "ApiIdempotencyKey",
    "ApiKey",
    "BiddingLimit",
    "CreditChange",
    "DeskEvent",
    "Hold",
    "Membership",
    "Organization",
    "SavedView",
    "Stream",
    "StreamEvent",
    "User",
    "UserManager",
]
