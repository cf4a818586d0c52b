"""JDK DateTimeFormatter patterns, as ODCS asks for them, compiled into a `TemporalForm`.

The subset that means the same on every machine: numbers, English month names, AM/PM, fractions and offsets, with
literals and optional sections. Letters that depend on a locale or on the time zone data of a machine (`E`, `z`, `VV`,
`w`, …) are real JDK letters and yet not judged: a verdict must not depend on where it is given.

Stricter than the JDK's own default where that would read two things as one: 31 February is no day (the JDK takes the
last of the month), `yyyy` is exactly four digits (the JDK also takes `+12345`), hour 0 of a half day does not exist.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from watermaster.contract.problem import quoted
from watermaster.contract.temporal import MONTHS_LONG, MONTHS_SHORT, TemporalField, TemporalForm, TemporalKind

FORMAT_CHARACTERS_MAX = 100
"""Far beyond any real pattern."""
OPTIONAL_SECTIONS_MAX = 8
"""Each may double the work of matching a text; real patterns have one to three."""
FRACTION_DIGITS_MAX = 9

_F = TemporalField
_ONE_OR_TWO, _TWO = "([0-9]{1,2})", "([0-9]{2})"
_HHMM, _HH_MM = "[+-][0-9]{4}", "[+-][0-9]{2}:[0-9]{2}"

_LETTERS: dict[str, tuple[TemporalField, str]] = {
    "y": (_F.YEAR, "([0-9]{1,4})"),
    "yy": (_F.YEAR_OF_CENTURY, _TWO),
    "yyyy": (_F.YEAR, "([0-9]{4})"),
    "u": (_F.YEAR, "([0-9]{1,4})"),
    "uu": (_F.YEAR_OF_CENTURY, _TWO),
    "uuuu": (_F.YEAR, "([0-9]{4})"),
    "M": (_F.MONTH, _ONE_OR_TWO),
    "MM": (_F.MONTH, _TWO),
    "MMM": (_F.MONTH_SHORT, f"({'|'.join(MONTHS_SHORT)})"),
    "MMMM": (_F.MONTH_LONG, f"({'|'.join(MONTHS_LONG)})"),
    "d": (_F.DAY, _ONE_OR_TWO),
    "dd": (_F.DAY, _TWO),
    "H": (_F.HOUR, _ONE_OR_TWO),
    "HH": (_F.HOUR, _TWO),
    "h": (_F.HOUR_OF_HALF_DAY, _ONE_OR_TWO),
    "hh": (_F.HOUR_OF_HALF_DAY, _TWO),
    "a": (_F.HALF_DAY, "(AM|PM)"),
    "m": (_F.MINUTE, _ONE_OR_TWO),
    "mm": (_F.MINUTE, _TWO),
    "s": (_F.SECOND, _ONE_OR_TWO),
    "ss": (_F.SECOND, _TWO),
    **{"S" * n: (_F.FRACTION, f"([0-9]{{{n}}})") for n in range(1, FRACTION_DIGITS_MAX + 1)},
    "X": (_F.OFFSET, "(Z|[+-][0-9]{2}(?:[0-9]{2})?)"),
    "XX": (_F.OFFSET, f"(Z|{_HHMM})"),
    "XXX": (_F.OFFSET, f"(Z|{_HH_MM})"),
    "XXXX": (_F.OFFSET, f"(Z|{_HHMM}(?:[0-9]{{2}})?)"),
    "XXXXX": (_F.OFFSET, f"(Z|{_HH_MM}(?::[0-9]{{2}})?)"),
    "x": (_F.OFFSET, "([+-][0-9]{2}(?:[0-9]{2})?)"),
    "xx": (_F.OFFSET, f"({_HHMM})"),
    "xxx": (_F.OFFSET, f"({_HH_MM})"),
    "xxxx": (_F.OFFSET, f"({_HHMM}(?:[0-9]{{2}})?)"),
    "xxxxx": (_F.OFFSET, f"({_HH_MM}(?::[0-9]{{2}})?)"),
    "Z": (_F.OFFSET, f"({_HHMM})"),
    "ZZ": (_F.OFFSET, f"({_HHMM})"),
    "ZZZ": (_F.OFFSET, f"({_HHMM})"),
    "ZZZZZ": (_F.OFFSET, f"(Z|{_HH_MM}(?::[0-9]{{2}})?)"),
}
_JDK_LETTERS = frozenset("GuyDMLdQqYwWEecFaBhKkHmsSAnNVvzOXxZpg")
_RESERVED = frozenset("{}#")
_TOKEN = re.compile(r"(?P<letters>([A-Za-z])\2*)|'(?P<quoted>(?:[^']|'')*)'|(?P<other>[^A-Za-z])")

_MONTHS = frozenset({_F.MONTH, _F.MONTH_SHORT, _F.MONTH_LONG})
_DAY_PARTS = (
    ("a year", frozenset({_F.YEAR, _F.YEAR_OF_CENTURY})),
    ("a month", _MONTHS),
    ("a day", frozenset({_F.DAY})),
)
_CLOCK_PARTS = (("an hour", frozenset({_F.HOUR, _F.HOUR_OF_HALF_DAY})),)
_HALF_DAY = frozenset({_F.HALF_DAY, _F.HOUR_OF_HALF_DAY})
_DAY_FIELDS = frozenset(name for _, names in _DAY_PARTS for name in names)


@dataclass(frozen=True, slots=True)
class BadFormat:
    """The pattern is none, or does not fit the type: a mistake in the contract."""

    message: str


@dataclass(frozen=True, slots=True)
class UnjudgedFormat:
    """The pattern is the JDK's and beyond the subset: said, and not judged."""

    message: str


