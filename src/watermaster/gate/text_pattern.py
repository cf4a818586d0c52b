"""Patterns, formats and moments of text fields as RE2 expressions of whole texts, to be matched together.

Joined with NUL, the texts of several fields cost one match in place of many: no text holds NUL, and no expression
matches it, so none can stray into its neighbour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.contract.pattern import compile_pattern, compile_whole
from watermaster.gate.moment import plain_moment
from watermaster.gate.strict_json import Document
from watermaster.gate.string_format import FORMAT_PATTERNS

Matches: TypeAlias = Callable[[dict[str, Document]], bool]

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


def compile_members_match(
    children: tuple[FieldCheck, ...],
) -> tuple[frozenset[str], Callable[[dict[str, Document]], bool]]:
    """The names of text members with expressions, and whether all of them are there as texts that match."""
    pairs = [(child.name, expression) for child in children for expression in text_patterns(child)]
    names = [name for name, _ in pairs]
    match = compile_whole(join_expressions([expression for _, expression in pairs])).Match

    def matches(value: dict[str, Document]) -> bool:
        try:
            return bool(match(_NUL.join([value[name] for name in names]) + _NUL))  # type: ignore[misc]
        except (KeyError, TypeError):  # absent, or no text
            return False

    return frozenset(names), matches
