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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

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
            return TemporalForm(kind, "ISO 8601 (2024-12-31)", _DATE, _DATE_FIELDS)
        case TemporalKind.TIME:
            return TemporalForm(kind, "RFC 3339 (23:59:59.5)", _TIME, _TIME_FIELDS, offset, default_offset_s)
        case TemporalKind.TIMESTAMP:
            pattern = f"{_DATE}[Tt]{_TIME}"
            fields = _DATE_FIELDS + _TIME_FIELDS
            return TemporalForm(kind, "RFC 3339 (2024-12-31T23:59:59Z)", pattern, fields, offset, default_offset_s)


def parse_temporal(text: str, form: TemporalForm) -> int | TemporalReason:
    """Days or nanoseconds (see the module), or why `text` is not written in `form` or does not exist. Never raises."""
    return temporal_parser(form)(text)


@lru_cache(maxsize=1024)
def temporal_parser(form: TemporalForm) -> Callable[[str], int | TemporalReason]:
    """`parse_temporal` with the form compiled once, for loops over records."""
    match_whole = re.compile(form.pattern, re.ASCII).fullmatch
    groups_of = {name: [i for i, field in enumerate(form.fields) if field is name] for name in form.fields}
    places = tuple(indexes[0] for indexes in groups_of.values())
    repeated = len(places) < len(form.fields)
    reader = _reader(form, {name: place for place, name in enumerate(groups_of)})

    def parse(text: str) -> int | TemporalReason:
        found = match_whole(text) if len(text) <= TEMPORAL_CHARACTERS_MAX else None
        if found is None:
            return TemporalReason.SHAPE
        groups: Sequence[str | None] | None = found.groups()
        if repeated:
            groups = _merge(list(groups_of.values()), found.groups())
        return TemporalReason.SHAPE if groups is None else reader(groups)

    return parse


def _merge(groups_of: Sequence[Sequence[int]], groups: Sequence[str | None]) -> list[str | None] | None:
    """One text for each field; None if an optional repetition of a field contradicts the first."""
    merged: list[str | None] = []
    for indexes in groups_of:
        texts = {groups[index] for index in indexes} - {None}
        if len(texts) > 1:
            return None
        merged.append(next(iter(texts), None))
    return merged


_Groups: TypeAlias = Sequence[str | None]
_Reader: TypeAlias = Callable[[_Groups], int | TemporalReason]


def _reader(form: TemporalForm, places: Mapping[TemporalField, int]) -> _Reader:
    """Reads the value from the texts of the fields, which stand at `places`."""
    if form.kind is TemporalKind.DATE:
        return _day_reader(places)
    clock_of, offset_of = _clock_reader(places), _offset_reader(form, places)
    day_of = _day_reader(places) if form.kind is TemporalKind.TIMESTAMP else None

    def read(groups: _Groups) -> int | TemporalReason:
        offset = offset_of(groups)
        if isinstance(offset, TemporalReason):
            return offset
        clock = clock_of(groups)
        if isinstance(clock, TemporalReason) or day_of is None:
            return clock if isinstance(clock, TemporalReason) else clock - offset * _NS
        day = day_of(groups)
        return day if isinstance(day, TemporalReason) else (day * 86_400 - offset) * _NS + clock

    return read


def _day_reader(places: Mapping[TemporalField, int]) -> _Reader:
    century = 2000 if TemporalField.YEAR_OF_CENTURY in places else 0
    year_at = places[TemporalField.YEAR_OF_CENTURY if century else TemporalField.YEAR]
    month_of = _month_reader(places)
    day_at = places[TemporalField.DAY]

    def read(groups: _Groups) -> int | TemporalReason:
        year = century + int(groups[year_at] or 0)
        if not YEAR_MIN <= year <= YEAR_MAX:
            return TemporalReason.YEAR
        try:
            return date(year, month_of(groups), int(groups[day_at] or 0)).toordinal() - _EPOCH_ORDINAL
        except ValueError:
            return TemporalReason.NO_SUCH_DAY

    return read


def _month_reader(places: Mapping[TemporalField, int]) -> Callable[[_Groups], int]:
    for field, names in ((TemporalField.MONTH_SHORT, MONTHS_SHORT), (TemporalField.MONTH_LONG, MONTHS_LONG)):
        if field in places:
            number_of = {name: number for number, name in enumerate(names, start=1)}
            named_at = places[field]
            return lambda groups: number_of[groups[named_at] or ""]
    month_at = places[TemporalField.MONTH]
    return lambda groups: int(groups[month_at] or 0)


def _clock_reader(places: Mapping[TemporalField, int]) -> _Reader:
    hour_of = _hour_reader(places)
    minute_at, second_at, fraction_at = (
        places.get(field) for field in (TemporalField.MINUTE, TemporalField.SECOND, TemporalField.FRACTION)
    )

    def read(groups: _Groups) -> int | TemporalReason:
        hour = hour_of(groups)
        minute = int(groups[minute_at] or 0) if minute_at is not None else 0
        second = int(groups[second_at] or 0) if second_at is not None else 0
        if hour >= _HOURS:
            return TemporalReason.HOUR
        if minute >= _SIXTY:
            return TemporalReason.MINUTE
        if second >= _SIXTY:
            return TemporalReason.SECOND
        fraction = groups[fraction_at] if fraction_at is not None else None
        if fraction is not None and len(fraction) > _NS_DIGITS:
            return TemporalReason.PRECISION
        return (hour * 3600 + minute * 60 + second) * _NS + (int(fraction.ljust(_NS_DIGITS, "0")) if fraction else 0)

    return read


def _hour_reader(places: Mapping[TemporalField, int]) -> Callable[[_Groups], int]:
    """The hour; beyond 23 where the text names none."""
    if TemporalField.HALF_DAY not in places:
        hour_at = places[TemporalField.HOUR]
        return lambda groups: int(groups[hour_at] or 0)
    half_at, short_at = places[TemporalField.HALF_DAY], places[TemporalField.HOUR_OF_HALF_DAY]

    def read(groups: _Groups) -> int:
        hour = int(groups[short_at] or 0)
        afternoon = _NOON if groups[half_at] == "PM" else 0
        return hour % _NOON + afternoon if 1 <= hour <= _NOON else _HOURS

    return read


def _offset_reader(form: TemporalForm, places: Mapping[TemporalField, int]) -> _Reader:
    """Seconds east of UTC."""
    missing = TemporalReason.OFFSET_MISSING if form.offset else form.default_offset_s
    offset_at = places.get(TemporalField.OFFSET)
    if offset_at is None:
        return lambda _: missing

    def read(groups: _Groups) -> int | TemporalReason:
        text = groups[offset_at]
        if text is None:
            return missing
        if form.offset is False:
            return TemporalReason.OFFSET_UNEXPECTED
        return 0 if text in "Zz" else _offset(text)

    return read


def _offset(text: str) -> int | TemporalReason:
    """Of a sign and two, four or six digits, with or without colons."""
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    size = hours * 3600 + minutes * 60 + seconds
    if minutes >= _SIXTY or seconds >= _SIXTY or size > OFFSET_SECONDS_MAX:
        return TemporalReason.OFFSET
    return -size if text[0] == "-" else size
