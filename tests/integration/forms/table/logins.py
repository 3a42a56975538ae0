"""Forms of logins, allauth's own: log in, sign up, and all that is done with passwords."""

from __future__ import annotations

from allauth.account.forms import ChangePasswordForm, LoginForm, ResetPasswordForm
from allauth.account.forms import SignupForm as AccountForm

from tests.factories import PASSWORD
from tests.integration.forms.table.rows import WORDS, Filled, one

FORMS = [
    Filled(
        "account_login",
        "visitor",
        "",
        lambda scene: one(LoginForm()),
        lambda scene: {"login": "ada@example.com", "password": "not-the-right-one"},
        admits={"password": ("   ",)},
    ),
    Filled(
        "account_signup",
        "visitor",
        "",
        lambda scene: one(AccountForm()),
        lambda scene: {
            "name": WORDS,
            "email": "ada@example.com",
            "organization_name": WORDS,
            "trades": "buyer",
            "password1": PASSWORD,
            "password2": PASSWORD,
        },
        wrong={"password1": ("short",), "password2": ("another one altogether",)},
    ),
    Filled(
        "account_reset_password",
        "visitor",
        "",
        lambda scene: one(ResetPasswordForm()),
        lambda scene: {"email": "ada@example.com"},
    ),
    Filled(
        "account_change_password",
        "buyer",
        "",
        lambda scene: one(ChangePasswordForm(scene.people["buyer"])),
        lambda scene: {"oldpassword": PASSWORD, "password1": PASSWORD, "password2": PASSWORD},
        wrong={"oldpassword": ("not this",), "password2": ("another one altogether",)},
    ),
]
