"""WCAG 2.2 AA, as far as axe can tell, on every page, in both themes; no page wider than a phone; no complaint.

`PAGES=finance pytest tests/browser/test_accessibility.py` looks at the pages whose name contains the word.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from marketplace.guides import ROLES
from settlements.stripe_sandbox.server import SandboxServer
from tests.browser.scene import set_scene
from tests.web import WebProcess

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text()
ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}
RUN_AXE = """async (runOnly) => {
    const { violations } = await axe.run(document, {
        runOnly,
        resultTypes: ["violations"],
        preload: false,
    });
    return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, html, failureSummary }) =>
            `${id}: ${target.join(" ")}\\n    ${html.slice(0, 200)}\\n    ${failureSummary.replace(/\\s+/g, " ")}`));
}"""
TOO_WIDE = """() => {
    const room = window.innerWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    return [`${document.documentElement.scrollWidth} px of content in ${room} px`];
}"""
API_PAGES = {"api_docs", "api_schema"}
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = ((DESK, "light", ALL), (DESK, "dark", COLOURS), (PHONE, "dark", ALL))
"""Between the first two nothing changes but colours."""


@dataclass(frozen=True)
class View:
    """A page: its name, who looks at it, and what of the scene its address takes."""

    name: str
    who: str
    takes: str = ""
    query: str = ""
    status: int = HTTPStatus.OK

    def address(self, scene: SimpleNamespace) -> str:
        arguments = [attrgetter(each)(scene) for each in self.takes.split()]
        return reverse(self.name, args=arguments) + self.query.format_map(vars(scene))


VIEWS = [
    View("board", "visitor"),
    View("board", "buyer"),
    View("board", "seller"),
    View("guide_list", "visitor"),
    *(View("guide", "visitor", f"guide.{role}") for role in ROLES),
    View("settlements:start", "newcomer"),
    View("settlements:start", "buyer"),
    View("settlements:start", "seller"),
    View("settlements:start", "finance"),
    View("auctions:market", "buyer", "market.slug"),
    View("auctions:hour_map", "visitor", "market.slug"),
    View("auctions:window", "visitor", "cleared.pk"),
    View("auctions:window", "buyer", "cleared.pk"),
    View("auctions:window_check", "buyer", "cleared.pk"),
    View("auctions:window_curves", "buyer", "cleared.pk"),
    View("auctions:bid_ticket", "buyer", "lot.pk"),
    View("auctions:bid_ticket", "visitor", "lot.pk"),
    View("auctions:bid_compose", "buyer", "lot.pk"),
    View("auctions:bid_list", "buyer"),
    View("auctions:bid_detail", "buyer", "bid.pk"),
    View("auctions:bid_detail", "buyer", "won.pk"),
    View("auctions:bid_detail", "buyer", "lost.pk"),
    View("auctions:bid_change", "buyer", "bid.pk"),
    View("auctions:bid_recompose", "buyer", "bid.pk"),
    View("auctions:bid_cancel", "buyer", "bid.pk"),
    View("auctions:order_list", "buyer"),
    View("auctions:order_create", "buyer"),
    View(
        "auctions:order_create", "buyer", query="?types={type_id}&goal=2000&budget=4000&deadline={deadline}"
    ),
    View("auctions:order_detail", "buyer", "order.pk"),
    View("auctions:order_change", "buyer", "order.pk"),
    View("auctions:order_cancel", "buyer", "order.pk"),
    View("auctions:operate_overview", "operator"),
    View("auctions:operate_market_list", "operator"),
    View("auctions:operate_market_create", "operator"),
    View("auctions:operate_market_change", "operator", "market.pk"),
    View("auctions:operate_window_cancel", "operator", "lot.window_id"),
    View("auctions:price_list", "visitor"),
    View("auctions:price_history", "visitor", "product.slug site.region"),
    View("auctions:reserve_advice", "seller"),
    View("auctions:reserve_advice", "seller", query="?resource_type={product.slug}&region={site.region}"),
    View("auctions:award_list", "buyer"),
    View("accounts:organization", "buyer"),
    View("accounts:organization", "seller"),
    View("accounts:organization_create", "newcomer"),
    View("accounts:member_remove", "buyer", "colleague.pk"),
    View("accounts:limit_list", "finance"),
    View("accounts:limit_edit", "finance", "limit.pk"),
    View("notifications:notification_list", "buyer"),
    View("notifications:notification_list", "finance"),
    View("notifications:notification_list", "newcomer"),
    View("notifications:preferences", "buyer"),
    View("notifications:preferences", "finance"),
    View("notifications:webhook_list", "buyer"),
    View("notifications:webhook_detail", "buyer", "endpoint.pk"),
    View("notifications:webhook_remove", "buyer", "endpoint.pk"),
    View("notifications:unsubscribe", "visitor", "unsubscribe_token"),
    View("notifications:unsubscribe", "visitor", "forged_key", status=HTTPStatus.NOT_FOUND),
    View("account_login", "visitor"),
    View("account_logout", "buyer"),
    View("account_inactive", "visitor"),
    View("account_signup", "visitor"),
    View("account_reauthenticate", "buyer"),
    View("account_email", "buyer"),
    View("account_email_verification_sent", "visitor"),
    View("account_change_password", "buyer"),
    View("account_reset_password", "visitor"),
    View("account_reset_password_done", "visitor"),
    View("account_reset_password_from_key", "visitor", "uid forged_key"),
    View("account_reset_password_from_key_done", "visitor"),
    View("account_confirm_email", "visitor", "forged_key"),
    View("mfa_index", "buyer"),
    View("mfa_index", "guarded"),
    View("mfa_reauthenticate", "guarded"),
    View("mfa_activate_totp", "newcomer"),
    View("mfa_deactivate_totp", "guarded"),
    View("mfa_view_recovery_codes", "guarded"),
    View("mfa_generate_recovery_codes", "guarded"),
    View("inventory:site_list", "seller"),
    View("inventory:site_create", "seller"),
    View("inventory:block_list", "seller"),
    View("inventory:block_create", "seller"),
    View("inventory:block_draft_begin", "seller"),
    View("inventory:block_draft_step", "seller", "draft.pk draft_step"),
    View("inventory:block_draft_review", "seller", "draft.pk"),
    View("inventory:block_list", "seller", query="?show=drafts"),
    View("inventory:block_pattern", "seller"),
    View("inventory:block_detail", "seller", "lot.block_id"),
    View("inventory:block_withdraw", "seller", "lot.block_id"),
    View("inventory:block_import", "seller"),
    View("api_docs", "visitor"),
    View("settlements:selling", "seller"),
    View("settlements:selling_calendar", "seller"),
    View("settlements:own_settlement_list", "buyer"),
    View("settlements:own_settlement_detail", "buyer", "due.pk"),
    View("settlements:own_settlement_detail", "buyer", "refunded.pk"),
    View("settlements:payment_link", "visitor", "forged_key", status=HTTPStatus.NOT_FOUND),
    View("settlements:payment_methods", "buyer"),
    View("settlements:card_remove", "buyer", "card.pk"),
    View("settlements:limit", "buyer"),
    View("settlements:hold_history", "buyer"),
    View("settlements:prepayment_detail", "buyer", "prepayment.pk"),
    View("settlements:settlement_list", "finance"),
    View("settlements:settlement_detail", "finance", "refunded.pk"),
    View("settlements:settlement_detail", "finance", "declined.pk"),
    View("settlements:deadline_extend", "finance", "declined.pk"),
    View("settlements:settlement_retry", "finance", "declined.pk"),
    View("settlements:settlement_default", "finance", "declined.pk"),
    View("settlements:own_lease_detail", "buyer", "lease.pk"),
    View("settlements:lease_detail", "finance", "lease.pk"),
    View("settlements:carried_list", "finance"),
    View("settlements:own_delivery", "buyer", "delivery.pk"),
    View("settlements:ssh_key_list", "buyer"),
    View("settlements:sale_delivery_list", "seller"),
    View("settlements:sale_delivery", "seller", "delivery.pk"),
    View("settlements:sale_delivery", "seller", "to_hand_over.pk"),
    View("settlements:outage_list", "finance"),
    View("settlements:outage_detail", "finance", "outage.pk"),
    View("settlements:payout_list", "seller"),
    View("settlements:payout_detail", "seller", "transfer.pk"),
    View("settlements:payout_setup", "seller"),
    View("settlements:statement", "seller", "year month_number"),
    View("settlements:transfer_list", "finance"),
    View("settlements:transfer_detail", "finance", "transfer.pk"),
    View("settlements:fee_list", "finance"),
    View("settlements:refund_create", "finance", "refunded.pk"),
    View("settlements:refund_list", "finance"),
    View("settlements:refund_detail", "finance", "refund.pk"),
    View("settlements:dispute_list", "finance"),
    View("settlements:dispute_detail", "finance", "dispute.pk"),
    View("settlements:reconciliation", "finance"),
    View("settlements:reconciliation_day", "finance", "today"),
    View("settlements:reconciliation_window", "finance", "refunded.window_id"),
    View("settlements:mismatch", "finance", "mismatch.pk"),
    View("settlements:bank_payout_list", "finance"),
    View("settlements:bank_payout_detail", "finance", "bank_payout.pk"),
    View("settlements:audit_list", "finance"),
    View("settlements:period_close", "finance", "month"),
    View("settlements:settlement_list", "buyer", status=HTTPStatus.FORBIDDEN),
    View("auctions:window", "visitor", "year", status=HTTPStatus.NOT_FOUND),
]
NOT_PAGES = {
    "part of every page": "stylesheet",
    "files to save, and pictures": """
        guide_image
        auctions:window_book auctions:window_clearing auctions:bid_proof auctions:price_csv
        auctions:award_calendar auctions:award_calendar_all
        auctions:window_curves_csv
        inventory:block_import_template settlements:settlement_export settlements:settlement_focus
        settlements:sale_delivery_keys settlements:statement_export settlements:dispute_evidence
        settlements:audit_export
        mfa_download_recovery_codes""",
    "answer to a form only, and lead to a page or show the page of the form": """
        inventory:block_draft_discard auctions:order_preview auctions:order_pause auctions:order_resume
        auctions:search_save auctions:search_remove auctions:search_default
        auctions:bid_copy auctions:bid_review auctions:bid_confirm auctions:bid_ask auctions:operate_market_pause
        auctions:operate_window_retry accounts:switch_organization accounts:api_key_create
        accounts:api_key_revoke accounts:member_add accounts:member_role accounts:credit_approve
        accounts:credit_refuse settlements:own_settlement_pay settlements:card_add settlements:card_default
        settlements:prepayment_start settlements:prepayment_cancel settlements:settlement_assign
        settlements:prepaid_return settlements:reversal_retry
        settlements:view_save settlements:view_remove settlements:note_add settlements:own_delivery_access
        settlements:own_delivery_keys settlements:outage_report settlements:outage_withdraw
        settlements:ssh_key_remove settlements:outage_answer settlements:payout_setup_start
        settlements:payout_setup_refresh settlements:transfer_confirm settlements:transfer_decide
        settlements:transfer_reject settlements:transfer_reopen settlements:transfer_retry
        settlements:transfer_hold settlements:transfer_hold_lift settlements:refund_approve
        settlements:refund_cancel settlements:refund_retry settlements:refund_credit
        settlements:dispute_answer settlements:dispute_accept settlements:dispute_bear
        settlements:prepaid_dispute_excuse
        settlements:reconciliation_look settlements:mismatch_assign notifications:notifications_read
        notifications:webhook_test notifications:webhook_switch notifications:webhook_rotate
        notifications:webhook_again""",
    "lead elsewhere": """
        settlements:own_settlement_return settlements:card_return settlements:prepayment_return
        settlements:payout_setup_again settlements:payout_setup_return account_set_password
        account_confirm_login_code mfa_authenticate notifications:notification_open""",
    "pieces of other pages": "auctions:bid_cost auctions:reserve_brief notifications:bell",
    "for programs": "api_schema settlements:stripe_webhook",
}


def names(resolver: URLResolver, space: str = "") -> Iterator[str]:
    """Every name in the URLconf but those of the API, which is no page, and of Django's own back office."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            assert pattern.name, f"{pattern} has no name"
            if space or pattern.name in API_PAGES or not pattern.name.startswith(("api-", "api_")):
                yield space + pattern.name
        elif pattern.namespace != "admin":
            yield from names(pattern, f"{pattern.namespace}:" if pattern.namespace else space)


