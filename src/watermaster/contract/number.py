"""Exact arithmetic on JSON numbers: int for literals without fraction and exponent, Decimal for all others."""

from __future__ import annotations

from decimal import Context, Decimal, DecimalException, InvalidOperation
from typing import Final

INTEGER_DIGITS_MAX: Final = 400
"""Longer integer literals are a denial of service (conversion is quadratic), and beyond every float."""

_CONTEXT: Final = Context(traps=[InvalidOperation])
"""Our own: the process-wide one may have been changed by anyone."""
_SAFE: Final = Context(prec=15, traps=[])
"""Fifteen significant digits always survive the way through a double and back."""
_SAFE_INTEGER: Final = 10**15
_SAFE_EXPONENT: Final = 290
_DOUBLE_DIGITS_MAX: Final = 767
"""No double has more significant digits in its exact decimal expansion."""
_DOUBLE_EXPONENT_MAX: Final = 308


class NumberBeyondRange(ValueError):
    """The literal is beyond the range of a double or has too many digits."""


def read_fraction(literal: str) -> Decimal:
    """A literal with a fraction or an exponent, exactly."""
    try:
        value = Decimal(literal, _CONTEXT)
    except DecimalException:  # an exponent of nineteen digits and more
        raise NumberBeyondRange from None
    if value.adjusted() >= _DOUBLE_EXPONENT_MAX and value and float(value) in (float("inf"), float("-inf")):
        raise NumberBeyondRange
    return value


def read_integer(literal: str, digits_max: int = INTEGER_DIGITS_MAX) -> int:
    """A literal of digits with an optional minus."""
    if len(literal) > digits_max and len(literal.lstrip("-")) > digits_max:
        raise NumberBeyondRange
    return int(literal)


def as_integer(value: Decimal) -> int | None:
    """The integer that a number such as `1.0` or `1e2` is; None if it has a fraction."""
    if value.adjusted() > _DOUBLE_EXPONENT_MAX or value != value.to_integral_value(context=_WIDE):
        return None
    return int(value)


_WIDE: Final = Context(prec=_DOUBLE_EXPONENT_MAX + 10, traps=[])


def loses_precision(value: int | Decimal) -> bool:
    """Whether the nearest double no longer says what the literal says.

    It does if the double, written with as many significant digits as the literal, gives the literal again. So `0.1`
    and the `0.10000000000000001` of C's `%.17g` keep everything, and `1.00000000000000000001` and 2^53+1 do not. Its
    shortest text keeps everything, too.
    """
    return not surely_double(value) and _loses(Decimal(value))


def surely_double(value: int | Decimal) -> bool:
    """Whether a double surely keeps the number: few digits, no extreme exponent."""
    if isinstance(value, int):
        return -_SAFE_INTEGER < value < _SAFE_INTEGER
    return -_SAFE_EXPONENT < value.adjusted() < _SAFE_EXPONENT and _SAFE.plus(value) == value


def _loses(value: Decimal) -> bool:
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    if not digits:
        return False
    if len(digits) > _DOUBLE_DIGITS_MAX:
        return True
    double = float(value)
    # Where two texts of so many digits are equally near, programs write the one or the other.
    return Decimal(f"{double:.{len(digits) - 1}e}") != value and Decimal(repr(double)) != value


def integer_limits(name: str | None) -> tuple[int, int] | None:
    """The least and the greatest number of an integer format (`i8` … `u128`), None for any other name."""
    if name is None or name[:1] not in "iu" or not name[1:].isdigit():
        return None
    bits = int(name[1:])
    return (0, 2**bits - 1) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def is_multiple(value: int | Decimal, unit: Decimal) -> bool:
    """Whether `value` is an exact multiple of `unit` (positive); 0.07 is one of 0.01."""
    significand, exponent = _scaled(Decimal(value))
    unit_significand, unit_exponent = _scaled(unit)
    if significand == 0:
        return True
    if exponent < unit_exponent:
        return False  # the last digit of `value` is finer than every multiple of `unit` can be
    # Bounded: |value| is below 1e309 or has at most INTEGER_DIGITS_MAX digits, and `unit` comes from the contract.
    return bool(significand * 10 ** (exponent - unit_exponent) % unit_significand == 0)


def _scaled(value: Decimal) -> tuple[int, int]:
    """Significand without trailing zeros, and exponent: `1.50` is (15, -1)."""
    _, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits))
    stripped = text.rstrip("0")
    if not stripped or not isinstance(exponent, int):
        return 0, 0
    if len(stripped) > _SIGNIFICAND_DIGITS_MAX:
        # Python refuses to convert more; no such number is a multiple of anything that a contract can write.
        return 1, -(10**9)
    return int(stripped), exponent + len(text) - len(stripped)


_SIGNIFICAND_DIGITS_MAX: Final = 4000
