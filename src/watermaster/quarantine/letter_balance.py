"""The equation of an adopted quarantine, whose writer keeps no ledger: what lies there, and what became of it.

    records = open + fixed + replayed + discarded + unread + doubles + clashes
    deleted >= replayed before + discarded before + expired

Where no gate counts what it holds, nobody can say how many letters there should have been: only the log itself can.
What retention has deleted is counted by offsets, so it is an upper bound (markers and compaction leave gaps). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from watermaster.quarantine.lifecycle import State


class LetterTerms(NamedTuple):
    """What rows are kept apart by: the source topic, and who gave up on its records."""

    stream: str
    holder: str


@dataclass(slots=True)
class LetterBalance:
    """Grows letter by letter; `left` are states of which no letter was seen."""

    rows: dict[LetterTerms, dict[State, int]] = field(default_factory=dict)
    records: int = 0
    unread: int = 0
    doubles: int = 0
    clashes: int = 0
    deleted_max: int = 0
    """Offsets below the log starts: at most so many letters are gone."""
    gone: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    """Letters that are gone and of which a state tells the end; open and fixed ones among them have expired."""
    orphans: int = 0
    """States of letters that were never there."""

    def see(self, terms: LetterTerms, state: State) -> None:
        """One letter with its state."""
        row = self.rows.get(terms)
        if row is None:
            row = self.rows[terms] = dict.fromkeys(State, 0)
        row[state] += 1

    def remember(self, state: State) -> None:
        """A state without a letter. Comes after everything was seen and `deleted_max` is known."""
        if self.deleted_max:
            self.gone[state if state in (State.REPLAYED, State.DISCARDED) else State.EXPIRED] += 1
        else:
            self.orphans += 1

    @property
    def held(self) -> int:
        """Letters that lie there, each counted once."""
        return sum(sum(row.values()) for row in self.rows.values())

    @property
    def expired_max(self) -> int:
        """At most so many letters were deleted before anything became of them."""
        return max(0, self.deleted_max - self.gone[State.REPLAYED] - self.gone[State.DISCARDED])

    @property
    def troubles(self) -> list[str]:
        """What does not close, for people; empty if all does."""
        found = []
        if self.records != self.held + self.unread + self.doubles + self.clashes:
            found.append("the records that were read do not add up")
        if self.orphans:
            found.append(f"{self.orphans} states are of letters that were never there")
        if self.clashes:
            found.append(
                f"{self.clashes} letters have the coordinates of another one and other bytes: was their source topic "
                "deleted and made anew? They are left alone; adopt the topic under another name to act on them"
            )
        return found
