import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from settlements.stripe_sandbox.faults import Faults
from settlements.stripe_sandbox.resources.balance import stripe_fee_cents
from settlements.stripe_sandbox.resources.payment_intents import AMOUNT_MAX_CENTS, AMOUNT_MIN_CENTS
from settlements.stripe_sandbox.webhooks import N_ATTEMPTS_MAX, Plan, signature


@pytest.mark.parametrize(("amount", "fee"), [(50, 31), (100, 33), (12_345, 388), (99_999_999, 2_900_030)])
def test_fee(amount, fee):
    assert stripe_fee_cents(amount) == fee


@given(st.integers(AMOUNT_MIN_CENTS, AMOUNT_MAX_CENTS))
def test_a_charge_always_nets_something(amount):
    assert 0 < stripe_fee_cents(amount) < amount


@given(st.text(), st.text(min_size=1, alphabet="abcdef0123456789_"))
def test_the_sdk_accepts_every_signature(payload, secret):
    payload = payload.encode(errors="replace").decode()
    header = signature(payload, secret, 1_800_000_000)

    assert stripe.WebhookSignature.verify_header(payload, header, secret, tolerance=None)


def test_waits_double_up_to_a_bound():
    plan = Plan("http://127.0.0.1:1/", "whsec_x", Faults())

    waits = [plan.wait_s(n) for n in range(1, N_ATTEMPTS_MAX)]

    assert waits[:8] == [1, 2, 4, 8, 16, 32, 64, 64]
    assert max(waits) == 64
