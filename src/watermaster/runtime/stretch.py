"""Stretches: held records of a batch that a replay treats alike, as columns with one judgement for all.

Records of one kind (`quarantine.kind`) whose states are written alike have the same life behind them, so what is
decided of one of them from facts that they share is decided of all. What a record has for itself, its bytes above all,
the contract judges in columns; where verdicts differ, a stretch is cut there. A stretch can always be taken apart into
`Judged`, one for each record, and comes to the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from msgspec.structs import replace as changed

from watermaster.gate.verdict import PASSED, Outcome, Verdict
from watermaster.quarantine.held import NotHeld
from watermaster.quarantine.kind import HeldColumns
from watermaster.runtime.judged import Fate, Judged, with_verdict
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import InternalFault

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a batch with what all of them share.

    `like` stands for each of them by what they share: facts, hold, fate, broken rules. Its key and its offsets, sizes
    and times are those of another record of the kind, and it has no bytes.
    """

    like: Judged
    written: bytes | None
    """The state of each hold as it is written; None for nothing."""
    columns: HeldColumns
    rows: Sequence[int]
    """Of the batch, ascending."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def keys(self) -> list[bytes]:
        """Of the holds, as they are written."""
        return self._of(self.columns.keys)

    @property
    def offsets(self) -> list[int]:
        """Of the source records."""
        return self._of(self.columns.offsets)

    @property
    def record_keys(self) -> list[bytes | None]:
        """Keys of the source records."""
        return self._of(self.columns.batch.keys)

    @property
    def values(self) -> list[bytes | None]:
        """Values of the source records."""
        return self._of(self.columns.batch.values)

    @property
    def headers(self) -> list[RawHeaders | None]:
        """Headers of the source records."""
        return self._of(self.columns.originals)

    def as_source(self, target: str, partition: int) -> RecordBatch:
        """The records as their source wrote them, to be forwarded to this partition number."""
        timestamps_ms = self._of(self.columns.batch.timestamps_ms)
        where = TopicPartition(target, partition)
        return RecordBatch(where, self.offsets, timestamps_ms, self.record_keys, self.values, self.headers)

    def part(self, start: int, stop: int) -> Stretch:
        """Some of the records, by their place in the stretch."""
        return self if start == 0 and stop >= len(self) else replace(self, rows=self.rows[start:stop])

    def with_fate(self, fate: Fate) -> Stretch:
        """The same records with another fate."""
        return replace(self, like=changed(self.like, fate=fate))

    def apart(self, rows_max: int | None = None) -> list[Judged]:
        """Each record by itself, read anew; the first `rows_max` of them."""
        return [self._alone(row) for row in self.rows[:rows_max]]

    def _alone(self, row: int) -> Judged:
        found = self.columns.read(row)
        if isinstance(found, NotHeld):
            raise InternalFault("WM-REPLAY-KIND", "a record of a kind cannot be read by itself", hint="Report this.")
        held, before = found
        fate = self.like.fate
        after = before if fate in (Fate.PASSES, Fate.FAILS, Fate.DROPS) else None
        return Judged(self.columns.keys[row], held, self.like.hold, fate, before, after, self.like.broken)

    def by_verdict(self, verdicts: dict[int, Verdict], first: int) -> list[Stretch]:
        """Cut where verdicts change. They are by place among all that was judged; `first` is that of the first here."""
        said = [verdicts.get(first + at, PASSED) for at in range(len(self))]
        parts, start = [], 0
        for at in range(1, len(said) + 1):
            if at == len(said) or not _is_alike(said[at], said[start]):
                parts.append(replace(self.part(start, at), like=with_verdict(self.like, said[start])))
                start = at
        return parts

    def _of(self, column: list[Item]) -> list[Item]:
        if len(self.rows) == len(column):
            return column
        return [column[row] for row in self.rows]


def _is_alike(one: Verdict, other: Verdict) -> bool:
    """Mostly by identity: what has been found of one record is one object for all like it."""
    return one is other or (one.outcome is other.outcome is Outcome.PASS) or one == other
