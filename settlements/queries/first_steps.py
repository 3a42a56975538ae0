"""What someone new has done and what comes next: a check-list that says only what the rows say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from accounts.models import BiddingLimit, Organization, User
from auctions.models import Bid, Market, Window
from inventory.models import Block, Site
from inventory.queries import drafts_of
from settlements.models import SellerAccount
from settlements.queries.cards import payable_cards, why_no_limit
from settlements.requirements import requirement_words


@dataclass(frozen=True, slots=True)
class FirstStep:
    """Something to do once: whether it is done, what there is to know, and where to do it."""

    title: str
    text: str
    is_done: bool
    url: str
    label: str
    is_troubled: bool = False


@dataclass(frozen=True, slots=True)
class CheckList:
    """The steps of one side of the market, in order."""

    heading: str
    guide: str
    steps: list[FirstStep]

    @property
    def n_done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def next_step(self) -> FirstStep | None:
        return next((step for step in self.steps if not step.is_done), None)


def check_lists_of(organization: Organization | None, user: User) -> list[CheckList]:
    """Return the lists that concern a person: a buyer's and a seller's, and an operator's."""
    lists = []
    if organization is not None and organization.is_buyer:
        lists.append(CheckList("Buying", "buyers", list(_buying(organization))))
    if organization is not None and organization.is_seller:
        lists.append(CheckList("Selling", "sellers", list(_selling(organization))))
    if user.is_operator:
        lists.append(CheckList("Operating", "operators", list(_operating())))
    return lists


def _buying(buyer: Organization) -> Iterable[FirstStep]:
    limit = BiddingLimit.objects.get(pk=buyer.pk)
    has_card = payable_cards(buyer.pk).exists()
    yield FirstStep(
        "Put a card on file",
        "Stripe keeps its number, we do not. Nothing is charged until a window clears and you won.",
        has_card,
        reverse("settlements:payment_methods"),
        "Payment methods",
    )
    yield _limit_step(buyer, limit, has_card=has_card)
    yield FirstStep(
        "Place a first bid",
        "Pick a product on the board, then a lot, units, and the most you would pay. You see the odds and the most it "
        "can cost before you confirm, and can cancel until the freeze.",
        Bid.objects.filter(organization=buyer).exists(),
        reverse("board"),
        "The board",
    )


def _limit_step(buyer: Organization, limit: BiddingLimit, *, has_card: bool) -> FirstStep:
    title, url, label = "Have a bidding limit", reverse("settlements:limit"), "Your limit"
    if limit.suspended_reason:
        return FirstStep(title, limit.suspended_reason, False, url, label, is_troubled=True)
    if limit.limit_cents:
        return FirstStep(
            title, "Each bid holds the most it can cost; losing releases it at once.", True, url, label
        )
    if has_card:
        return FirstStep(title, why_no_limit(buyer.pk), False, url, label, is_troubled=True)
    text = "The first card brings one. To bid more, pay in ahead by card or bank transfer, or ask for a credit line."
    return FirstStep(title, text, False, url, label)


def _selling(seller: Organization) -> Iterable[FirstStep]:
    yield FirstStep(
        "Add a site",
        "The data centre your machines stand in. Buyers see its region and network, never its name.",
        Site.objects.filter(organization=seller).exists(),
        reverse("inventory:site_create"),
        "Add a site",
    )
    draft = drafts_of(seller).first()
    yield FirstStep(
        "List a first block",
        "A draft of yours waits."
        if draft
        else "What stands idle, when, and the least you accept for it, with advice.",
        Block.objects.filter(site__organization=seller).exists(),
        f"{reverse('inventory:block_list')}?show=drafts" if draft else reverse("inventory:block_draft_begin"),
        "Go on with the draft" if draft else "List a block",
    )
    yield _payout_step(SellerAccount.objects.filter(pk=seller.pk).first())


def _payout_step(account: SellerAccount | None) -> FirstStep:
    title, url = "Set up payouts", reverse("settlements:payout_setup")
    if account is None or account.stripe_id is None:
        text = "You can sell without. What you earn is kept for you until Stripe knows who you are."
        return FirstStep(title, text, False, url, "Set up payouts")
    if account.can_be_paid:
        return FirstStep(
            title, "Stripe has verified you. Deliveries are paid once they end.", True, url, "Payouts"
        )
    if account.currently_due:
        wants = "; ".join(requirement_words(account.currently_due))
        return FirstStep(title, f"Stripe still asks for: {wants}.", False, url, "Continue", is_troubled=True)
    text = "You entered all that is needed; Stripe is checking it, mostly within minutes."
    return FirstStep(title, text, False, url, "See how it stands")


def _operating() -> Iterable[FirstStep]:
    yield FirstStep(
        "Start a market",
        "A market holds an auction every so often, for delivery some time later.",
        Market.objects.filter(status=Market.Status.ACTIVE).exists(),
        reverse("auctions:operate_market_create"),
        "Start a market",
    )
    yield FirstStep(
        "See a window clear",
        "Windows open, freeze, close and clear by themselves while a worker runs.",
        Window.objects.filter(status=Window.Status.CLEARED).exists(),
        reverse("auctions:operate_overview"),
        "Operate",
    )
