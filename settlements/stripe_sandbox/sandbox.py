"""The sandbox as one object: state, faults and the delivery loop, shared by API, pages and control."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import clock
from .api import Call
from .delivery import DeliveryLoop
from .faults import Faults
from .store import Store
from .webhooks import RETRY_BASE_S, Plan

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


class SettingsRejected(Exception):
    """The sandbox will not start like this; the message says why."""


@dataclass(frozen=True)
class Settings:
    """How to run. `api_key` None: any `sk_test_…` key is taken. `webhook_url` None: no webhooks."""

    state: str
    base_url: str
    webhook_url: str | None = None
    webhook_secret: str = "whsec_sandbox"  # noqa: S105  # a default for a server without real money
    api_key: str | None = None
    retry_base_s: float = RETRY_BASE_S

    def __post_init__(self) -> None:
        if self.webhook_url is not None:
            target = urlsplit(self.webhook_url)
            if target.scheme != "http" or target.hostname not in LOOPBACK_HOSTS:
                raise SettingsRejected(
                    f"Webhooks go to this machine only (http://127.0.0.1:…), not to {self.webhook_url}."
                )
        if self.api_key is not None and not self.api_key.startswith("sk_test_"):
            raise SettingsRejected("The API key must be a test key: sk_test_….")


class Sandbox:
    """Everything one running sandbox holds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.state)
        self.faults = Faults()
        self.plan = Plan(
            settings.webhook_url, settings.webhook_secret, self.faults, retry_base_s=settings.retry_base_s
        )
        self.delivery = DeliveryLoop(self.store, self.plan)

    def start(self) -> None:
        self.delivery.start()

    def stop(self) -> None:
        self.faults.release()
        self.delivery.stop()
        self.store.close()

    @contextmanager
    def serving(
        self,
        *,
        params: dict[str, Any] | None = None,
        path: dict[str, str] | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Iterator[Call]:
        """Run one call in a transaction of its own, then let its webhooks out."""
        with self.store.transaction():
            yield Call(
                store=self.store,
                base_url=self.settings.base_url,
                webhook_plan=self.plan,
                params=params or {},
                path=path or {},
                request_id=request_id,
                idempotency_key=idempotency_key,
                now_s=clock.now_s() + self.store.ahead_s(),
            )
        self.delivery.wake()

    def reset(self) -> None:
        """Forget everything: objects, keys, queued webhooks, armed faults."""
        self.faults.clear()
        with self.store.transaction():
            self.store.clear()
