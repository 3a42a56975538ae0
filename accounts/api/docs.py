"""The API's manual as a page: drawn from the same schema that programs read, so that it cannot fall behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator


@dataclass(frozen=True, slots=True)
class DocumentedField:
    """A field of a body or a parameter in words."""

    name: str
    kind: str
    is_required: bool
    about: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked of the API."""

    method: str
    path: str
    about: str
    sends: tuple[DocumentedField, ...]
    answers: tuple[DocumentedField, ...]


@require_GET
def api_docs(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/api_docs.html", {"operations": _operations()})


@cache
def _operations() -> tuple[Operation, ...]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    components = schema["components"]["schemas"]
    return tuple(
        Operation(
            method=method.upper(),
            path=path,
            about=operation.get("description", ""),
            sends=tuple(_sent(operation, components)),
            answers=tuple(_answered(operation, components)),
        )
        for path, operations in schema["paths"].items()
        if path != "/api/v1/schema/"
        for method, operation in operations.items()
    )


def _sent(operation: Mapping[str, Any], components: Mapping[str, Any]) -> Iterator[DocumentedField]:
    for parameter in operation.get("parameters", ()):
        yield DocumentedField(
            name=parameter["name"],
            kind=f"{parameter['in']}, {_kind(parameter['schema'], components)}",
            is_required=parameter.get("required", False),
            about=parameter.get("description", ""),
        )
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        yield from _fields(content["application/json"]["schema"], components)


def _answered(operation: Mapping[str, Any], components: Mapping[str, Any]) -> Iterator[DocumentedField]:
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if status.startswith("2") and "application/json" in content:
            yield from _fields(content["application/json"]["schema"], components)


def _fields(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Iterator[DocumentedField]:
    """Yield the fields of an object, or of the objects in a list or a page of them."""
    schema = _resolved(schema, components)
    if "items" in schema:
        schema = _resolved(schema["items"], components)
    elif "results" in schema.get("properties", {}):
        schema = _resolved(schema["properties"]["results"]["items"], components)
    for name, field in schema.get("properties", {}).items():
        yield DocumentedField(
            name=name,
            kind=_kind(field, components),
            is_required=name in schema.get("required", ()),
            about=field.get("description", ""),
        )


def _kind(schema: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    schema = _resolved(schema, components)
    for many in ("oneOf", "anyOf", "allOf"):
        if many in schema:
            return " or ".join(_kind(part, components) for part in schema[many])
    if "enum" in schema:
        return ", ".join(f"“{value}”" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'], components)}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _resolved(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return schema
