"""Dates, times and timestamps written by a JDK DateTimeFormatter pattern: the way back of `contract.jdk_format`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from watermaster.contract.temporal import MONTHS_LONG, MONTHS_SHORT, TemporalKind

NS_OF_SECOND: Final = 1_000_000_000
NS_OF_DAY: Final = 86_400 * NS_OF_SECOND
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_NOON: Final = 12
_TOKEN: Final = re.compile(r"(?P<letters>([A-Za-z])\2*)|'(?P<quoted>(?:[^']|'')*)'|(?P<other>[^A-Za-z])")


class Moment(NamedTuple):
    """The parts of a moment, as clocks and calendars show it at `offset_s` east of UTC."""

    day: date
    ns: int
    """Since midnight."""
    offset_s: int

    @property
    def hour(self) -> int:
        """0 to 23."""
        return self.ns // (3600 * NS_OF_SECOND)


def moment_at(count: int, kind: TemporalKind, offset_s: int) -> Moment | None:
    """The moment that `contract.temporal` counts as `count`; None beyond the years 1 to 9999."""
    if kind is TemporalKind.DATE:
        days, ns = count, 0
    else:
        days, ns = divmod(count + offset_s * NS_OF_SECOND, NS_OF_DAY)
    try:
        return Moment(date.fromordinal(_EPOCH_ORDINAL + (0 if kind is TemporalKind.TIME else days)), ns, offset_s)
    except (ValueError, OverflowError):
        return None


def write_moment(moment: Moment, pattern: str) -> str:
    """Written by a pattern that `compile_jdk_format` has accepted. Optional sections are always written."""
    pieces: list[str] = []
    for token in _TOKEN.finditer(pattern):
        if token["letters"] is not None:
            letters = token["letters"].replace("L", "M")
            pieces.append(_WRITERS[letters[0]](moment, letters))
        elif token["quoted"] is not None:
            pieces.append(token["quoted"].replace("''", "'") or "'")
        elif token["other"] not in "[]":
            pieces.append(token["other"])
    return "".join(pieces)


def _number(value: int, letters: str) -> str:
    return f"{value:0{len(letters)}d}"


def _year(moment: Moment, letters: str) -> str:
    return f"{moment.day.year % 100:02d}" if len(letters) == 2 else _number(moment.day.year, letters)  # noqa: PLR2004


def _month(moment: Moment, letters: str) -> str:
    names = {3: MONTHS_SHORT, 4: MONTHS_LONG}.get(len(letters))
    return names[moment.day.month - 1] if names else _number(moment.day.month, letters)


def _offset(moment: Moment, letters: str) -> str:
    if moment.offset_s == 0 and (letters[0] == "X" or letters == "ZZZZZ"):
        return "Z"
    hours, rest = divmod(abs(moment.offset_s), 3600)
    minutes, seconds = divmod(rest, 60)
    colon = ":" if len(letters) in (3, 5) and letters != "ZZZ" else ""
    text = f"{'-' if moment.offset_s < 0 else '+'}{hours:02d}"
    if minutes or len(letters) > 1 or letters == "Z":
        text += f"{colon}{minutes:02d}"
    return f"{text}{colon}{seconds:02d}" if seconds and len(letters) > 3 else text  # noqa: PLR2004


_WRITERS: Final[dict[str, Callable[[Moment, str], str]]] = {
    "y": _year,
    "u": _year,
    "M": _month,
    "d": lambda moment, letters: _number(moment.day.day, letters),
    "H": lambda moment, letters: _number(moment.hour, letters),
    "h": lambda moment, letters: _number((moment.hour - 1) % _NOON + 1, letters),
    "a": lambda moment, _: "AM" if moment.hour < _NOON else "PM",
    "m": lambda moment, letters: _number(moment.ns // (60 * NS_OF_SECOND) % 60, letters),
    "s": lambda moment, letters: _number(moment.ns // NS_OF_SECOND % 60, letters),
    "S": lambda moment, letters: f"{moment.ns % NS_OF_SECOND:09d}"[: len(letters)],
    "X": _offset,
    "x": _offset,
    "Z": _offset,
}
"""By the letter; exactly those of `compile_jdk_format`."""
