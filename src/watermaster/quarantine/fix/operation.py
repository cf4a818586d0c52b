"""What a fix does, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from watermaster.contract.cel import CelExpression
from watermaster.quarantine.fix.change import Change
from watermaster.quarantine.fix.place import Place


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the document says, as a JSON fragment."""

    fragment: bytes


Source: TypeAlias = Constant | CelExpression


@dataclass(frozen=True, slots=True)
class Put:
    """Write a value: replace what is there, or add the last member where its object is there.

    `keeps` leaves alone what is there and not null (`default`).
    """

    place: Place
    source: Source
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Rename:
    """Another name for a member or a header; it stays where it stands."""

    place: Place
    name: str


@dataclass(frozen=True, slots=True)
class Move:
    """Take a value away and put it where nothing stands yet."""

    place: Place
    to: Place


@dataclass(frozen=True, slots=True)
class Delete:
    """Take a member, an item or a header away; a key becomes null."""

    place: Place


@dataclass(frozen=True, slots=True)
class Alter:
    """Change a value that is there."""

    place: Place
    change: Change


Operation: TypeAlias = Put | Rename | Move | Delete | Alter
