"""The ledger equation, term by term: does every record that the gate read have exactly one end?

    in = passed + dropped + open + fixed + replayed + discarded + expired

`in`, `passed`, `dropped` and the number held are the ledger's word; what became of the held ones is found on the
quarantine and the holds topic. A held record belongs to the ledger entry that covers its source offset, so every term
is booked under that entry's contract, activation and day (UTC, by the `now` of its transaction). Pure.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from watermaster.quarantine.lifecycle import State

DAY_MS: Final = 86_400_000


class Terms(NamedTuple):
    """What rows of the equation are kept apart by. `day` counts from 1970-01-01 UTC."""

    stream: str
    contract: str
    activation: int
    day: int


@dataclass(slots=True)
class BalanceRow:
    """One row of the equation, in records."""

    read: int = 0
    passed: int = 0
    dropped: int = 0
    held: int = 0
    """By the ledger: what the last five terms must add up to."""
    states: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    missing: int = 0
    """Held by the ledger, found nowhere, and not deleted by retention either. Negative: found more than were held."""

    @property
    def closes(self) -> bool:
        """Whether both sides are equal."""
        return not self.trouble

    @property
    def trouble(self) -> str:
        """Which term does not close, for people; empty if all do."""
        if self.read != self.passed + self.dropped + self.held:
            return "in: the ledger's own numbers do not add up"
        if self.missing > 0:
            return f"held: {self.missing} records are on neither the quarantine nor the holds topic"
        if self.missing < 0:
            return f"held: the quarantine has {-self.missing} records more than the ledger"
        return ""


class _Entries:
    """Ledger entries of one source partition in columns, sorted by their start: 40 bytes each."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int]] = []
        """Start, end, held, index of the terms; sorted and turned into columns by `close`."""
        self.starts, self.ends = array("q"), array("q")
        self.held, self.found, self.terms = array("q"), array("q"), array("q")

    def close(self) -> None:
        for start, end, held, terms in sorted(self.rows):
            self.starts.append(start)
            self.ends.append(end)
            self.held.append(held)
            self.found.append(0)
            self.terms.append(terms)
        self.rows.clear()

    def at(self, offset: int) -> int | None:
        index = bisect_right(self.starts, offset) - 1
        return index if index >= 0 and offset < self.ends[index] else None


class Balance:
    """Grows in three steps: all ledger entries, then all held records with their states, then what is gone."""

    def __init__(self) -> None:
        self._terms: dict[Terms, int] = {}
        self._rows: list[BalanceRow] = []
        self._entries: dict[tuple[str, int], _Entries] = {}
        self._first_seen: dict[tuple[str, int], int] = {}
        self.beyond = 0
        """Held records that no entry covers: the gate was faster than this reading."""

    def enter(
        self, terms: Terms, partition: int, start: int, end: int, *, read: int, passed: int, dropped: int, held: int
    ) -> None:
        """One ledger entry: offsets `[start, end)` of a source partition and its counts."""
        index = self._terms.setdefault(terms, len(self._rows))
        if index == len(self._rows):
            self._rows.append(BalanceRow())
        row = self._rows[index]
        row.read += read
        row.passed += passed
        row.dropped += dropped
        row.held += held
        self._entries.setdefault((terms.stream, partition), _Entries()).rows.append((start, end, held, index))

    def entered(self) -> None:
        """No further entry comes."""
        for entries in self._entries.values():
            entries.close()

    def see(self, stream: str, partition: int, offset: int, state: State) -> None:
        """A held record that stands on the quarantine topic, with its state."""
        at = (stream, partition)
        self._first_seen[at] = min(offset, self._first_seen.get(at, offset))
        self._count(at, offset, state)

    def remember(self, stream: str, partition: int, offset: int, state: State) -> None:
        """A state whose record may be gone; it counts only if it is. Comes after everything was seen."""
        at = (stream, partition)
        if offset < self._first_seen.get(at, offset + 1):
            self._count(at, offset, state if state in (State.REPLAYED, State.DISCARDED) else State.EXPIRED)

    def finish(self, stream: str, partition: int, *, is_cut: bool) -> None:
        """The partition is read. `is_cut`: retention has deleted from its start, so what is missing there expired."""
        at = (stream, partition)
        entries = self._entries.get(at)
        if entries is None:
            return
        first_seen = self._first_seen.get(at)
        for index, held in enumerate(entries.held):
            missing = held - entries.found[index]
            row = self._rows[entries.terms[index]]
            may_expire = is_cut and (first_seen is None or entries.starts[index] < first_seen)
            if missing > 0 and may_expire:
                row.states[State.EXPIRED] += missing
            else:
                row.missing += missing

    def rows(self) -> Iterator[tuple[Terms, BalanceRow]]:
        """The equation, row by row, in the order of the terms."""
        for terms in sorted(self._terms):
            yield terms, self._rows[self._terms[terms]]

    def _count(self, at: tuple[str, int], offset: int, state: State) -> None:
        entries = self._entries.get(at)
        index = entries.at(offset) if entries is not None else None
        if entries is None or index is None:
            self.beyond += 1
            return
        entries.found[index] += 1
        self._rows[entries.terms[index]].states[state] += 1
