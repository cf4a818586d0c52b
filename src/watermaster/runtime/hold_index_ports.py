"""What an index of held records needs of a database: facts and positions, put together or not at all.

The quarantine and holds topics are the truth. The index is a copy of their facts that may be thrown away at any time:
every batch is stored with the position behind it, and only where the position before it is still the stored one. So a
process may die anywhere, and several may read the same topics at once: each fact is in the index once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from watermaster.quarantine.group import GroupTally
from watermaster.quarantine.held import HeldRecord
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.lifecycle import Hold
from watermaster.quarantine.selection import Selection
from watermaster.runtime.hold_horizon import OldestOpen
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault


@dataclass(frozen=True, slots=True)
class IndexSubject:
    """What an index is of: a quarantine by its name, its topics with their ids, and how their records are read.

    `reading` is a text that differs where the same records would give other facts. `holds` is None while there is no
    topic of states.
    """

    cluster_id: str
    name: str
    reading: str
    topics: Mapping[str, str]
    holds: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class IndexMark:
    """One making of an index: another one has another number. `topics` of quarantine by name, `holds` with it."""

    number: int
    topics: Mapping[str, str]
    """With the ids that they had when it was made."""
    because: str = ""
    """Why it was made anew just now; empty if it was there, or is the first."""


class HeldFact(NamedTuple):
    """One held record to be stored: its facts, and the timestamp of the record that lies on the quarantine topic."""

    held: HeldRecord
    stored_ms: int


@dataclass(frozen=True, slots=True)
class HeldBatch:
    """What one partition of a quarantine holds in `[begin, end)`: held records, and offsets of what is none."""

    where: TopicPartition
    begin: int
    end: int
    facts: Sequence[HeldFact]
    unread: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class StateBatch:
    """What one partition of a holds topic says in `[begin, end)`: the newest state of each hold."""

    where: TopicPartition
    begin: int
    end: int
    states: Mapping[HoldKey, Hold]


class IndexedHold(NamedTuple):
    """A held record as the index knows it."""

    held: HeldRecord
    hold: Hold


@dataclass(slots=True)
class IndexedGroups:
    """Groups with what else a person is told of them; as a pass over the topics would find them."""

    tallies: list[GroupTally] = field(default_factory=list)
    """The largest first."""
    oldest: OldestOpen = field(default_factory=OldestOpen)
    unread: int = 0
    repeated: int = 0
    """Letters with the coordinates of one that is counted."""


class HoldIndexStore(Protocol):
    """Indexes of held records. Raises WorldFault WM-DATABASE where the database cannot be reached.

    What is asked of a mark that somebody has replaced meanwhile raises WorldFault WM-INDEX-MOVED.
    """

    def has(self, cluster_id: str, name: str) -> bool:
        """Whether there is an index of this quarantine."""
        ...

    def resume(self, subject: IndexSubject) -> IndexMark:
        """The index of a subject: the one that is there, if it is of the same topics and the same reading, or a new
        empty one in its place.
        """
        ...

    def renew(self, subject: IndexSubject, because: str) -> IndexMark:
        """A new empty index in place of any that is there."""
        ...

    def positions(self, mark: IndexMark) -> Mapping[TopicPartition, int]:
        """The next offset of each partition of its topics, holds included; those that were never read are not in it."""
        ...

    def put_held(self, mark: IndexMark, batch: HeldBatch) -> bool:
        """Store a batch with its position. False, and nothing stored, if another one's stands elsewhere."""
        ...

    def put_states(self, mark: IndexMark, batch: StateBatch) -> bool:
        """Store states with their position; those of records that are not in the index are of no use. As above."""
        ...

    def cut(self, mark: IndexMark, where: TopicPartition, start: int) -> None:
        """Forget what lies below the log start of a quarantine partition: nobody can read it any more."""
        ...

    def sweep(self) -> bool:
        """Remove a part of what indexes have left that were replaced; False when there is nothing left."""
        ...

    def page(
        self, mark: IndexMark, topic: str, selection: Selection, after: tuple[int, int] | None, limit: int
    ) -> Sequence[IndexedHold]:
        """Held records of one quarantine topic behind a partition and offset, in the order of the log."""
        ...

    def groups(self, mark: IndexMark, topics: Sequence[str], selection: Selection) -> IndexedGroups:
        """Held records of these quarantine topics by group."""
        ...


def index_moved() -> WorldFault:
    """Somebody else has made the index anew between two steps of ours."""
    return WorldFault(
        "WM-INDEX-MOVED",
        "The index of held records is being made anew by another process.",
        hint="Run the command again; if it goes on, two configurations may read one quarantine in different ways.",
        retriable=True,
    )
