"""From Avro values to what JSON carries, compiled from the schema once.

Times become RFC 3339 (an instant with `Z`, a local one without), bytes base64, decimals numbers with all their digits,
floats their own shortest digits, NaN and Infinity bare words that the judge names. A field that has a name for JSON
under `altnames` is called by it.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from watermaster.contract.avro_member import json_names

Convert: TypeAlias = Callable[[Any], Any]

_FLOAT_DIGITS: Final = (6, 7, 8, 9)
"""Nine significant digits tell any two floats of 32 bits apart."""
_NANOS: Final = 1_000_000_000


def compile_schema(schema: Any) -> Convert:  # noqa: ANN401 - a schema is any JSON value
    """The function for whole records."""
    return _Compiler().convert_of(schema)


class _Compiler:
    """Named types are compiled where they are defined and looked up when used: a schema may contain itself."""

    def __init__(self) -> None:
        self._named: dict[str, Convert] = {}

    def convert_of(self, schema: Any) -> Convert:  # noqa: ANN401 - a schema is any JSON value
        if isinstance(schema, list):
            return self._union(schema)
        if isinstance(schema, str):
            return _PLAIN.get(schema) or self._later(schema)
        return self._nested(schema) or self._logical(schema)

    def _nested(self, schema: Mapping[str, Any]) -> Convert | None:
        kind = schema["type"]
        if kind in {"record", "error"}:
            return self._record(schema)
        if kind == "array":
            item = self.convert_of(schema["items"])
            return lambda values: [item(value) for value in values]
        if kind == "map":
            member = self.convert_of(schema["values"])
            return lambda values: {name: member(value) for name, value in values.items()}
        if kind in {"enum", "fixed"}:
            self._named[schema["name"]] = leaf_text
            return leaf_text
        return None

    def _logical(self, schema: Mapping[str, Any]) -> Convert:
        logical = schema.get("logicalType")
        if logical in {"timestamp-nanos", "local-timestamp-nanos"}:
            ending = "Z" if logical == "timestamp-nanos" else ""
            return lambda value: nanoseconds_text(value, ending)
        return self.convert_of(schema["type"])

    def _later(self, name: str) -> Convert:
        def convert(value: Any) -> Any:  # noqa: ANN401 - any Avro value
            return self._named[name](value)  # a type that contains itself is not compiled yet when it is named

        return convert

    def _record(self, schema: Mapping[str, Any]) -> Convert:
        members: list[tuple[str, str, Convert]] = []

        def convert(record: Mapping[str, Any]) -> dict[str, Any]:
            return {shown: member(record[name]) for shown, name, member in members}

        self._named[schema["name"]] = convert
        members += [
            (shown, field["name"], self.convert_of(field["type"]))
            for shown, field in zip(json_names(schema["fields"]), schema["fields"], strict=True)
        ]
        return convert

    def _union(self, branches: Sequence[Any]) -> Convert:
        some = [branch for branch in branches if branch != "null"]
        converts = [self.convert_of(branch) for branch in some]
        if len(converts) == 1:
            only = converts[0]
            return lambda value: None if value is None else only(value)
        records = [
            (frozenset(field["name"] for field in branch["fields"]), convert)
            for branch, convert in zip(some, converts, strict=True)
            if isinstance(branch, dict) and branch.get("type") == "record"
        ]
        real = float_text if "float" in some and "double" not in some else leaf_text
        lists = [c for b, c in zip(some, converts, strict=True) if isinstance(b, dict) and b.get("type") == "array"]
        maps = [c for b, c in zip(some, converts, strict=True) if isinstance(b, dict) and b.get("type") == "map"]
        named = [c for b, c in zip(some, converts, strict=True) if isinstance(b, str) and b not in _PLAIN]

        def convert(value: Any) -> Any:  # noqa: ANN401 - any Avro value
            if isinstance(value, dict):
                names = value.keys()
                fitting = [record for fields, record in records if fields == names]
                return (fitting or maps or named)[0](value)
            if isinstance(value, list):
                return lists[0](value)
            return real(value)

        return convert


def leaf_text(value: Any) -> Any:  # noqa: ANN401, PLR0911 - any Avro value; one line for each kind
    """What holds no others, as the encoder takes it."""
    match value:
        case float():
            return value if math.isfinite(value) else _bare(value)
        case bytes():
            return base64.b64encode(value).decode()
        case Decimal():
            return decimal_text(value)
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case datetime() | date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return value


def float_text(value: Any) -> Any:  # noqa: ANN401 - any Avro value
    """A float of 32 bits with the shortest digits that are this float."""
    if not isinstance(value, float) or not math.isfinite(value):
        return leaf_text(value)
    for digits in _FLOAT_DIGITS:
        shorter = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", shorter) == struct.pack("<f", value):
                return shorter
        except OverflowError:  # rounded up beyond the largest float
            continue
    return value


def decimal_text(value: Decimal) -> msgspec.Raw:
    """All digits, and no exponent."""
    return msgspec.Raw(format(value, "f").encode())


def _bare(value: float) -> msgspec.Raw:
    return msgspec.Raw(b"NaN" if math.isnan(value) else b"Infinity" if value > 0 else b"-Infinity")


def nanoseconds_text(value: int, ending: str) -> str:
    """Nanoseconds since the epoch, with all their digits."""
    seconds, nanoseconds = divmod(value, _NANOS)
    return f"{datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()}.{nanoseconds:09d}{ending}"


_PLAIN: Final[Mapping[str, Convert]] = {
    **dict.fromkeys(("null", "boolean", "string"), leaf_text),
    # A logical type makes values of other kinds of them.
    **dict.fromkeys(("int", "long", "double", "bytes"), leaf_text),
    "float": float_text,
}
