"""The laws of money, whatever happens in whatever order. ``make soak`` runs it longer (SOAK_STEPS)."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from settlements.stripe_sandbox.server import SandboxServer
from tests.laws.money_machine import MoneyMachine

STEPS_OF_A_RUN = 200
STEPS = int(os.environ.get("SOAK_STEPS", "10000"))


@pytest.mark.django_db(transaction=True)
def test_money_is_conserved_whatever_happens(stripe_sandbox: SandboxServer) -> None:
    MoneyMachine.prepare(stripe_sandbox)

    run_state_machine_as_test(
        MoneyMachine,
        settings=settings(
            max_examples=max(STEPS // STEPS_OF_A_RUN, 1),
            stateful_step_count=STEPS_OF_A_RUN,
            deadline=None,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
