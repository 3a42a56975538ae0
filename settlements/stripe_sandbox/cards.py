"""Stripe's test cards and how each behaves. Source: https://docs.stripe.com/testing."""

from dataclasses import dataclass
from enum import Enum


class Authentication(Enum):
    """When the card's bank insists on the holder being present."""

    NEVER = "never"
    UNLESS_SET_UP = "unless set up for off-session use"
    ON_SESSION = "on-session only"
    ALWAYS = "always"


class RefundFate(Enum):
    """What becomes of a refund to the card."""

    SUCCEEDS = "succeeds"
    PENDING = "pending, succeeds later"
    FAILS = "succeeds, fails later"


class DisputeFate(Enum):
    """How the card's holder disputes a charge, as soon as it was made."""

    FRAUDULENT = "fraudulent"
    NOT_RECEIVED = "product_not_received"
    INQUIRY = "inquiry"

    @property
    def reason(self) -> str:
        """Stripe's reason; an inquiry in test mode is about fraud."""
        return "fraudulent" if self is DisputeFate.INQUIRY else self.value


@dataclass(frozen=True)
class Decline:
    code: str
    decline_code: str
    message: str


@dataclass(frozen=True)
class TestCard:
    """One test number. `declines_setup` says whether saving it already fails."""

    number: str
    brand: str
    method_id: str
    title: str
    authentication: Authentication = Authentication.NEVER
    decline: Decline | None = None
    declines_setup: bool = False
    funding: str = "credit"
    refund_fate: RefundFate = RefundFate.SUCCEEDS
    dispute_fate: DisputeFate | None = None

    @property
    def token(self) -> str:
        """The legacy token that stands for this card, e.g. tok_visa."""
        return self.method_id.replace("pm_card_", "tok_", 1)

    @property
    def cvc_length(self) -> int:
        return 4 if self.brand == "amex" else 3

    def needs_authentication(self, *, off_session: bool, set_up: bool) -> bool:
        """Whether a payment must be authenticated by the holder before it is tried."""
        match self.authentication:
            case Authentication.NEVER:
                return False
            case Authentication.ALWAYS:
                return True
            case Authentication.ON_SESSION:
                return not off_session
            case Authentication.UNLESS_SET_UP:
                return not (off_session and set_up)

    @property
    def setup_needs_authentication(self) -> bool:
        return self.authentication is not Authentication.NEVER


DECLINED = Decline("card_declined", "generic_decline", "Your card was declined.")
INSUFFICIENT_FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
LOST = Decline("card_declined", "lost_card", "Your card was declined.")
STOLEN = Decline("card_declined", "stolen_card", "Your card was declined.")
VELOCITY = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.")
INCORRECT_CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
PROCESSING_ERROR = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
NOT_A_TEST_CARD = Decline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test (live) card. "
    "For a list of valid test cards, visit: https://stripe.com/docs/testing.",
)


def _refused(number: str, method: str, title: str, decline: Decline) -> TestCard:
    return TestCard(number, "visa", method, title, decline=decline, declines_setup=True)


TEST_CARDS = (
    TestCard("4242424242424242", "visa", "pm_card_visa", "Succeeds"),
    TestCard("4000056655665556", "visa", "pm_card_visa_debit", "Succeeds (debit)", funding="debit"),
    TestCard("5555555555554444", "mastercard", "pm_card_mastercard", "Succeeds"),
    TestCard("378282246310005", "amex", "pm_card_amex", "Succeeds (4-digit CVC)"),
    TestCard("6011111111111117", "discover", "pm_card_discover", "Succeeds"),
    TestCard(
        "4000002500003155",
        "visa",
        "pm_card_authenticationRequiredOnSetup",
        "Authenticates once, when saved; later charges succeed",
        authentication=Authentication.UNLESS_SET_UP,
    ),
    TestCard(
        "4000002760003184",
        "visa",
        "pm_card_authenticationRequired",
        "Authenticates every time: off-session charges are refused",
        authentication=Authentication.ALWAYS,
    ),
    TestCard(
        "4000003800000446",
        "visa",
        "pm_card_authenticationRequiredSetupForOffSession",
        "Authenticates on-session; off-session charges succeed",
        authentication=Authentication.ON_SESSION,
    ),
    TestCard(
        "4000008260003178",
        "visa",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "Authenticates when saved; later charges lack funds",
        authentication=Authentication.UNLESS_SET_UP,
        decline=INSUFFICIENT_FUNDS,
    ),
    TestCard(
        "4000000000000341",
        "visa",
        "pm_card_chargeCustomerFail",
        "Can be saved; every charge is declined",
        decline=DECLINED,
    ),
    TestCard(
        "4000000000007726",
        "visa",
        "pm_card_pendingRefund",
        "Refunds are pending, then succeed",
        refund_fate=RefundFate.PENDING,
    ),
    TestCard(
        "4000000000005126",
        "visa",
        "pm_card_refundFail",
        "Refunds look successful, then fail",
        refund_fate=RefundFate.FAILS,
    ),
    TestCard(
        "4000000000000259",
        "visa",
        "pm_card_createDispute",
        "Charges are disputed as fraudulent",
        dispute_fate=DisputeFate.FRAUDULENT,
    ),
    TestCard(
        "4000000000002685",
        "visa",
        "pm_card_createDisputeProductNotReceived",
        "Charges are disputed: product not received",
        dispute_fate=DisputeFate.NOT_RECEIVED,
    ),
    TestCard(
        "4000000000001976",
        "visa",
        "pm_card_createDisputeInquiry",
        "The bank inquires about charges",
        dispute_fate=DisputeFate.INQUIRY,
    ),
    _refused("4000000000000002", "pm_card_visa_chargeDeclined", "Declined", DECLINED),
    _refused(
        "4000000000009995",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "Declined: insufficient funds",
        INSUFFICIENT_FUNDS,
    ),
    _refused("4000000000009987", "pm_card_visa_chargeDeclinedLostCard", "Declined: lost card", LOST),
    _refused("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", "Declined: stolen card", STOLEN),
    _refused("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "Declined: expired card", EXPIRED),
    _refused("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "Declined: wrong CVC", INCORRECT_CVC),
    _refused(
        "4000000000000119",
        "pm_card_chargeDeclinedProcessingError",
        "Declined: processing error",
        PROCESSING_ERROR,
    ),
    _refused(
        "4000000000006975",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "Declined: too many attempts",
        VELOCITY,
    ),
)

BY_NUMBER = {card.number: card for card in TEST_CARDS}
BY_METHOD_ID = {card.method_id: card for card in TEST_CARDS}
BY_TOKEN = {card.token: card for card in TEST_CARDS}


def passes_luhn(number: str) -> bool:
    """Whether a card number's check digit is right."""
    doubled = [int(digit) * 2 for digit in reversed(number)][1::2]
    single = [int(digit) for digit in reversed(number)][0::2]
    return (sum(single) + sum(value - 9 if value > 9 else value for value in doubled)) % 10 == 0
