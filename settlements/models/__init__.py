"""Who pays how, what is charged for each window, the ledger that books it, and what Stripe told us."""

from settlements.models.attempts import ChargeAttempt
from settlements.models.bank_payouts import BankPayout, PayoutMovement
from settlements.models.customers import Customer, PaymentMethod
from settlements.models.deliveries import Delivery
from settlements.models.delivery_notices import DeliveryNotice
from settlements.models.desk import SettlementNote
from settlements.models.disputes import Dispute
from settlements.models.dunning import CollectionDecision, Default, Dunning, DunningStep, Notice
from settlements.models.fees import FeePolicy
from settlements.models.handovers import Handover, HandoverRead, SshKey
from settlements.models.leases import Lease, LeaseMonth
from settlements.models.ledger import Account, AccountBalance, Entry, Transaction
from settlements.models.outages import Outage
from settlements.models.prepaid_disputes import PrepaidDispute
from settlements.models.prepaid_returns import PrepaidReturn
from settlements.models.prepayments import PendingFunds, Prepayment
from settlements.models.reconciliation import BalanceDay, BalanceMovement, ClosedPeriod, Mismatch
from settlements.models.refunds import Refund, RefundAttempt, RefundLine
from settlements.models.reversals import TransferReversal
from settlements.models.sellers import SellerAccount
from settlements.models.settlements import SettledWindow, Settlement, SettlementLine
from settlements.models.stripe_events import StripeEvent
from settlements.models.transfers import Transfer, TransferHold

__all__ = [
    "Account",
    "AccountBalance",
    "BalanceDay",
    "BalanceMovement",
    "BankPayout",
    "ChargeAttempt",
    "ClosedPeriod",
    "CollectionDecision",
    "Customer",
    "Default",
    "Delivery",
    "DeliveryNotice",
    "Dispute",
    "Dunning",
    "DunningStep",
    "Entry",
    "FeePolicy",
    "Handover",
    "HandoverRead",
    "Lease",
    "LeaseMonth",
    "Mismatch",
    "Notice",
    "Outage",
    "PaymentMethod",
    "PayoutMovement",
    "PendingFunds",
    "PrepaidDispute",
    "PrepaidReturn",
    "Prepayment",
    "Refund",
    "RefundAttempt",
    "RefundLine",
    "SellerAccount",
    "SettledWindow",
    "Settlement",
    "SettlementLine",
    "SettlementNote",
    "SshKey",
    "StripeEvent",
    "Transaction",
    "Transfer",
    "TransferHold",
    "TransferReversal",
]
