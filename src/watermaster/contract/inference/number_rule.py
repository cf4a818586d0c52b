"""What may be asked of the numbers of one field."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from watermaster.contract.draft import DraftScalar
from watermaster.contract.inference.evidence import CLOCK_MIN, FORMAT_MIN, RANGE_MIN, WHOLE_MIN
from watermaster.contract.inference.moments import CLOCK_MAX, epoch_of
from watermaster.contract.inference.naming import natural_bounds, says_time, unit_of
from watermaster.contract.inference.number_summary import NumberSummary

_NEAR_ZERO: Final = Decimal("0.05")
"""Numbers that come so near to zero, measured by their span, and never cross it, have a reason not to."""
_EXACT_MAX: Final = 10**15
"""Larger bounds are not written: whoever reads the contract as doubles would see others."""
_HOUR: Final = 100


@dataclass(frozen=True, slots=True)
class NumberRule:
    """Logical type (None: not a number that every reader keeps), options, and what to tell people."""

    logical_type: str | None
    options: dict[str, DraftScalar] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    clock: bool = False
    """The numbers are HHMM, so that minutes beyond 59 are no times."""


def number_rule(name: str, numbers: NumberSummary, *, sensitive: bool) -> NumberRule:
    """The strictest rule with enough evidence. Bounds of sensitive numbers are the world's, never those seen."""
    kind = _kind(numbers)
    if kind is None:
        return NumberRule(None, remarks=("numbers that a double does not keep",))
    unit = unit_of(name)
    remarks = (f"unit by its name: {unit}",) if unit else ()
    if _is_clock(name, numbers):
        return NumberRule(kind, {"minimum": 0, "maximum": CLOCK_MAX}, (*remarks, "a time of day as HHMM"), clock=True)
    if kind == "integer" and says_time(name) and numbers.count >= FORMAT_MIN:
        epoch = epoch_of(int(numbers.minimum), int(numbers.maximum))
        if epoch is not None:
            said = f"{epoch[0]} since 1970, told by the magnitude"
            return NumberRule(kind, {"minimum": epoch[1], "maximum": epoch[2]}, (*remarks, said))
    bounds = natural_bounds(name)
    if bounds is not None and bounds[0] <= numbers.minimum and numbers.maximum <= bounds[1]:
        options = {"minimum": bounds[0], "maximum": bounds[1]} if numbers.count >= WHOLE_MIN else {}
        return NumberRule(kind, dict(options), (*remarks, "bounds by its name"))
    if sensitive:
        return NumberRule(kind, {}, remarks)
    widened = _widened(numbers)
    seen = f"seen {numbers.minimum:,} to {numbers.maximum:,}"
    return NumberRule(kind, widened, (*remarks, f"{seen}; the range is wider") if widened else remarks)


def _kind(numbers: NumberSummary) -> str | None:
    # Integers of any size are kept exactly; only what is called a number is read as a double.
    if numbers.whole and (numbers.count >= WHOLE_MIN or (numbers.unfit and numbers.spelled == 0)):
        return "integer"
    return None if numbers.unfit else "number"


def _is_clock(name: str, numbers: NumberSummary) -> bool:
    spread = numbers.maximum >= 10 * _HOUR and numbers.minimum < 20 * _HOUR
    return numbers.clock and numbers.count >= CLOCK_MIN and spread and says_time(name) and not numbers.growing


def _widened(numbers: NumberSummary) -> dict[str, DraftScalar]:
    """What was seen and as much again on either side, rounded outwards; zero stays a bound where it is one."""
    low, high = Decimal(numbers.minimum), Decimal(numbers.maximum)
    span = high - low
    if numbers.count < RANGE_MIN or not span or max(abs(low), abs(high)) >= _EXACT_MAX:
        return {}
    found: dict[str, DraftScalar] = {}
    if low >= 0 and (numbers.growing or low <= span * _NEAR_ZERO):
        found["minimum"] = 0
    elif not numbers.growing:
        found["minimum"] = _rounded(low - span, span, ROUND_FLOOR)
    if not numbers.growing:
        # Below zero and near it, zero is the upper bound.
        found["maximum"] = 0 if high <= 0 and -high <= span * _NEAR_ZERO else _rounded(high + span, span, ROUND_CEILING)
    return found


def _rounded(value: Decimal, span: Decimal, rounding: str) -> DraftScalar:
    unit = Decimal(1).scaleb(span.adjusted())
    rounded = (value / unit).to_integral_value(rounding=rounding) * unit
    return int(rounded) if rounded == rounded.to_integral_value() else rounded.normalize()
