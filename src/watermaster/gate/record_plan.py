"""What remains to be checked on typed records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Test: TypeAlias = Callable[[Any], bool]
Count: TypeAlias = Callable[[Any], int]
"""Members plus strings of one value; raises `Unsure`."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A declared field as an attribute of the typed record; `kind` is its type when it is there and not null.

    `bounds` are those that the type keeps, of an integer.
    """

    attribute: str
    kind: type | None
    optional: bool
    bounds: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A declared scalar; `kind` is its type in `SCALAR_KINDS`. `size`: bytes that it takes beside its value, if it is
    optional, which means that it may be absent or null; otherwise `Plan.size` has them."""

    attribute: str
    kind: type
    optional: bool
    size: int


@dataclass(slots=True)
class Plan:
    """What remains to be checked on typed records. Attributes are dotted paths that are always readable."""

    quoted: int = 0
    """Members plus strings that every good record has."""
    size: int | None = 0
    """Bytes that every good record has for what is always there, without the values of scalars, but with their quotes;
    null if there is no such number, as commas depend on what else is there."""
    scalars: list[Member] = field(default_factory=list)
    """All of them, outside of containers."""
    texts: list[tuple[str, str, bool]] = field(default_factory=list)
    """(attribute, RE2 expression of the whole text, optional)."""
    numbers: list[tuple[str, Any, bool]] = field(default_factory=list)
    """(attribute, msgspec type, optional). In the record they are raw text, read together in a column: see `block`."""
    tests: list[tuple[str, Test, bool]] = field(default_factory=list)
    """(attribute, test of a value that is there, optional)."""
    counts: list[tuple[str, Count]] = field(default_factory=list)
    """Containers, present or not, that are counted one by one."""
    slots: dict[tuple[str, ...], Slot] = field(default_factory=dict)
    inner_numbers: bool = False
    """Whether digits beyond a double's precision can matter inside containers."""

    @property
    def matched(self) -> tuple[str, ...]:
        """Attributes of `texts`, in their order."""
        return tuple(attribute for attribute, _, _ in self.texts)

    def add_size(self, size: int | None) -> None:
        """Of something that is always there."""
        self.size = None if self.size is None or size is None else self.size + size
