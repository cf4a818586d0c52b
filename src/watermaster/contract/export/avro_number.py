"""The smallest type of Avro that carries every number which a field lets pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final, TypeAlias

from watermaster.contract.checks import FieldCheck, Range
from watermaster.contract.export.exported import AvroType
from watermaster.contract.number import integer_limits

_INT: Final = (-(2**31), 2**31 - 1)
_LONG: Final = (-(2**63), 2**63 - 1)
_DIGITS_OF_EXPONENTS: Final = 309
"""A whole number may be written with an exponent, up to the largest double: it then has so many digits."""
_EXACT: Final = Context(prec=2_000)
"""Bounds come from a contract, where a number has at most 400 characters and is no smaller than a double."""

_Extent: TypeAlias = tuple[int | None, int | None]
"""The least and the greatest number, in units of the last digit; None is open."""


@dataclass(frozen=True, slots=True)
class NumberType:
    """The type, and what it does not say of the field."""

    kind: AvroType
    left_out: tuple[str, ...]


def integer_type(check: FieldCheck, digits_max: int) -> NumberType:
    """`int`, `long`, or a decimal without fraction. `digits_max` is the contract's limit on literals."""
    extent = low, high = _whole_extent(check)
    if low is not None and high is not None:
        for name, (least, greatest) in (("int", _INT), ("long", _LONG)):
            if least <= low and high <= greatest:
                return NumberType(name, (*_beside(check, 0), *_bounds(check, extent, (least, greatest))))
    said = "without the format i64, or bounds as narrow, a whole number is carried as a decimal"
    digits = max(digits_max, _DIGITS_OF_EXPONENTS) if low is None or high is None else _digits(low, high)
    most = 10**digits - 1
    return NumberType(_decimal(digits, 0), (said, *_beside(check, 0), *_bounds(check, extent, (-most, most))))


def number_type(check: FieldCheck) -> NumberType:
    """`float`, `double`, or a decimal where the contract bounds both the size and the digits after the point."""
    unit = check.multiple_of
    scale = 0 if unit is None else _scale(unit)
    extent = low, high = _extent(check.range or Range(), scale)
    if unit is None or check.format is not None or low is None or high is None:
        kind = "float" if check.format == "f32" else "double"
        return NumberType(kind, (*_beside(check, None), *_bounds(check, extent, (None, None))))
    digits = max(scale, _digits(low, high))
    most = 10**digits - 1
    return NumberType(_decimal(digits, scale), (*_beside(check, scale), *_bounds(check, extent, (-most, most))))


def _beside(check: FieldCheck, scale: int | None) -> Iterator[str]:
    """What else is asked; `scale` is how many digits the type has after the point, None if that is open."""
    if check.enum is not None:
        yield "its listed values"
    unit = check.multiple_of
    if unit is not None and (scale is None or unit != Decimal(1).scaleb(-scale)):
        yield f"that it is a multiple of {unit}"


def _bounds(check: FieldCheck, asked: _Extent, said: _Extent) -> Iterator[str]:
    if check.range is not None and asked != said:
        yield "its bounds"


def _decimal(precision: int, scale: int) -> AvroType:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


def _digits(low: int, high: int) -> int:
    return len(str(max(abs(low), abs(high))))


def _scale(unit: Decimal) -> int:
    exponent = unit.normalize(_EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _whole_extent(check: FieldCheck) -> _Extent:
    low, high = _extent(check.range or Range(), 0)
    named = integer_limits(check.format)
    if named is None:
        return low, high
    return max(named[0], named[0] if low is None else low), min(named[1], named[1] if high is None else high)


def _extent(bounds: Range, scale: int) -> _Extent:
    return (
        _step(bounds.minimum, bounds.exclusive_minimum, scale, 1),
        _step(bounds.maximum, bounds.exclusive_maximum, scale, -1),
    )


def _step(bound: Decimal | int | None, exclusive: Decimal | int | None, scale: int, inwards: int) -> int | None:
    """The outermost number that both bounds allow, in units of ten to the minus `scale`; `inwards` is 1 from below."""
    rounding = ROUND_CEILING if inwards > 0 else ROUND_FLOOR
    found = []
    if bound is not None:
        found.append(int(_scaled(bound, scale).to_integral_value(rounding, _EXACT)))
    if exclusive is not None:
        exact = _scaled(exclusive, scale)
        nearest = int(exact.to_integral_value(rounding, _EXACT))
        found.append(nearest + inwards if nearest == exact else nearest)
    return (max if inwards > 0 else min)(found) if found else None


def _scaled(bound: Decimal | int, scale: int) -> Decimal:
    return Decimal(bound).scaleb(scale, _EXACT)
