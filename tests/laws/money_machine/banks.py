"""What banks, networks and Stripe do: decide disputes, lose answers, deliver events as they please."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from settlements.stripe_sandbox.errors import StripeError
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.resources import disputes as bank
from settlements.stripe_sandbox.resources import payouts
from tests.laws.money_machine.world import World, picks

FAULTY_CALLS = (
    ("POST", "/v1/payment_intents"),
    ("POST", "/v1/payment_intents/{intent}/cancel"),
    ("POST", "/v1/refunds"),
    ("POST", "/v1/transfers"),
    ("POST", "/v1/disputes/{dispute}"),
    ("POST", "/v1/transfers/{transfer}/reversals"),
    ("POST", "/v1/checkout/sessions"),
    ("GET", None),
    (None, None),
)
FAULTS: tuple[tuple[Any, Any], ...] = (
    ("error", "before"),
    ("error", "after"),
    ("timeout", "before"),
    ("timeout", "after"),
    ("rate_limit", "before"),
)
"""After: Stripe has done it, and only the answer is lost. A 5xx it repeats to the same key, a time-out it does not."""
ARMED_AT_MOST = 3


class Banks(World):
    """Disputes, payouts, faults, events."""

    @rule(pick=picks, change=st.sampled_from([bank.win, bank.lose, bank.escalate]))
    def the_bank_decides(self, pick: int, change: Callable[..., Any]) -> None:
        with self.at_stripe() as call:
            found = call.store.select("dispute", equals={}, created={}, limit=20)
            under_way = [dispute for dispute in found if dispute["status"] in bank.OPEN]
            if change is bank.escalate:
                under_way = [dispute for dispute in under_way if dispute["status"].startswith("warning")]
            if under_way:
                change(call, under_way[pick % len(under_way)])

    @rule(pick=picks, fails=st.booleans())
    def pay_out_to_our_bank(self, pick: int, fails: bool) -> None:
        with self.at_stripe() as call:
            try:
                payout = payouts.pay_out_available(call)
            except StripeError:
                return
            if fails:
                payouts.fail(call, payout)

    @rule(call=st.sampled_from(FAULTY_CALLS), fault=st.sampled_from(FAULTS))
    def strike_the_next_call(self, call: tuple[str | None, str | None], fault: tuple[Any, Any]) -> None:
        faults = self.sandbox.sandbox.faults
        if len(faults.api) < ARMED_AT_MOST:
            faults.arm_api(ApiFault(kind=fault[0], phase=fault[1], method=call[0], path=call[1], seconds=0))

    @rule(picked=st.lists(picks, min_size=1, max_size=6), times=st.integers(1, 2))
    def deliver_some_events(self, picked: list[int], times: int) -> None:
        self.collect_events()
        for pick in picked:
            if self.events:
                event = self.events.pop(pick % len(self.events))
                for _ in range(times):
                    self.deliver(event)
