"""Dates, times and timestamps in text: read strictly, to the nanosecond, into one comparable integer.

A `TemporalForm` says how a value is written; `default_form` gives RFC 3339 / ISO 8601 and `contract.jdk_format`
compiles a JDK DateTimeFormatter pattern into one. `parse_temporal` gives

- DATE: days since 1970-01-01;
- TIME: nanoseconds since midnight, less the offset if the text carries one;
- TIMESTAMP: nanoseconds since 1970-01-01T00:00:00Z, local ones read at the form's `default_offset_s`;

or the reason why the text is none. Python's own parsers are not used: they cut nanoseconds to microseconds, and
accept what other languages refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import lru_cache

TEMPORAL_CHARACTERS_MAX = 100
"""No judged form is written longer; a longer text is refused before any matching."""
YEAR_MIN, YEAR_MAX = 1, 9999
"""RFC 3339 has four digits; a year 0 or 10000 is a broken producer, and no two libraries agree on it."""
OFFSET_SECONDS_MAX = 18 * 3600
"""Bound of `java.time.ZoneOffset`; the widest offset in use is +14:00."""

MONTHS_LONG = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MONTHS_SHORT = tuple(name[:3] for name in MONTHS_LONG)

_NS = 1_000_000_000
_NS_DIGITS = 9
_NOON = 12
_HOURS = 24
_SIXTY = 60
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class TemporalKind(Enum):
    """What a temporal value is."""

    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"


class TemporalReason(Enum):
    """Why a text is not the date, timestamp or time that it should be. Values are stable reason codes."""

    SHAPE = "temporal.shape"
    """Not written in the form that the contract asks."""
    YEAR = "temporal.year"
    """Year 0, or beyond 9999."""
    NO_SUCH_DAY = "temporal.no_such_day"
    """A month or day that the calendar lacks, such as 30 February."""
    HOUR = "temporal.hour"
    """Hour 24 and beyond: midnight is 00:00 of the next day."""
    MINUTE = "temporal.minute"
    """Minute 60 and beyond."""
    SECOND = "temporal.second"
    """Second 60 and beyond: leap seconds cannot be ordered by POSIX time."""
    PRECISION = "temporal.precision"
    """Finer than nanoseconds: it would have to be cut, and cutting silently is forbidden."""
    OFFSET = "temporal.offset"
    """An offset beyond 18 hours, or with minutes or seconds beyond 59."""
    OFFSET_MISSING = "temporal.offset_missing"
    """The contract asks for an offset (`timezone: true`) and there is none."""
    OFFSET_UNEXPECTED = "temporal.offset_unexpected"
    """The contract asks for local time (`timezone: false`) and there is an offset."""


class TemporalField(Enum):
    """What one group of a form's pattern holds."""

    YEAR = "year"
    YEAR_OF_CENTURY = "year of century"
    """Two digits, from 2000 to 2099 as in the JDK."""
    MONTH = "month"
    MONTH_SHORT = "month name, three letters"
    MONTH_LONG = "month name"
    DAY = "day"
    HOUR = "hour"
    HOUR_OF_HALF_DAY = "hour of half day"
    HALF_DAY = "half day"
    MINUTE = "minute"
    SECOND = "second"
    FRACTION = "fraction"
    OFFSET = "offset"


@dataclass(frozen=True, slots=True)
class TemporalForm:
    """How values of one kind are written: a pattern with bounded quantifiers only, and the meaning of its groups.

    `offset`: True must be there, False must not, None either. `default_offset_s` is where local times are taken to
    be; `text` is what to show to people.
    """

    kind: TemporalKind
    text: str
    pattern: str
    fields: tuple[TemporalField, ...]
    offset: bool | None = None
    default_offset_s: int = 0


_DATE = "([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,70}))?(Z|z|[+-][0-9]{2}:[0-9]{2})?"
_DATE_FIELDS = (TemporalField.YEAR, TemporalField.MONTH, TemporalField.DAY)
_TIME_FIELDS = (
    TemporalField.HOUR,
    TemporalField.MINUTE,
    TemporalField.SECOND,
    TemporalField.FRACTION,
    TemporalField.OFFSET,
)


def default_form(kind: TemporalKind, *, offset: bool | None = None, default_offset_s: int = 0) -> TemporalForm:
    """RFC 3339 / ISO 8601 extended: `2024-02-29`, `23:59:59.123456789+02:00`, or both with a `T` between them.

    Seconds are due, the fraction is free up to nanoseconds, `Z` and `T` may be small (RFC 3339, 5.6). A blank in
    place of the `T` is an agreement between parties and so is refused: a contract can agree on it with a format.
    """
    match kind:
        case TemporalKind.DATE:
            return TemporalForm(kind, "ISO 8601 date", _DATE, _DATE_FIELDS)
        case TemporalKind.TIME:
            return TemporalForm(kind, "RFC 3339 time", _TIME, _TIME_FIELDS, offset, default_offset_s)
        case TemporalKind.TIMESTAMP:
            pattern = f"{_DATE}[Tt]{_TIME}"
            fields = _DATE_FIELDS + _TIME_FIELDS
            return TemporalForm(kind, "RFC 3339 timestamp", pattern, fields, offset, default_offset_s)


