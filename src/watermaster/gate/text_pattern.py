"""Patterns, formats and moments of text fields as RE2 expressions of whole texts, to be matched together.

Joined with NUL, the texts of several fields cost one match in place of many: no text holds NUL, and no expression
matches it, so none can stray into its neighbour.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.contract.pattern import compile_pattern, compile_whole
from watermaster.contract.string_format import FORMAT_PATTERNS
from watermaster.gate.moment import plain_moment
from watermaster.gate.strict_json import Document

_WHOLE_FORMATS: Final = frozenset(FORMAT_PATTERNS) - {"hostname"}
_NUL: Final = "\0"
_NUL_RE2: Final = r"\x{00}"


def text_patterns(check: FieldCheck) -> list[str]:
    """RE2 expressions of the whole text that cover pattern, format and moment, as far as there are such."""
    found = []
    if check.pattern is not None and (whole := compile_pattern(check.pattern).whole) is not None:
        found.append(whole)
    if check.format in _WHOLE_FORMATS and check.type is LogicalType.STRING:
        found.append(compile_pattern(FORMAT_PATTERNS[check.format]).whole or "")
    if (plain := _moment(check)) is not None:
        found.append(plain)
    return found


def without_text_patterns(check: FieldCheck) -> FieldCheck:
    """What is left to judge of a text that matches its expressions."""
    if check.pattern is not None and compile_pattern(check.pattern).whole is not None:
        check = replace(check, pattern=None)
    if check.format in _WHOLE_FORMATS and check.type is LogicalType.STRING:
        check = replace(check, format=None)
    if check.range is None and _moment(check) is not None:
        check = replace(check, temporal=None)
    return check


def _moment(check: FieldCheck) -> str | None:
    return None if check.temporal is None else plain_moment(check.temporal)


def join_expressions(expressions: list[str]) -> str:
    """One expression of all texts, each with a NUL behind it."""
    return "".join(f"(?:{expression}){_NUL_RE2}" for expression in expressions)


class MembersMatch:
    """The text members of an object that have expressions, matched in one call."""

    def __init__(self, children: tuple[FieldCheck, ...]) -> None:
        pairs = [(child.name, expression) for child in children for expression in text_patterns(child)]
        self._names = [name for name, _ in pairs]
        self.names = frozenset(self._names)
        expressions = [f"{expression}|{_ABSENT_RE2}" for _, expression in pairs]
        self._match = compile_whole(*_one_by_one(expressions)).Match if pairs else None

    def doubtful(self, value: dict[str, Document]) -> frozenset[str] | None:
        """Names of members whose texts are not surely good; None if all are there and good.

        Members that are absent or no texts are not doubtful: their texts need no further look.
        """
        if self._match is None:
            return _NOTHING_DOUBTFUL
        texts = [value.get(name) for name in self._names]
        try:
            joined = _NUL.join(texts) + _NUL  # type: ignore[arg-type]
            complete = True
        except TypeError:  # absent, or no text
            joined = _NUL.join([text if type(text) is str else _ABSENT for text in texts]) + _NUL
            complete = False
        if _ABSENT in joined and joined.count(_ABSENT) != sum(type(text) is not str for text in texts):
            return self.names  # a text holds the sign for its absence
        matched = self._match(joined) or ()
        if len(matched) == len(self._names):
            return None if complete else _NOTHING_DOUBTFUL
        return frozenset(name for number, name in enumerate(self._names) if number not in matched)


_NOTHING_DOUBTFUL: Final[frozenset[str]] = frozenset()
_ABSENT: Final = "\x01"
_ABSENT_RE2: Final = r"\x{01}"
_ANY_TEXT: Final = r"[^\x{00}]*\x{00}"


def _one_by_one(expressions: list[str]) -> list[str]:
    """For each expression one that only looks at its own text of the joined ones."""
    last = len(expressions) - 1
    return [
        _ANY_TEXT * number + f"(?:{expression}){_NUL_RE2}" + _ANY_TEXT * (last - number)
        for number, expression in enumerate(expressions)
    ]
