"""A contract that is to be written, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from watermaster.contract.checks import Encoding

DraftScalar: TypeAlias = str | int | Decimal | bool
DraftOption: TypeAlias = DraftScalar | tuple[str, ...]
"""`required` of an object lists names; all other options are scalars."""


@dataclass(frozen=True, slots=True)
class FieldDraft:
    """One property. `logical_type` None lets every value pass; `comments` stand above it, one a line."""

    name: str
    logical_type: str | None = None
    required: bool = False
    unique: bool = False
    options: Mapping[str, DraftOption] = field(default_factory=dict)
    enum: tuple[DraftScalar, ...] = ()
    classification: str | None = None
    description: str = ""
    properties: tuple[FieldDraft, ...] = ()
    items: FieldDraft | None = None
    map_key: FieldDraft | None = None
    map_value: FieldDraft | None = None
    comments: tuple[str, ...] = ()

    def walk(self) -> Iterator[FieldDraft]:
        """This field and all below it."""
        yield self
        for child in (*self.properties, self.items, self.map_key, self.map_value):
            if child is not None:
                yield from child.walk()


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A CEL rule on the whole record."""

    id: str
    expression: str
    description: str
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyDraft:
    """What is asked of the record's key. `described` has no name, and its presence is `required`."""

    required: bool
    described: FieldDraft
    encoding: Encoding = Encoding.STRING
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractDraft:
    """One stream's contract. `physical_name` is its topic, file or table; `physical_type` says which it is."""

    id: str
    object_name: str
    physical_name: str
    physical_type: str = "topic"
    version: str = "0.1.0"
    description: str = ""
    fields: tuple[FieldDraft, ...] = ()
    rules: tuple[RuleDraft, ...] = ()
    key: KeyDraft | None = None
    unknown_fields_held: bool = False
    encoding: Encoding = Encoding.JSON
    comments: tuple[str, ...] = ()
