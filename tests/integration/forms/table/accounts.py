"""Forms and buttons of organizations, their members and keys, and of bidding limits."""

from __future__ import annotations

from accounts.forms import ApiKeyForm, CreditForm, MemberForm, OrganizationForm
from tests.integration.forms.table.rows import WORDS, Filled, Pressed, any_of, one

FORMS = [
    Filled(
        "accounts:organization_create",
        "newcomer",
        "",
        lambda scene: one(OrganizationForm()),
        lambda scene: {"organization_name": WORDS, "trades": "both"},
    ),
    Filled(
        "accounts:api_key_create", "buyer", "", lambda scene: one(ApiKeyForm()), lambda scene: {"name": WORDS}
    ),
    Filled(
        "accounts:member_add",
        "buyer",
        "",
        lambda scene: one(MemberForm()),
        lambda scene: {"email": scene.people["newcomer"].email, "role": "trader"},
        wrong={"email": ("nobody.at.all@example.com",)},
    ),
    Filled(
        "accounts:limit_edit",
        "finance",
        "other_limit.pk",
        lambda scene: one(CreditForm()),
        lambda scene: {"credit": "250.00", "reason": WORDS, "seen": str(scene.other_limit.credit_cents)},
    ),
]

PRESSED = [
    Pressed("accounts:switch_organization", "buyer", "", any_of("organization")),
    Pressed("accounts:member_role", "buyer", "colleague.pk", any_of("role")),
    Pressed("accounts:member_remove", "buyer", "nobody"),
    Pressed("accounts:api_key_revoke", "buyer", "nobody"),
    Pressed("accounts:credit_approve", "finance", "nobody"),
    Pressed("accounts:credit_refuse", "finance", "nobody"),
]
