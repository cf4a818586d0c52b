"""The summary of many documents: one node for each path, bounded whatever the documents hold, and mergeable.

Objects that use their names as data (ids, dates, addresses as keys) are folded into one node for keys and one for
values, at the latest when they have too many names. `merge` takes the part that comes after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeAlias
from unicodedata import normalize

from watermaster.contract.inference.number_summary import NumberSummary
from watermaster.contract.inference.text_summary import TextSummary

Document: TypeAlias = str | int | Decimal | bool | Sequence["Document"] | Mapping[str, "Document"] | None

NAMES_MAX: Final = 300
"""An object with more different names uses them as data. The widest real records have about two hundred."""
NODES_MAX: Final = 20_000
"""Paths that are kept for one stream; with their lists of values about 100 MB at the very worst."""
NAME_CHARACTERS_MAX: Final = 200
"""A longer name is data."""
STRANGE_NAMES_MAX: Final = 100
"""Names that cannot be described are remembered so far, for they may be like one that is."""


@dataclass(slots=True)
class Budget:
    """How many more nodes may be made, for all of one stream."""

    left: int = NODES_MAX

    def take(self) -> bool:
        """Whether there is one more."""
        self.left -= 1
        return self.left >= 0


@dataclass(slots=True)
class ObjectSummary:
    """Objects at one path: their members by name, or keys and values where names are data."""

    count: int = 0
    members: dict[str, ValueSummary] = field(default_factory=dict)
    strange: set[str] = field(default_factory=set)
    """Names that were seen and are not among `members`."""
    overfull: bool = False
    """There were more strange names than are remembered."""
    keys: TextSummary | None = None
    values: ValueSummary | None = None

    @property
    def folded(self) -> bool:
        """Whether names are taken for data."""
        return self.values is not None

    def add(self, value: Mapping[str, Document], budget: Budget) -> None:
        """Take in one object."""
        self.count += 1
        for name, member in value.items():
            if self.keys is not None and self.values is not None:
                self.keys.add(name)
                self.values.add(member, budget)
                continue
            known = self.members.get(name)
            if known is None:
                known = self._new(name, budget)
            if known is not None:
                known.add(member, budget)

    def _new(self, name: str, budget: Budget) -> ValueSummary | None:
        if len(self.members) >= NAMES_MAX:
            self.fold(budget)
            if self.keys is not None:
                self.keys.add(name)
            return self.values
        if not is_describable(name) or not budget.take():
            self._note(name)
            return None
        self.members[name] = made = ValueSummary()
        return made

    def _note(self, name: str) -> None:
        if len(self.strange) < STRANGE_NAMES_MAX:
            self.strange.add(name)
        elif name not in self.strange:
            self.overfull = True

    def fold(self, budget: Budget) -> None:
        """Take all names for data from here on."""
        if self.values is not None:
            return
        self.keys, self.values = TextSummary(), ValueSummary()
        for name, member in self.members.items():
            self.keys.add(name)
            self.values.merge(member, budget)
        for name in self.strange:
            self.keys.add(name)
        self.members, self.strange = {}, set()

    def merge(self, other: ObjectSummary, budget: Budget) -> None:
        """Take in the objects that come after these."""
        self.count += other.count
        self.overfull = self.overfull or other.overfull
        if other.folded:
            self.fold(budget)
        if self.keys is not None and self.values is not None:
            other.fold(budget)
            self.keys.merge(other.keys or TextSummary())
            self.values.merge(other.values or ValueSummary(), budget)
            return
        for name in other.strange:
            self._note(name)
        for name, member in other.members.items():
            mine = self.members.get(name)
            if mine is None and (mine := self._new(name, budget)) is None:
                continue
            if self.folded:
                self.merge_rest(name, member, budget)
            else:
                mine.merge(member, budget)

    def merge_rest(self, name: str, member: ValueSummary, budget: Budget) -> None:
        """One member of another object, where names have become data."""
        if self.keys is not None and self.values is not None:
            self.keys.add(name)
            self.values.merge(member, budget)

    def doubtful(self) -> frozenset[str]:
        """Names that a contract must not describe: one that it does not describe is equal to them but for case."""
        strange = {fold_name(name) for name in self.strange}
        return frozenset(name for name in self.members if fold_name(name) in strange)


@dataclass(slots=True)
class ValueSummary:
    """Values at one path, by their JSON type. What was absent is known from the object above."""

    count: int = 0
    nulls: int = 0
    booleans: int = 0
    texts: TextSummary | None = None
    numbers: NumberSummary | None = None
    objects: ObjectSummary | None = None
    arrays: int = 0
    items: ValueSummary | None = None

    def add(self, value: Document, budget: Budget) -> None:
        """Take in one value and all below it. Depth is bounded by whoever decoded it."""
        self.count += 1
        match value:
            case None:
                self.nulls += 1
            case str():
                if self.texts is None:
                    self.texts = TextSummary()
                self.texts.add(value)
            case bool():
                self.booleans += 1
            case int() | Decimal():
                if self.numbers is None:
                    self.numbers = NumberSummary()
                self.numbers.add(value)
            case Mapping():
                if self.objects is None:
                    self.objects = ObjectSummary()
                self.objects.add(value, budget)
            case _:
                self.arrays += 1
                if self.items is None:
                    self.items = ValueSummary()
                for item in value:
                    self.items.add(item, budget)

    def merge(self, other: ValueSummary, budget: Budget) -> None:
        """Take in the values that come after these."""
        self.count += other.count
        self.nulls += other.nulls
        self.booleans += other.booleans
        self.arrays += other.arrays
        if other.texts is not None:
            self.texts = self.texts or TextSummary()
            self.texts.merge(other.texts)
        if other.numbers is not None:
            self.numbers = self.numbers or NumberSummary()
            self.numbers.merge(other.numbers)
        if other.objects is not None:
            self.objects = self.objects or ObjectSummary()
            self.objects.merge(other.objects, budget)
        if other.items is not None:
            self.items = self.items or ValueSummary()
            self.items.merge(other.items, budget)

    def types(self) -> Iterator[tuple[str, int]]:
        """JSON types that were seen, with their counts; null is none of them."""
        counts = (
            ("string", self.texts.count if self.texts else 0),
            ("number", self.numbers.count if self.numbers else 0),
            ("boolean", self.booleans),
            ("object", self.objects.count if self.objects else 0),
            ("array", self.arrays),
        )
        return ((name, count) for name, count in counts if count)


def is_describable(name: str) -> bool:
    """Whether a member's name can stand in a contract."""
    return 0 < len(name) <= NAME_CHARACTERS_MAX and name.isprintable()


def fold_name(name: str) -> str:
    """As readers that know neither case nor composed letters would read it."""
    return normalize("NFC", name).casefold()
