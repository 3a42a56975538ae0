"""The sandbox as a program of its own: what it refuses, and what a kill leaves behind."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import stripe

from settlements.stripe_sandbox.sandbox import Settings, SettingsRejected
from settlements.stripe_sandbox.server import listen

REPOSITORY = Path(__file__).parents[3]


@contextmanager
def running(state: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the program on a free port and yield it with its address, read from its greeting."""
    command = [sys.executable, "-m", "settlements.stripe_sandbox", "--port", "0", "--state", str(state)]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        greeting = process.stderr.readline()
        try:
            yield process, greeting.split()[-1]
        finally:
            process.kill()


def client_at(address: str) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_x", base_addresses={"api": address}, max_network_retries=0)


class TestProgram:
    def test_a_kill_loses_nothing_that_was_answered(self, tmp_path):
        order, key = {"amount": 500, "currency": "usd"}, {"idempotency_key": "settlement-1"}
        with running(tmp_path / "state.sqlite3") as (process, address):
            intent = client_at(address).v1.payment_intents.create(order, key)
            process.kill()

        with running(tmp_path / "state.sqlite3") as (_, address):
            assert client_at(address).v1.payment_intents.create(order, key).id == intent.id

    @pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
    def test_stops_quietly_when_told(self, tmp_path, signal_):
        with running(tmp_path / "state.sqlite3") as (process, address):
            client_at(address).v1.customers.create()
            process.send_signal(signal_)

            (_, said) = process.communicate(timeout=10)

        assert said == ""

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--host", "0.0.0.0"],  # noqa: S104  # refused
            ["--webhook-url", "http://example.com/"],
            ["--webhook-url", "https://127.0.0.1/"],
            ["--api-key", "sk_live_1"],
        ],
    )
    def test_refuses_to_reach_beyond_this_machine(self, tmp_path, arguments):
        command = [sys.executable, "-m", "settlements.stripe_sandbox", "--port", "0", "--state", ":memory:"]

        ended = subprocess.run(
            [*command, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=30
        )

        assert ended.returncode == 2
        assert ended.stderr.startswith("stripe sandbox: ")

    def test_says_when_its_port_is_taken(self):
        with listen("127.0.0.1", 0) as taken:
            command = [sys.executable, "-m", "settlements.stripe_sandbox", "--state", ":memory:"]
            command += ["--port", str(taken.getsockname()[1])]
            ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30)

        assert ended.returncode == 2
        assert "Address already in use" in ended.stderr


def test_needs_nothing_of_the_application():
    code = "import sys, settlements.stripe_sandbox.server; assert 'django' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, timeout=30)


def test_settings_name_what_is_wrong():
    with pytest.raises(SettingsRejected, match="this machine only"):
        Settings(state=":memory:", base_url="http://127.0.0.1:1", webhook_url="http://10.0.0.1/")
    with pytest.raises(SettingsRejected, match="listens on this machine only"):
        listen("0.0.0.0", 0)  # noqa: S104  # refused
