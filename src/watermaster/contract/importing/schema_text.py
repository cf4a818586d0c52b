"""The text of a schema as JSON data: one reading, under limits, numbers exact."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final, NoReturn, TypeAlias

from watermaster.contract.importing.imported import Unimportable
from watermaster.contract.number import NumberBeyondRange, read_fraction, read_integer
from watermaster.contract.problem import ProblemCode, quoted

SchemaData: TypeAlias = dict[str, "SchemaData"] | list["SchemaData"] | str | int | Decimal | bool | None

SCHEMA_BYTES_MAX: Final = 8 * 1024 * 1024
"""A contract has at most 900 kB; a schema says the same at greater length."""
DEPTH_MAX: Final = 200
"""Of arrays and objects, which is some sixty levels of a record; validators of schemas end at a few thousand."""


def read_schema_text(data: bytes) -> SchemaData:
    """The data of one JSON document. Raises `Unimportable`."""
    if len(data) > SCHEMA_BYTES_MAX:
        message = f"the schema is larger than {SCHEMA_BYTES_MAX} bytes"
        raise Unimportable(ProblemCode.IMPORT_SIZE, message, "Import the part that describes the records.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _no_json("it is not UTF-8") from None
    try:
        value: SchemaData = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _no_json(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except NumberBeyondRange:
        raise _no_json("it has a number that no 64-bit floating point can hold") from None
    except RecursionError:
        raise _too_deep() from None
    _look_through(value)
    return value


def _no_json(why: str) -> Unimportable:
    hint = "JSON Schemas and Avro schemas (.avsc) are imported, both written as JSON in UTF-8."
    return Unimportable(ProblemCode.IMPORT_JSON, f"the schema is not JSON: {why}", hint)


def _too_deep() -> Unimportable:
    message = f"the schema nests deeper than {DEPTH_MAX} levels"
    return Unimportable(ProblemCode.IMPORT_DEPTH, message, "Name its parts and refer to them.")


def _members(pairs: list[tuple[str, SchemaData]]) -> dict[str, SchemaData]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _no_json(f"the key {quoted(twice)} is given twice, and readers disagree on which one counts")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise _no_json(f"{name} is no number of JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=read_fraction, parse_int=read_integer, parse_constant=_refuse_constant
)


def _look_through(root: SchemaData) -> None:
    """Refuse what is too deep, and halves of surrogate pairs, which no contract can be written with."""
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > DEPTH_MAX:
            raise _too_deep()
        below: list[SchemaData] = []
        for value in level:
            match value:
                case dict():
                    below += [*value, *value.values()]
                case list():
                    below += value
                case str() if any("\ud800" <= character <= "\udfff" for character in value):
                    raise _no_json("a text holds half of a surrogate pair")
        level = below
