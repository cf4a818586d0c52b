"""What may be asked of the texts of one field."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from watermaster.contract.draft import DraftScalar
from watermaster.contract.inference.evidence import (
    ENUM_COUNT_MIN,
    ENUM_MIN,
    ENUM_PER_VALUE_MIN,
    ENUM_VALUES_MAX,
    FORMAT_MIN,
    MEDIUM_MIN,
    NEWEST_SHARE_MAX,
    PATTERN_MIN,
)
from watermaster.contract.inference.moments import AMBIGUOUS, MOMENT_CANDIDATES
from watermaster.contract.inference.naming import says_time, words_of
from watermaster.contract.inference.text_summary import TextSummary

_PROSE: Final = frozenset(
    {"name", "title", "description", "text", "comment", "body", "note", "notes", "subject", "summary", "content"}
)
"""Fields of these names hold what people write; a few that repeat are no list."""
_ADDRESS: Final = frozenset(
    {"url", "uri", "href", "link", "links", "homepage", "website", "endpoint", "callback", "redirect", "src"}
)
"""Only here a text that has the characters of a URI is taken for one: `note:x` has them, too."""
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/+-]{0,39}", re.ASCII)
_LENGTH_FACTOR: Final = 4


@dataclass(frozen=True, slots=True)
class TextRule:
    """Logical type, options, list of values, and what to tell people."""

    logical_type: str = "string"
    options: dict[str, DraftScalar] = field(default_factory=dict)
    enum: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def text_rule(name: str, texts: TextSummary, *, sensitive: bool) -> TextRule:
    """The strictest rule with enough evidence. Of sensitive texts only a format that the whole world shares."""
    moment = _moment(name, texts)
    if moment is not None:
        return moment
    known = _format(name, texts)
    if known is not None:
        return TextRule(options={"format": known})
    if sensitive:
        return TextRule()
    listed = _listed(name, texts)
    if listed:
        return TextRule(enum=listed, remarks=(f"closed list: no new value in the last {_quiet(texts):.0%}",))
    return _code(texts)


def _moment(name: str, texts: TextSummary) -> TextRule | None:
    fitting = texts.moments if texts.count >= FORMAT_MIN else ()
    if not fitting:
        return None
    for pair in AMBIGUOUS:
        if set(pair) <= set(fitting):
            return TextRule(remarks=(f"{pair[0]} or {pair[1]}: no day after the twelfth tells which",))
    if fitting[0] == "RFC 3339 with an offset" and texts.count < MEDIUM_MIN:
        fitting = ("RFC 3339",)
    candidate = MOMENT_CANDIDATES[fitting[0]]
    digits_only = candidate.pattern is not None and candidate.pattern.isalpha()
    if digits_only and not says_time(name):
        return None
    options: dict[str, DraftScalar] = {}
    if candidate.pattern is not None:
        options["format"] = candidate.pattern
    if candidate.timezone is not None:
        options["timezone"] = candidate.timezone
    return TextRule(candidate.logical_type, options, remarks=(f"written as {fitting[0]}",))


def _format(name: str, texts: TextSummary) -> str | None:
    if texts.count < FORMAT_MIN:
        return None
    for known in texts.formats:
        if known != "uri" or not _ADDRESS.isdisjoint(words_of(name)):
            return known
    return None


def _listed(name: str, texts: TextSummary) -> tuple[str, ...]:
    counts = texts.distinct.counts
    if not texts.distinct.closed or not 1 < len(counts) <= ENUM_VALUES_MAX:
        return ()
    if texts.count < max(ENUM_MIN, ENUM_PER_VALUE_MIN * len(counts)) or min(counts.values()) < ENUM_COUNT_MIN:
        return ()
    if texts.distinct.newest > texts.count * NEWEST_SHARE_MAX or not _PROSE.isdisjoint(words_of(name)):
        return ()
    return tuple(sorted(counts)) if all(map(_CODE.fullmatch, counts)) else ()


def _quiet(texts: TextSummary) -> float:
    return 1 - texts.distinct.newest / texts.count


def _code(texts: TextSummary) -> TextRule:
    if texts.count < PATTERN_MIN:
        return TextRule()
    pattern = texts.code_pattern()
    if pattern is not None:
        return TextRule(options={"pattern": pattern})
    longest = 1 << (max(texts.length_max, 16) * _LENGTH_FACTOR - 1).bit_length()
    rule = TextRule(options={"maxLength": longest})
    return replace(rule, options={"minLength": 1, **rule.options}) if texts.length_min else rule
