"""What is asked of texts and numbers, as `logicalTypeOptions`. What cannot be said becomes a remark."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from watermaster.contract.draft import DraftOption
from watermaster.contract.ecma_pattern import Apart, differences
from watermaster.contract.importing.conjunction import Gatherer
from watermaster.contract.importing.demand import Demand
from watermaster.contract.importing.json_format import LOGICAL, WHY
from watermaster.contract.importing.schema_text import SchemaData
from watermaster.contract.number import as_integer, is_multiple
from watermaster.contract.pattern import PatternProblem, compile_pattern

Options = dict[str, DraftOption]

NUMBER_CHARACTERS_MAX: Final = 400
"""The contract's own reader takes no longer numbers."""
COUNT_MAX: Final = 2**63 - 1
"""The greatest number of CEL, and more than anything can have parts: as a maximum, what is beyond it says nothing."""
_TOO_FINE: Final = "it has more digits than a contract can keep"
_NOTHING_BETWEEN: Final = "no value keeps both"


def usable_number(value: SchemaData) -> int | Decimal | None:
    """A number as it can stand in a contract: whole ones whole. None if a double would change it."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    whole = as_integer(value) if isinstance(value, Decimal) else value
    if whole is not None:
        return whole
    is_short = len(f"{value:f}") <= NUMBER_CHARACTERS_MAX
    return value if is_short and Decimal(repr(float(value))) == value else None


def add_counts(options: Options, demand: Demand, low: str, high: str, path: str, gatherer: Gatherer) -> None:
    """The narrowest pair of a length or count; 0 as a minimum says nothing."""
    least = max(demand.counts(low), default=0)
    most = min((count for count in demand.counts(high) if count <= COUNT_MAX), default=None)
    if least > COUNT_MAX:
        gatherer.leave_out(path, low, "nothing has so many parts")
        return
    if most is not None and least > most:
        gatherer.leave_out(path, f"{low} and {high}", _NOTHING_BETWEEN)
        return
    if least > 0:
        options[low] = least
    if most is not None:
        options[high] = most


def text_options(demand: Demand, path: str, gatherer: Gatherer) -> tuple[str, Options]:
    """The logical type of a text and its options."""
    options: Options = {}
    add_counts(options, demand, "minLength", "maxLength", path, gatherer)
    pattern = _pattern(demand.words("pattern"), path, gatherer)
    if pattern is not None:
        options["pattern"] = pattern
    name = _format(demand.words("format"), path, gatherer)
    if name in LOGICAL and not options and demand.values is None:
        kind, own = LOGICAL[name]
        return kind, dict(own)
    if name is not None:
        options["format"] = name
    return "string", options


def _pattern(asked: Iterable[SchemaData], path: str, gatherer: Gatherer) -> str | None:
    chosen: str | None = None
    for pattern in dict.fromkeys(word for word in asked if isinstance(word, str)):
        if chosen is not None:
            gatherer.leave_out(path, "pattern", "a field of a contract has one pattern")
        elif is_usable_pattern(pattern, path, gatherer):
            chosen = pattern
    return chosen


def is_usable_pattern(pattern: str, path: str, gatherer: Gatherer) -> bool:
    """Whether a contract can have the pattern; what it reads differently is said."""
    try:
        compile_pattern(pattern)
    except PatternProblem as problem:
        gatherer.leave_out(path, "pattern", str(problem))
        return False
    apart = differences(pattern)
    if Apart.SPELLING in apart:
        gatherer.leave_out(path, "pattern", Apart.SPELLING.value)
        return False
    if Apart.WHITE_SPACE in apart:
        gatherer.read_otherwise(path, "pattern", Apart.WHITE_SPACE.value)
    if Apart.LINE_END in apart:
        gatherer.leave_out(path, "pattern", Apart.LINE_END.value)
    return True


def _format(asked: Iterable[SchemaData], path: str, gatherer: Gatherer) -> str | None:
    chosen: str | None = None
    for name in dict.fromkeys(word for word in asked if isinstance(word, str)):
        if name not in WHY:
            gatherer.leave_out(path, "format", f"a contract has no format {name}")
        elif chosen is not None:
            gatherer.leave_out(path, "format", "a field of a contract has one format")
        else:
            gatherer.read_otherwise(path, "format", WHY[name])
            chosen = name
    return chosen


def number_options(demand: Demand, path: str, gatherer: Gatherer) -> Options:
    """Bounds and multiples."""
    options: Options = {}
    lows, highs = _bounds(demand, "minimum", "exclusiveMinimum"), _bounds(demand, "maximum", "exclusiveMaximum")
    for word, value in (*lows, *highs):
        if usable_number(value) is None:
            gatherer.leave_out(path, word, _TOO_FINE)
    # Of an inclusive and an exclusive bound at one number, the exclusive one is the stricter.
    low = max(_usable(lows), key=lambda bound: (bound[1], bound[0] != "minimum"), default=None)
    high = min(_usable(highs), key=lambda bound: (bound[1], bound[0] == "maximum"), default=None)
    if low is not None and high is not None and _is_empty(low, high):
        gatherer.leave_out(path, f"{low[0]} and {high[0]}", _NOTHING_BETWEEN)
    else:
        options |= dict(bound for bound in (low, high) if bound is not None)
    unit = _unit(demand.words("multipleOf"), path, gatherer)
    if unit is not None:
        options["multipleOf"] = unit
    return options


_Bound = tuple[str, int | Decimal]


def _bounds(demand: Demand, inclusive: str, exclusive: str) -> list[tuple[str, SchemaData]]:
    """In draft 4 the exclusive keyword is a boolean beside the other one."""
    found: list[tuple[str, SchemaData]] = []
    for part in demand.parts:
        bound, beyond = part.words.get(inclusive), part.words.get(exclusive)
        if isinstance(beyond, bool):
            found.append((exclusive if beyond else inclusive, bound))
        else:
            found += [(inclusive, bound), (exclusive, beyond)]
    return [(word, value) for word, value in found if value is not None]


def _usable(bounds: Iterable[tuple[str, SchemaData]]) -> list[_Bound]:
    return [(word, number) for word, value in bounds if (number := usable_number(value)) is not None]


def _is_empty(low: _Bound, high: _Bound) -> bool:
    return low[1] > high[1] or (low[1] == high[1] and (low[0], high[0]) != ("minimum", "maximum"))


def _unit(asked: Iterable[SchemaData], path: str, gatherer: Gatherer) -> int | Decimal | None:
    chosen: int | Decimal | None = None
    for value in asked:
        unit = usable_number(value)
        if unit is None:
            gatherer.leave_out(path, "multipleOf", _TOO_FINE)
        elif chosen is None or is_multiple(unit, Decimal(chosen)):
            chosen = unit  # every multiple of it is one of the other
        elif not is_multiple(chosen, Decimal(unit)):
            gatherer.leave_out(path, "multipleOf", "a field of a contract has one unit")
    return chosen
