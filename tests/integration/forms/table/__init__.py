"""The table of everything that can be sent: forms with fields to fill in, buttons, and what others see to."""

from tests.integration.forms.table import accounts, auctions, inventory, logins, notifications, settlements

FORMS = [
    *accounts.FORMS,
    *auctions.FORMS,
    *inventory.FORMS,
    *notifications.FORMS,
    *settlements.FORMS,
    *logins.FORMS,
]
PRESSED = [
    *accounts.PRESSED,
    *auctions.PRESSED,
    *inventory.PRESSED,
    *notifications.PRESSED,
    *settlements.PRESSED,
]
NOT_TRIED = {
    "say nothing that could be wrong": """
        auctions:search_default auctions:search_remove settlements:view_remove settlements:card_add
        settlements:payout_setup_refresh settlements:payout_setup_start settlements:reconciliation_look
        notifications:preferences account_logout""",
    "are allauth's own, but for how they look (tests/browser/test_accessibility.py)": """
        account_confirm_email account_confirm_login_code account_email account_reauthenticate
        account_reset_password_from_key account_set_password mfa_activate_totp mfa_authenticate
        mfa_deactivate_totp mfa_download_recovery_codes mfa_generate_recovery_codes mfa_index
        mfa_reauthenticate mfa_view_recovery_codes""",
    "for programs": "settlements:stripe_webhook",
}
"""Addresses that take a POST and are tried neither as forms nor as buttons, and why."""
