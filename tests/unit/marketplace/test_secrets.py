"""With money that is real, nothing runs on a secret that stands in the source."""

import os
import subprocess
import sys

import pytest

from marketplace.paths import CHECKOUT

SECRETS = ("SECRET_KEY", "HANDOVER_KEYS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")
REAL = {
    "SECRET_KEY": "drawn",
    "HANDOVER_KEYS": "drawn too",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
}


def load_settings(**secrets: str) -> subprocess.CompletedProcess[str]:
    """Import the settings in a process of their own, with no other secrets than these."""
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return subprocess.run(
        [sys.executable, "-c", "import marketplace.settings"],
        env=kept | {"DATABASE_URL": "postgresql://nowhere/sparegrid"} | secrets,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )


def test_without_a_stripe_key_none_is_needed():
    assert load_settings().returncode == 0


def test_with_a_stripe_key_all_are_given():
    assert load_settings(**REAL).returncode == 0


@pytest.mark.parametrize("missing", ["SECRET_KEY", "HANDOVER_KEYS", "STRIPE_WEBHOOK_SECRET"])
def test_with_a_stripe_key_a_missing_one_is_named(missing):
    result = load_settings(**{name: value for name, value in REAL.items() if name != missing})

    assert result.returncode != 0
    assert f"Set the {missing} environment variable" in result.stderr
