import pytest

from settlements.context_processors import SANDBOX, STRIPE_TEST, notice_for


@pytest.mark.parametrize(
    ("secret_key", "notice"),
    [
        ("", SANDBOX),
        ("sk_test_1", STRIPE_TEST),
        ("rk_test_1", STRIPE_TEST),
        ("sk_live_1", ""),
        ("rk_live_1", ""),
    ],
)
def test_says_where_payments_go(secret_key: str, notice: str) -> None:
    assert notice_for(secret_key) == notice
