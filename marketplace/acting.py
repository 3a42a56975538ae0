"""Who or what is at work on this thread, told to the database for the audit trail (marketplace/audit.py).

The triggers read a setting of the transaction. It is set with a transaction's first write and again when somebody else
goes on, never beyond the transaction: so nothing of it is left on a connection that goes back to a pool. pghistory's
own context sets it with every statement instead, which made a bid take a third longer.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

WRITES = ("insert", "update", "delete", "with", "merge")
TELL = "SELECT set_config('pghistory.context_metadata', %s, true), set_config('pgtrigger.ignore', '{}', true)"
"""Which triggers to ignore: none. Left unsaid, each fired trigger finds that out by an error it catches, and Postgres
then looks through every check that waits for the commit: a thousand rows in one transaction cost a million looks."""
SECRET_PARTS = frozenset({"token", "key", "code"})
"""Parts of an address that let people in; the trail keeps the address's pattern instead."""

P = ParamSpec("P")
R = TypeVar("R")
_here = threading.local()


@contextmanager
def acting(**who: object) -> Iterator[None]:
    """Record the changes within as made by ``who``, such as ``job="settlements.charge"``."""
    before = getattr(_here, "who", None)
    _here.who = {**(before or {}), **who}
    try:
        if before is None:
            with connection.execute_wrapper(_tell_first):
                yield
        else:
            yield
    finally:
        _here.who = before


def also_acting(**who: object) -> None:
    """Say more about who is at work, until the ``acting`` around it ends; nothing without one."""
    if getattr(_here, "who", None) is not None:
        _here.who = {**_here.who, **who}


def acts_as(**who: object) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have a function's changes recorded as made by ``who``."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def recorded(*args: P.args, **kwargs: P.kwargs) -> R:
            with acting(**who):
                return function(*args, **kwargs)

        return recorded

    return decorate


class ActingMiddleware:
    """Records the person and the address of a request with every change that it makes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting(**({"user": request.user.pk} if request.user.is_authenticated else {})):
            return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: object) -> None:
        """Add the address once it is known which parts of it are secret."""
        match = request.resolver_match
        assert match is not None
        is_secret = not SECRET_PARTS.isdisjoint(match.kwargs)
        also_acting(url=f"/{match.route}" if is_secret else request.path)


class _Told:
    """What a transaction was told last. A hook that does nothing, as hooks go where the setting goes: with the
    transaction, and with a savepoint that is rolled back."""

    def __init__(self, who: str) -> None:
        self.who = who

    def __call__(self) -> None:
        return


def _tell_first(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Tell the transaction who is at work before it writes; a statement on its own gets a transaction for that."""
    if not isinstance(sql, str) or not sql.lstrip()[:6].lower().startswith(WRITES):
        return execute(sql, params, many, context)
    who = json.dumps(_here.who)
    if not context["connection"].in_atomic_block:
        with transaction.atomic(using=context["connection"].alias):
            _tell(who, execute, context)
            return execute(sql, params, many, context)
    _tell(who, execute, context)
    return execute(sql, params, many, context)


def _tell(who: str, execute: Callable[..., Any], context: dict[str, Any]) -> None:
    hooks = (hook for _, hook, _ in reversed(context["connection"].run_on_commit))
    told = next((hook for hook in hooks if isinstance(hook, _Told)), None)
    if told is None or told.who != who:
        execute(TELL, (who,), False, context)
        context["connection"].on_commit(_Told(who))
