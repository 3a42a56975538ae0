"""Decode Stripe's form encoding: `a[b][0]=x` becomes {"a": {"b": {"0": "x"}}}.

Whether `{"0": …}` means a list or a hash is for the schema to say (a metadata key may be "0").
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from .errors import StripeError

MAX_FIELDS = 1000
MAX_DEPTH = 10
_KEY = re.compile(r"^(?P<head>[^\[\]]+)(?P<rest>(\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")

Params = dict[str, Any]


def decode(encoded: str) -> Params:
    """Return the nested parameters of a query string or body; raises StripeError on a malformed one."""
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise StripeError(f"Invalid request body: {error}") from error
    params: Params = {}
    for key, value in pairs:
        _place(params, key, value)
    return params


def _place(params: Params, key: str, value: str) -> None:
    match = _KEY.match(key)
    if match is None:
        raise StripeError(f"Invalid parameter name: {key}", code="parameter_unknown", param=key)
    path = [match["head"], *_PART.findall(match["rest"])]
    if len(path) > MAX_DEPTH:
        raise StripeError(f"Parameter nested too deeply: {key}", param=path[0])
    node = params
    for part in path[:-1]:
        child = node.setdefault(_slot(node, part), {})
        if not isinstance(child, dict):
            raise StripeError(f"Invalid parameter: {key} is both a value and an object", param=path[0])
        node = child
    last = _slot(node, path[-1])
    if isinstance(node.get(last), dict):
        raise StripeError(f"Invalid parameter: {key} is both a value and an object", param=path[0])
    node[last] = value


def _slot(node: Params, part: str) -> str:
    return part if part else str(len(node))
