"""Fields that may identify a record: whether values repeat, and whether one is the record's key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from watermaster.contract.inference.naming import words_of
from watermaster.contract.inference.summary import Document, is_describable

VALUES_MAX: Final = 20_000
"""Values that are remembered for each candidate: some megabytes."""
CANDIDATES_MAX: Final = 8
VALUE_CHARACTERS_MAX: Final = 128
_WORDS: Final = frozenset(
    {"id", "uuid", "guid", "key", "number", "no", "nr", "code", "sku", "ref", "reference", "ulid"}
)


@dataclass(slots=True)
class IdentitySummary:
    """Values of one candidate so far; `complete` until they are too many or too long to be remembered."""

    count: int = 0
    values: set[str | int] = field(default_factory=set)
    repeated: bool = False
    complete: bool = True

    def add(self, value: str | int) -> None:
        """Take in one value."""
        self.count += 1
        if self.repeated:
            return
        if value in self.values:
            self.repeated, self.values = True, set()
        elif len(self.values) >= VALUES_MAX or (isinstance(value, str) and len(value) > VALUE_CHARACTERS_MAX):
            self.complete = False
        else:
            self.values.add(value)

    def merge(self, other: IdentitySummary) -> None:
        """Take in what comes after."""
        self.count += other.count
        self.repeated = self.repeated or other.repeated or not self.values.isdisjoint(other.values)
        self.complete = self.complete and other.complete and len(self.values) + len(other.values) <= VALUES_MAX
        if self.repeated:
            self.values = set()
        elif self.complete:
            self.values |= other.values


@dataclass(slots=True)
class IdentitiesSummary:
    """Candidates at the top level, by name, and how often each was the record's key."""

    fields: dict[str, IdentitySummary] = field(default_factory=dict)
    equal_to_key: dict[str, int] = field(default_factory=dict)

    def add(self, document: Mapping[str, Document], key: bytes | None) -> None:
        """Take in one record."""
        for name, value in document.items():
            if not isinstance(value, str | int) or isinstance(value, bool) or not _is_candidate(name):
                continue
            found = self.fields.get(name)
            if found is None:
                if len(self.fields) >= CANDIDATES_MAX:
                    continue
                found = self.fields[name] = IdentitySummary()
            found.add(value)
            if key is not None and str(value).encode("utf-8", "replace") == key:
                self.equal_to_key[name] = self.equal_to_key.get(name, 0) + 1

    def merge(self, other: IdentitiesSummary) -> None:
        """Take in the records that come after these."""
        for name, found in other.fields.items():
            if name in self.fields or len(self.fields) < CANDIDATES_MAX:
                self.fields.setdefault(name, IdentitySummary()).merge(found)
        for name, count in other.equal_to_key.items():
            self.equal_to_key[name] = self.equal_to_key.get(name, 0) + count


def is_unique(summary: IdentitySummary) -> bool:
    """Whether no value that was remembered came twice."""
    return not summary.repeated and bool(summary.values)


def _is_candidate(name: str) -> bool:
    return is_describable(name) and not _WORDS.isdisjoint(words_of(name))