def compile_jdk_format(
    text: str, kind: TemporalKind, *, offset: bool | None = None, default_offset_s: int = 0
) -> TemporalForm | BadFormat | UnjudgedFormat:
    """Compile a DateTimeFormatter pattern for one kind; `offset` and `default_offset_s` as in `TemporalForm`."""
    if not text or len(text) > FORMAT_CHARACTERS_MAX:
        return BadFormat(f"a format has 1 to {FORMAT_CHARACTERS_MAX} characters")
    scan = _Scan()
    for token in _tokens(text):
        trouble = scan.take(token)
        if trouble is not None:
            return trouble
    trouble = scan.excessive() or scan.mistaken()
    if trouble is not None:
        return trouble
    if scan.beyond:
        return UnjudgedFormat(f"{quoted(scan.beyond[0])} depends on a machine's locale or time zone data, or is rare")
    trouble = _unfit(scan, kind, offset)
    if trouble is not None:
        return trouble
    pattern = "".join(scan.pattern) + ")?" * scan.depth  # the JDK closes what is left open at the end
    return TemporalForm(kind, text, pattern, tuple(scan.fields), offset, default_offset_s)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:  # pragma: no cover - the alternatives cover every character
            return
        yield token
        position = token.end()


class _Scan:
    """The pattern and fields gathered so far, and how deep in optional sections we are."""

    def __init__(self) -> None:
        self.pattern: list[str] = []
        self.fields: list[TemporalField] = []
        self.due: list[TemporalField] = []
        self.beyond: list[str] = []
        self.depth = 0
        self.sections = 0

    def take(self, token: re.Match[str]) -> BadFormat | None:
        letters, quoted, other = token["letters"], token["quoted"], token["other"]
        if letters is not None:
            return self._letters(letters)
        if quoted is not None:
            self.pattern.append(re.escape(quoted.replace("''", "'") or "'"))
            return None
        return self._sign(other)

    def _letters(self, letters: str) -> BadFormat | None:
        canonical = letters.replace("L", "M")
        if canonical in _LETTERS:
            name, pattern = _LETTERS[canonical]
            self.pattern.append(pattern)
            self.fields.append(name)
            if self.depth == 0:
                self.due.append(name)
            return None
        if letters[0] not in _JDK_LETTERS:
            return BadFormat(f"the JDK's DateTimeFormatter has no letter {letters[0]!r}; literal text stands in '…'")
        self.beyond.append(letters)
        return None

    def _sign(self, sign: str) -> BadFormat | None:
        if sign == "'":
            return BadFormat("a quote is opened and never closed")
        if sign in _RESERVED:
            return BadFormat(f"the JDK's DateTimeFormatter reserves {sign!r}; write it in quotes")
        if sign == "[":
            self.depth += 1
            self.sections += 1
            self.pattern.append("(?:")
        elif sign == "]":
            self.depth -= 1
            self.pattern.append(")?")
        else:
            self.pattern.append(re.escape(sign))
        return BadFormat("an optional section is closed and was never opened") if self.depth < 0 else None

    def excessive(self) -> BadFormat | None:
        if self.sections > OPTIONAL_SECTIONS_MAX:
            return BadFormat(f"more than {OPTIONAL_SECTIONS_MAX} optional sections")
        counts = Counter(self.fields)
        repeated = [name.value for name in self.due if counts[name] > 1]
        return BadFormat(f"the {repeated[0]} stands there twice") if repeated else None

    def mistaken(self) -> BadFormat | None:
        """`YYYY-MM-DD` is the commonest mistake with these patterns, and right for most days of a year."""
        if _MONTHS & set(self.fields):
            for letter, meaning, meant in (("Y", "year of the week", "y"), ("D", "day of the year", "d")):
                if any(letters[0] == letter for letters in self.beyond):
                    return BadFormat(f"`{letter}` is the {meaning}; beside a month `{meant}` is meant")
        return None


def _unfit(scan: _Scan, kind: TemporalKind, offset: bool | None) -> BadFormat | None:
    """What the kind needs and the pattern lacks, or the other way round. Optional parts do not count as there."""
    due = frozenset(scan.due)
    missing = [words for words, names in _needed(kind) if not names & due]
    if missing:
        return BadFormat(f"a {kind.value} needs {missing[0]}, and the format has none outside optional sections")
    foreign = [name for name in scan.fields if (name in _DAY_FIELDS) is (kind is TemporalKind.TIME)]
    if kind is not TemporalKind.TIMESTAMP and foreign:
        return BadFormat(f"a {kind.value} has no {foreign[0].value}; did you mean `logicalType: timestamp`?")
    if _HALF_DAY & set(scan.fields) and (not due >= _HALF_DAY or _F.HOUR in scan.fields):
        return BadFormat("`h` and `a` need each other outside optional sections, and exclude `H`")
    if any(len(names & set(scan.fields)) > 1 for _, names in _DAY_PARTS):
        return BadFormat("the year or month stands there in two ways")
    if offset is True and _F.OFFSET not in scan.fields:
        return BadFormat("`timezone: true` asks for an offset, and the format has none (`XXX` writes +02:00)")
    return None


def _needed(kind: TemporalKind) -> tuple[tuple[str, frozenset[TemporalField]], ...]:
    match kind:
        case TemporalKind.DATE:
            return _DAY_PARTS
        case TemporalKind.TIME:
            return _CLOCK_PARTS
        case TemporalKind.TIMESTAMP:
            return _DAY_PARTS + _CLOCK_PARTS
