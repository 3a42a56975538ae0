"""Check and convert parameters against the stripe SDK's own typed definitions.

The TypedDicts of `stripe.params` name every parameter of the pinned API version, nested ones
too, which are required, and the values of each enumeration.
"""

import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from stripe._request_options import RequestOptions

from .errors import StripeError

_SDK_OPTIONS = frozenset(RequestOptions.__annotations__)
_SDK_NAMES = {"StripeContext": str, "Mapping": Mapping}


@cache
def fields_of(definition: type) -> dict[str, Any]:
    """Return the wire parameters of an SDK TypedDict: name → type (SDK call options left out)."""
    hints = get_type_hints(definition, localns=_SDK_NAMES)
    return {name: hint for name, hint in hints.items() if name not in _SDK_OPTIONS}


def check(params: dict[str, Any], definition: type, *, prefix: str = "") -> dict[str, Any]:
    """Return `params` with typed values; raises StripeError on an unknown, missing or ill-typed one."""
    fields = fields_of(definition)
    unknown = [_named(prefix, name) for name in params if name not in fields]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise StripeError(
            f"Received unknown parameter{plural}: {', '.join(unknown)}",
            code="parameter_unknown",
            param=unknown[0],
        )
    required: frozenset[str] = definition.__required_keys__  # type: ignore[attr-defined]  # a TypedDict
    for name in fields:
        if name in required and name not in params:
            missing = _named(prefix, name)
            raise StripeError(f"Missing required param: {missing}.", code="parameter_missing", param=missing)
    return {name: _convert(value, fields[name], _named(prefix, name)) for name, value in params.items()}


def _named(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def _alternatives(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [part for option in get_args(hint) for part in _alternatives(option)]
    return [hint]


def _is_typed_dict(hint: Any) -> bool:
    return isinstance(hint, type) and hasattr(hint, "__required_keys__")


def _convert(value: Any, hint: Any, name: str) -> Any:
    options = _alternatives(hint)
    if isinstance(value, dict):
        return _convert_nested(value, options, name)
    return _convert_scalar(value, options, name)


def _convert_nested(value: dict[str, Any], options: list[Any], name: str) -> Any:
    for option in options:
        if _is_typed_dict(option):
            return check(value, option, prefix=name)
        if get_origin(option) is dict:
            (_, of_values) = get_args(option)
            return {key: _convert(item, of_values, _named(name, key)) for key, item in value.items()}
        if get_origin(option) is list:
            return _convert_list(value, get_args(option)[0], name)
    raise StripeError(f"Invalid string: {value}", param=name)


def _convert_list(value: dict[str, Any], of_items: Any, name: str) -> list[Any]:
    if not all(key.isdecimal() for key in value):
        raise StripeError("Invalid array", param=name)
    ordered = sorted(value.items(), key=lambda item: int(item[0]))
    return [_convert(item, of_items, _named(name, key)) for key, item in ordered]


def _convert_scalar(value: str, options: list[Any], name: str) -> Any:
    literals = [choice for option in options if get_origin(option) is Literal for choice in get_args(option)]
    choices = [choice for choice in literals if choice != ""]
    if value in literals:
        return value
    if value == "" and str not in options:
        raise StripeError(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
            f"parameter; however '{name}' cannot be unset. You should remove '{name}' from your request or "
            "supply a non-empty value.",
            code="parameter_invalid_empty",
            param=name,
        )
    if bool in options and value in ("true", "false"):
        return value == "true"
    if choices:
        # An enumeration: the `str` beside it in the SDK only keeps old SDKs open to new values.
        raise StripeError(f"Invalid {name}: must be one of {_spoken(choices)}", param=name)
    if str in options:
        return value
    if int in options:
        return _integer(value, name)
    raise _scalar_error(value, options, name)


def _integer(value: str, name: str) -> int:
    # 2**63 - 1 has 19 digits; anything longer is no amount, limit or instant.
    if not value.removeprefix("-").isdecimal() or not value.isascii() or len(value) > 19:
        raise StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def _scalar_error(value: str, options: list[Any], name: str) -> StripeError:
    if bool in options:
        return StripeError(f"Invalid boolean: {value}", param=name)
    if any(get_origin(option) is list for option in options):
        return StripeError("Invalid array", param=name)
    return StripeError("Invalid object", param=name)


def _spoken(choices: list[str]) -> str:
    if len(choices) < 3:
        return " or ".join(choices)
    return ", ".join(choices[:-1]) + f", or {choices[-1]}"
