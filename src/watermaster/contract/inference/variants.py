"""Variants of one event type: a field whose value decides which other members are there.

Candidates are texts at the top level whose name says that they tell kinds apart (`type`, `event`, `action`, …). For
each of their values it is counted which members, down to two levels, were there and not null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from watermaster.contract.inference.naming import words_of
from watermaster.contract.inference.summary import Document, is_describable

WORDS: Final = frozenset(
    {"type", "event", "kind", "action", "op", "operation", "category", "schema", "topic", "variant", "class",
     "typename", "method", "subject", "message", "record", "object", "discriminator"}
)  # fmt: skip
"""At least one of these is in the name of nearly every discriminator."""
CANDIDATES_MAX: Final = 4
VALUES_MAX: Final = 40
"""A field with more values does not tell kinds apart."""
VALUE_CHARACTERS_MAX: Final = 64
PATHS_MAX: Final = 400

MemberPath = tuple[str, ...]


@dataclass(slots=True)
class VariantCount:
    """Records with one value of a candidate, and in how many of them each member was there and not null."""

    records: int = 0
    present: Counter[MemberPath] = field(default_factory=Counter)


@dataclass(slots=True)
class VariantSummary:
    """Counts by candidate and value; a candidate with None has been given up."""

    records: int = 0
    candidates: dict[str, dict[str, VariantCount] | None] = field(default_factory=dict)

    def add(self, document: Mapping[str, Document]) -> None:
        """Take in one record."""
        self.records += 1
        paths: tuple[MemberPath, ...] | None = None
        for name, value in document.items():
            if not is_candidate(name) or (self.candidates.get(name, {}) is None):
                continue
            if not isinstance(value, str) or len(value) > VALUE_CHARACTERS_MAX or not value.isprintable():
                self.candidates[name] = None
                continue
            paths = tuple(_present(document)) if paths is None else paths
            self._count(name, value, paths)

    def _count(self, name: str, value: str, paths: tuple[MemberPath, ...]) -> None:
        if name not in self.candidates and len(self.candidates) >= CANDIDATES_MAX:
            return
        values = self.candidates.setdefault(name, {})
        if values is None:
            return
        if len(paths) > PATHS_MAX or (value not in values and len(values) >= VALUES_MAX):
            self.candidates[name] = None
            return
        found = values.setdefault(value, VariantCount())
        found.records += 1
        found.present.update(paths)
        if len(found.present) > PATHS_MAX:
            self.candidates[name] = None

    def merge(self, other: VariantSummary) -> None:
        """Take in the records that come after these."""
        self.records += other.records
        for name, values in other.candidates.items():
            if name not in self.candidates and len(self.candidates) >= CANDIDATES_MAX:
                continue
            mine = self.candidates.setdefault(name, {})
            if mine is None or values is None:
                self.candidates[name] = None
                continue
            for value, count in values.items():
                known = mine.setdefault(value, VariantCount())
                known.records += count.records
                known.present.update(count.present)
            if len(mine) > VALUES_MAX or any(len(count.present) > PATHS_MAX for count in mine.values()):
                self.candidates[name] = None


@dataclass(frozen=True, slots=True)
class Discriminator:
    """The field that tells variants apart; for each value the members that were always there with it."""

    name: str
    always: Mapping[str, tuple[int, frozenset[MemberPath]]]
    """Records with the value, and the members."""


def find_discriminator(summary: VariantSummary) -> Discriminator | None:
    """The candidate that decides most, if it is in every record and decides anything."""
    best: tuple[int, Discriminator] | None = None
    for name, values in summary.candidates.items():
        if values is None or len(values) < 2:  # noqa: PLR2004 - one value tells nothing apart
            continue
        if sum(count.records for count in values.values()) != summary.records:
            continue
        decided = _decided(values)
        if decided and (best is None or decided > best[0]):
            always = {
                value: (count.records, frozenset(p for p, n in count.present.items() if n == count.records))
                for value, count in values.items()
            }
            best = decided, Discriminator(name, always)
    return None if best is None else best[1]


def _decided(values: Mapping[str, VariantCount]) -> int:
    """How many members are always there with one value and never with another."""
    paths = {path for count in values.values() for path in count.present}
    return sum(
        any(count.present[path] == count.records for count in values.values())
        and any(count.present[path] == 0 for count in values.values())
        for path in paths
    )


def is_candidate(name: str) -> bool:
    """Whether a member's name is like that of a discriminator."""
    return is_describable(name) and not WORDS.isdisjoint(words_of(name))


def _present(document: Mapping[str, Document]) -> Iterator[MemberPath]:
    for name, member in document.items():
        if member is None:
            continue
        yield (name,)
        if isinstance(member, Mapping):
            for inner, value in member.items():
                if value is not None:
                    yield name, inner
