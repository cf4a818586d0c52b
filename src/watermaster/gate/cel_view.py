"""How a document looks to CEL.

Rules see numbers as the contract declares them: `integer` is a CEL int (also where the record writes `1.0`), `number`
is a double (also where it writes `1`), so that a rule means the same for every spelling. Fields that the contract does
not declare are int or double by their spelling. Integers beyond 64 bits, which CEL does not have, are doubles.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import inf
from typing import Final, TypeAlias

from watermaster.contract.cel import CelInput
from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.contract.number import as_integer
from watermaster.gate.strict_json import Document

INT_MIN: Final = -(2**63)
UINT_MAX: Final = 2**64 - 1

ToCel: TypeAlias = Callable[[Document], CelInput]


def compile_to_cel(check: FieldCheck) -> ToCel:
    """How a document looks to CEL under one declared type; of another type it is left as it is."""
    match check.type:
        case LogicalType.NUMBER:
            return _to_double
        case LogicalType.INTEGER:
            return _to_int
        case LogicalType.OBJECT if check.properties:
            return _object_to_cel({child.name: compile_to_cel(child) for child in check.properties})
        case LogicalType.ARRAY if check.items is not None:
            return _array_to_cel(compile_to_cel(check.items))
        case LogicalType.MAP if check.map_value is not None:
            return _map_to_cel(compile_to_cel(check.map_value))
        case _:
            return as_spelled


def as_spelled(value: Document) -> CelInput:
    """What the contract does not declare: literals with a fraction or an exponent are doubles."""
    if type(value) is int:
        return value if INT_MIN <= value <= UINT_MAX else _as_double(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [as_spelled(item) for item in value]
    if isinstance(value, dict):
        return {name: as_spelled(member) for name, member in value.items()}
    return value


def _to_double(value: Document) -> CelInput:
    return _as_double(value) if type(value) is int else as_spelled(value)


def _as_double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def _to_int(value: Document) -> CelInput:
    if isinstance(value, Decimal):
        whole = as_integer(value)
        return float(value) if whole is None else as_spelled(whole)
    return as_spelled(value)


def _object_to_cel(members: dict[str, ToCel]) -> ToCel:
    def convert(value: Document) -> CelInput:
        if not isinstance(value, dict):
            return as_spelled(value)
        return {name: members.get(name, as_spelled)(member) for name, member in value.items()}

    return convert


def _array_to_cel(item: ToCel) -> ToCel:
    return lambda value: [item(each) for each in value] if isinstance(value, list) else as_spelled(value)


def _map_to_cel(member: ToCel) -> ToCel:
    def convert(value: Document) -> CelInput:
        if not isinstance(value, dict):
            return as_spelled(value)
        return {name: member(each) for name, each in value.items()}

    return convert
