"""The summary of one stream: its documents, its keys, what could not be learnt from, and its variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from watermaster.contract.inference.cells import CellsSummary
from watermaster.contract.inference.identity import IdentitiesSummary
from watermaster.contract.inference.summary import Budget, Document, ObjectSummary, ValueSummary
from watermaster.contract.inference.text_summary import TextSummary
from watermaster.contract.inference.variants import VariantSummary


@dataclass(slots=True)
class KeySummary:
    """Record keys: how many were null or empty, no text, and what the texts are like; or what they say."""

    count: int = 0
    missing: int = 0
    opaque: int = 0
    texts: TextSummary = field(default_factory=TextSummary)
    documents: ValueSummary = field(default_factory=ValueSummary)
    """Of keys that a registry's schema describes."""

    def add(self, key: bytes | None) -> None:
        """Take in one key."""
        self.count += 1
        if not key:
            self.missing += 1
            return
        try:
            self.texts.add(key.decode("utf-8"))
        except UnicodeDecodeError:
            self.opaque += 1

    def add_document(self, key: Document, budget: Budget) -> None:
        """Take in what one key says."""
        self.count += 1
        self.documents.add(key, budget)

    def merge(self, other: KeySummary, budget: Budget) -> None:
        """Take in the keys that come after these."""
        self.count += other.count
        self.missing += other.missing
        self.opaque += other.opaque
        self.texts.merge(other.texts)
        self.documents.merge(other.documents, budget)


@dataclass(slots=True)
class StreamSummary:
    """Everything that a draft is made from. `passed_over` counts, by reason, records that taught nothing."""

    records: int = 0
    tombstones: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    root: ObjectSummary = field(default_factory=ObjectSummary)
    keys: KeySummary = field(default_factory=KeySummary)
    variants: VariantSummary = field(default_factory=VariantSummary)
    identities: IdentitiesSummary = field(default_factory=IdentitiesSummary)
    budget: Budget = field(default_factory=Budget)
    cells: CellsSummary | None = None
    """Of rows whose members are all texts because their form has no types; None as soon as others are among them."""

    def add(self, document: Mapping[str, Document], key: bytes | None = None) -> None:
        """Take in one record that is an object; its key is only compared with its members (see `keys`)."""
        self.records += 1
        self.root.add(document, self.budget)
        if self.cells is not None:
            self.cells.add(document)
        self.variants.add(document)
        self.identities.add(document, key)

    def pass_over(self, code: str) -> None:
        """Count a record that is no object, by the reason's code."""
        self.records += 1
        self.passed_over[code] += 1

    def merge(self, other: StreamSummary) -> None:
        """Take in the records that come after these."""
        self._merge_cells(other)
        self.records += other.records
        self.tombstones += other.tombstones
        self.passed_over.update(other.passed_over)
        self.root.merge(other.root, self.budget)
        self.keys.merge(other.keys, self.budget)
        self.variants.merge(other.variants)
        self.identities.merge(other.identities)

    def _merge_cells(self, other: StreamSummary) -> None:
        if not self.records:
            self.cells = other.cells
        elif self.cells is not None and other.cells is not None:
            self.cells.merge(other.cells)
        elif other.records:
            self.cells = None

    def retype_cells(self) -> None:
        """Take columns of cells for what all of their texts spell. Nothing can be added after that."""
        for name, column in self.cells.columns.items() if self.cells is not None else ():
            member = self.root.members.get(name)
            if member is None or not column.retype(name, member):
                continue
            self.variants.candidates[name] = None
            if column.numbers.spelled:
                self.identities.fields.pop(name, None)  # `1` and `1.0` are one number
        self.cells = None
