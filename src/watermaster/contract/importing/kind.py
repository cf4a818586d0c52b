"""Kinds of JSON value, as sets: what `type`, `enum` and `const` leave possible."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, TypeAlias

from watermaster.contract.importing.schema_text import SchemaData
from watermaster.contract.number import as_integer

Kinds: TypeAlias = frozenset[str]

NULL: Final[Kinds] = frozenset({"null"})
NUMBER: Final[Kinds] = frozenset({"integer", "fraction"})
"""Every number is one of the two; 1.0 is an integer, as in every draft from 6 on and in contracts."""
ALL: Final[Kinds] = frozenset({"null", "boolean", "string", "array", "object"}) | NUMBER


def kinds_of_type(value: SchemaData) -> Kinds:
    """What the keyword `type` allows."""
    names = value if isinstance(value, list) else [value]
    return frozenset().union(*(NUMBER if name == "number" else {str(name)} for name in names))


def kind_of(value: SchemaData) -> str:  # noqa: PLR0911 - a case for each kind
    """The kind of one value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case Decimal() if as_integer(value) is None:
            return "fraction"
        case _:
            return "integer"


def kinds_of_values(values: Iterable[SchemaData]) -> Kinds:
    """The kinds of listed values."""
    return frozenset(map(kind_of, values))


def identity(value: SchemaData) -> object:
    """Equal for values that are the same in JSON: 1 is 1.0, true is not 1, members have no order."""
    if isinstance(value, list):
        return ("array", *map(identity, value))
    if isinstance(value, dict):
        return ("object", frozenset((name, identity(member)) for name, member in value.items()))
    return (isinstance(value, bool), value)


def common_values(first: list[SchemaData] | None, second: list[SchemaData]) -> list[SchemaData]:
    """What stands in both lists, each once; a list that is None holds everything."""
    known = {identity(value): value for value in second}
    if first is None:
        return list(known.values())
    return [value for value in first if identity(value) in known]