def parse_temporal(text: str, form: TemporalForm) -> int | TemporalReason:
    """Days or nanoseconds (see the module), or why `text` is not written in `form` or does not exist. Never raises."""
    return temporal_parser(form)(text)


@lru_cache(maxsize=1024)
def temporal_parser(form: TemporalForm) -> Callable[[str], int | TemporalReason]:
    """`parse_temporal` with the form's pattern compiled once, for loops over records."""
    match_whole = re.compile(form.pattern, re.ASCII).fullmatch

    def parse(text: str) -> int | TemporalReason:
        found = match_whole(text) if len(text) <= TEMPORAL_CHARACTERS_MAX else None
        if found is None:
            return TemporalReason.SHAPE
        parts = _collect(form.fields, found.groups())
        return TemporalReason.SHAPE if parts is None else _value(form, parts)

    return parse


def _collect(fields: tuple[TemporalField, ...], groups: tuple[str | None, ...]) -> dict[TemporalField, str] | None:
    """The text of each field that is there; None if an optional repetition of a field contradicts the first."""
    parts: dict[TemporalField, str] = {}
    for name, text in zip(fields, groups, strict=True):
        if text is not None and parts.setdefault(name, text) != text:
            return None
    return parts


def _value(form: TemporalForm, parts: dict[TemporalField, str]) -> int | TemporalReason:
    if form.kind is TemporalKind.DATE:
        return _day(parts)
    offset = _offset(form, parts.get(TemporalField.OFFSET))
    if isinstance(offset, TemporalReason):
        return offset
    clock = _clock(parts)
    if isinstance(clock, TemporalReason):
        return clock
    if form.kind is TemporalKind.TIME:
        return clock - offset * _NS
    day = _day(parts)
    if isinstance(day, TemporalReason):
        return day
    return (day * 86_400 - offset) * _NS + clock


def _day(parts: dict[TemporalField, str]) -> int | TemporalReason:
    year = _year(parts)
    if not YEAR_MIN <= year <= YEAR_MAX:
        return TemporalReason.YEAR
    try:
        return date(year, _month(parts), int(parts[TemporalField.DAY])).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        return TemporalReason.NO_SUCH_DAY


def _year(parts: dict[TemporalField, str]) -> int:
    short = parts.get(TemporalField.YEAR_OF_CENTURY)
    return int(parts[TemporalField.YEAR]) if short is None else 2000 + int(short)


def _month(parts: dict[TemporalField, str]) -> int:
    if (name := parts.get(TemporalField.MONTH_SHORT)) is not None:
        return 1 + MONTHS_SHORT.index(name)
    if (name := parts.get(TemporalField.MONTH_LONG)) is not None:
        return 1 + MONTHS_LONG.index(name)
    return int(parts[TemporalField.MONTH])


def _clock(parts: dict[TemporalField, str]) -> int | TemporalReason:
    hour = _hour(parts)
    if hour >= _HOURS:
        return TemporalReason.HOUR
    minute = int(parts.get(TemporalField.MINUTE, "0"))
    if minute >= _SIXTY:
        return TemporalReason.MINUTE
    second = int(parts.get(TemporalField.SECOND, "0"))
    if second >= _SIXTY:
        return TemporalReason.SECOND
    fraction = parts.get(TemporalField.FRACTION, "0")
    if len(fraction) > _NS_DIGITS:
        return TemporalReason.PRECISION
    return (hour * 3600 + minute * 60 + second) * _NS + int(fraction.ljust(_NS_DIGITS, "0"))


def _hour(parts: dict[TemporalField, str]) -> int:
    half = parts.get(TemporalField.HALF_DAY)
    if half is None:
        return int(parts[TemporalField.HOUR])
    hour = int(parts[TemporalField.HOUR_OF_HALF_DAY])
    if not 1 <= hour <= _NOON:
        return _HOURS
    return hour % _NOON + (_NOON if half == "PM" else 0)


def _offset(form: TemporalForm, text: str | None) -> int | TemporalReason:
    """Seconds east of UTC. The text, if any, is `Z`, or a sign and two, four or six digits with or without colons."""
    if text is None:
        return TemporalReason.OFFSET_MISSING if form.offset else form.default_offset_s
    if form.offset is False:
        return TemporalReason.OFFSET_UNEXPECTED
    if text in "Zz":
        return 0
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    size = hours * 3600 + minutes * 60 + seconds
    if minutes >= _SIXTY or seconds >= _SIXTY or size > OFFSET_SECONDS_MAX:
        return TemporalReason.OFFSET
    return -size if text[0] == "-" else size
