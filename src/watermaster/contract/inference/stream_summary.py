"""The summary of one stream: its documents, its keys, what could not be learnt from, and its variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

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

    def add(self, document: Mapping[str, Document], key: bytes | None = None) -> None:
        """Take in one record that is an object; its key is only compared with its members (see `keys`)."""
        self.records += 1
        self.root.add(document, self.budget)
        self.variants.add(document)
        self.identities.add(document, key)

    def pass_over(self, code: str) -> None:
        """Count a record that is no object, by the reason's code."""
        self.records += 1
        self.passed_over[code] += 1

    def merge(self, other: StreamSummary) -> None:
        """Take in the records that come after these."""
        self.records += other.records
        self.tombstones += other.tombstones
        self.passed_over.update(other.passed_over)
        self.root.merge(other.root, self.budget)
        self.keys.merge(other.keys, self.budget)
        self.variants.merge(other.variants)
        self.identities.merge(other.identities)