def test_every_address_is_looked_at_or_no_page() -> None:
    apart = [name for several in NOT_PAGES.values() for name in several.split()]
    assert len(apart) == len(set(apart))
    seen = {view.name for view in VIEWS}
    assert seen.isdisjoint(apart)
    assert seen | set(apart) == set(names(get_resolver()))


class Reader:
    """One person's browser: opens pages and says what is wrong with them."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.heard: list[str] = []

    def look(self, address: str, status: int = HTTPStatus.OK) -> list[str]:
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        try:
            return self._faults(page, address, status)
        finally:
            page.close()

    def _faults(self, page: Page, address: str, status: int) -> list[str]:
        self.heard.clear()
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        answer = page.goto(address)
        if (
            answer.status != status
            or page.url.split("#")[0] != answer.request.url
            or answer.request.redirected_from
        ):
            return [f"leads to {page.url} with status {answer.status}"]
        if status != HTTPStatus.OK:  # the browser complains of the page itself
            self.heard = [text for text in self.heard if f"status of {status}" not in text]
        said = [
            f"console: {text}" for text in self.heard
        ]  # axe itself tries what the CSP forbids, and is told so
        faults = []
        page.evaluate(AXE)
        for width, theme, rules in LOOKS:
            page.set_viewport_size(width)
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found = page.evaluate(RUN_AXE, rules) + page.evaluate(TOO_WIDE)
            faults += [f"{theme}, {width['width']} px: {fault}" for fault in found]
        return faults + said

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.heard.append(message.text)


@pytest.mark.django_db(transaction=True)
def test_every_page(
    browser: Browser, running_database_url: str, stripe_sandbox: SandboxServer, tolerated: list[str]
) -> None:
    tolerated += ["status of 403", "status of 404"]  # of the views that are to be refused
    scene = set_scene()
    web = WebProcess(
        database_url=running_database_url, DEBUG="false", STRIPE_SANDBOX_URL=stripe_sandbox.base_url
    )
    web.start()
    faults = {}
    try:
        for who in scene.people:
            context = browser.new_context(base_url=web.url, viewport=DESK)
            if session := scene.sessions.get(who):
                context.add_cookies(
                    [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": web.url}]
                )
            reader = Reader(context)
            for view in VIEWS:
                if view.who == who and os.environ.get("PAGES", "") in view.name:
                    address = view.address(scene)
                    faults[f"{view.name} {address} as {who}"] = reader.look(address, view.status)
            context.close()
    finally:
        web.close()
    wrong = {what: found for what, found in faults.items() if found}
    report = "\n".join(f"{what}\n  " + "\n  ".join(found) for what, found in wrong.items())
    assert not wrong, f"{len(wrong)} of {len(faults)} pages:\n{report}"


@pytest.mark.urls("marketplace.styleguide")
@pytest.mark.django_db(transaction=True)
def test_every_component(context: BrowserContext) -> None:
    assert Reader(context).look("/") == []
