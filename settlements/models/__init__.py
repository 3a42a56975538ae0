"""Who pays how, what is charged for each window, the ledger that books it, and what Stripe told us."""

from settlements.models.attempts import ChargeAttempt
from settlements.models.customers import Customer, PaymentMethod
from settlements.models.deliveries import Delivery
from settlements.models.desk import SavedView, SettlementNote
from settlements.models.disputes import Dispute
from settlements.models.dunning import CollectionDecision, Default, Dunning, DunningStep, Notice
from settlements.models.ledger import Account, AccountBalance, Entry, Transaction
from settlements.models.refunds import Refund, RefundAttempt, RefundLine
from settlements.models.settlements import SettledWindow, Settlement, SettlementLine
from settlements.models.stripe_events import StripeEvent

__all__ = [
    "Account",
    "AccountBalance",
    "ChargeAttempt",
    "CollectionDecision",
    "Customer",
    "Default",
    "Delivery",
    "Dispute",
    "Dunning",
    "DunningStep",
    "Entry",
    "Notice",
    "PaymentMethod",
    "Refund",
    "RefundAttempt",
    "RefundLine",
    "SavedView",
    "SettledWindow",
    "Settlement",
    "SettlementLine",
    "SettlementNote",
    "StripeEvent",
    "Transaction",
]
