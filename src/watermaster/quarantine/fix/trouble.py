"""Why a fix could not be applied to a record: a value, counted and shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """`message` is a clause for people; it names places of the fix and repeats nothing of the record."""

    message: str

    def at(self, place: str) -> Trouble:
        """The same, with the place where it happened."""
        return Trouble(f"{place}: {self.message}")
