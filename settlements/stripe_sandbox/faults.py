"""Faults that tests and people arm: failing, hanging and rate-limited API calls, lossy webhooks."""

import threading
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

ApiFaultKind = Literal["error", "rate_limit", "refusal", "timeout"]
WebhookFaultKind = Literal["drop", "duplicate", "delay", "reorder"]
HOLD_DEFAULT_S = 120.0
DELAY_DEFAULT_S = 5.0


Fault = TypeVar("Fault", "ApiFault", "WebhookFault")


class FaultRejected(Exception):
    """A fault description that makes no sense; the message says why."""


@dataclass(frozen=True)
class ApiFault:
    """Strike the next `times` calls whose method and path match (None matches all).

    `before`: nothing was executed. `after`: everything was committed and only the answer is lost.
    """

    kind: ApiFaultKind
    phase: Literal["before", "after"] = "before"
    times: int = 1
    method: str | None = None
    path: str | None = None
    seconds: float = HOLD_DEFAULT_S


@dataclass(frozen=True)
class WebhookFault:
    """Strike the next `times` events of these types (none named: all): drop, send twice, delay, or reorder.

    A reordered event comes right after the next one that is not, or after `seconds` when there is none.
    """

    kind: WebhookFaultKind
    times: int = 1
    types: tuple[str, ...] = ()
    seconds: float = DELAY_DEFAULT_S


@dataclass
class Faults:
    """What is armed, and the calls being held. Safe to use from any thread."""

    api: list[ApiFault] = field(default_factory=list)
    webhook: list[WebhookFault] = field(default_factory=list)
    _overtaken: list[int] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _n_held: int = 0
    _generation: int = 0

    def arm_api(self, fault: ApiFault) -> None:
        if fault.kind in ("rate_limit", "refusal") and fault.phase == "after":
            raise FaultRejected("A rate limit or refusal always strikes before anything is executed.")
        with self._changed:
            self.api.append(fault)

    def arm_webhook(self, fault: WebhookFault) -> None:
        with self._changed:
            self.webhook.append(fault)

    def take_api(self, method: str, path: str, template: str) -> ApiFault | None:
        """Return the fault that strikes this call, if any, and use it up by one.

        A fault's path is a real one (`/v1/customers/cus_1`) or a template (`/v1/customers/{customer}`).
        """
        with self._changed:
            for index, fault in enumerate(self.api):
                if fault.method in (None, method) and fault.path in (None, path, template):
                    self.api[index : index + 1] = _used_once(fault)
                    return fault
        return None

    def take_webhook(self, event_type: str) -> WebhookFault | None:
        with self._changed:
            for index, fault in enumerate(self.webhook):
                if not fault.types or event_type in fault.types:
                    self.webhook[index : index + 1] = _used_once(fault)
                    return fault
        return None

    def note_overtaken(self, delivery_id: int) -> None:
        """Remember a delivery that lets the next event go first."""
        with self._changed:
            self._overtaken.append(delivery_id)

    def take_overtaken(self) -> list[int]:
        """Return and forget the deliveries that waited for an event to go first, the latest first."""
        with self._changed:
            waiting, self._overtaken = self._overtaken[::-1], []
            return waiting

    def clear(self) -> None:
        with self._changed:
            self.api.clear()
            self.webhook.clear()
            self._overtaken.clear()
        self.release()

    def begin_hold(self) -> int:
        """Count a call as held; returns the generation that `is_released` compares with."""
        with self._changed:
            self._n_held += 1
            self._changed.notify_all()
            return self._generation

    def end_hold(self) -> None:
        with self._changed:
            self._n_held -= 1
            self._changed.notify_all()

    def is_released(self, generation: int) -> bool:
        with self._changed:
            return self._generation != generation

    def release(self) -> None:
        """Let every held call go on."""
        with self._changed:
            self._generation += 1
            self._changed.notify_all()

    def wait_until_held(self, n_calls: int, *, timeout_s: float = 10.0) -> bool:
        """Wait until `n_calls` calls are being held; False when the time runs out first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._n_held >= n_calls, timeout_s)

    def wait_until_none_held(self, *, timeout_s: float = 10.0) -> bool:
        """Wait until every held call is released, timed out or abandoned by its client."""
        with self._changed:
            return self._changed.wait_for(lambda: self._n_held == 0, timeout_s)

    def as_dict(self) -> dict[str, Any]:
        with self._changed:
            return {
                "api": [vars(fault) for fault in self.api],
                "webhooks": [vars(fault) for fault in self.webhook],
                "held": self._n_held,
            }


def _used_once(fault: Fault) -> list[Fault]:
    return [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
