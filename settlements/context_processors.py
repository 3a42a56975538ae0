"""What every page says about where payments go."""

from django.conf import settings
from django.http import HttpRequest

SANDBOX = "Payments go to the local sandbox. No real money moves."
STRIPE_TEST = "Payments go to Stripe’s test side. No real money moves."


def stripe_test_mode(request: HttpRequest) -> dict[str, str]:
    """Give templates ``stripe_test_mode``: what the banner says, empty when payments are real."""
    return {"stripe_test_mode": notice_for(settings.STRIPE_SECRET_KEY)}


def notice_for(secret_key: str) -> str:
    if not secret_key:
        return SANDBOX
    if secret_key.startswith(("sk_test_", "rk_test_")):
        return STRIPE_TEST
    return ""
