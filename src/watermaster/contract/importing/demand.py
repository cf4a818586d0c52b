"""What is asked of one value, beyond the kinds of its parts: which kinds are left, which values, and which words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watermaster.contract.importing.conjunction import Part, kinds_of_words, listed_values
from watermaster.contract.importing.kind import ALL, NULL, Kinds, common_values, kind_of, kinds_of_values
from watermaster.contract.importing.schema_text import SchemaData


@dataclass(frozen=True, slots=True)
class Demand:
    """All parts that hold of one value."""

    parts: Sequence[Part]
    kinds: Kinds
    values: list[SchemaData] | None
    """The listed values that are of these kinds; None if none are listed."""

    @property
    def nullable(self) -> bool:
        """Whether the value may be null."""
        return "null" in self.kinds

    def words(self, keyword: str) -> list[SchemaData]:
        """What each part says under a keyword."""
        return [part.words[keyword] for part in self.parts if keyword in part.words]

    def counts(self, keyword: str) -> Iterator[int]:
        """A length or count of each part; drafts from 6 on take 3.0 for 3."""
        for value in self.words(keyword):
            if isinstance(value, str | list | dict) or value is None:
                continue
            yield int(value)


def demand_of(parts: Sequence[Part]) -> Demand:
    """The parts together."""
    kinds: Kinds = ALL
    values: list[SchemaData] | None = None
    for part in parts:
        listed = listed_values(part.words)
        kinds &= kinds_of_words(part.words) | (NULL if part.nullable else frozenset())
        if listed is not None:
            values = common_values(values, [*listed, None] if part.nullable else listed)
    if values is not None:
        values = [value for value in values if kind_of(value) in kinds]
        kinds &= kinds_of_values(values)
    return Demand(parts, kinds, values)
