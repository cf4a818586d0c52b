"""Held records by what makes them fail: counted by the database, in the order of one index of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import BigInteger, Connection, Select, cast, func, literal, select

from watermaster.adapters.database.hold_rows import (
    Choice,
    count_of,
    hidden,
    record_at,
)
from watermaster.adapters.database.hold_tables import (
    SLOT_MS,
    STATE_NUMBERS,
    held,
    hold_facts,
    hold_unread,
    stands_again,
)
from watermaster.quarantine.fingerprint import group_title
from watermaster.quarantine.group import GroupTally, Timeline
from watermaster.quarantine.held import HeldRecord, Payload
from watermaster.quarantine.lifecycle import ENDS
from watermaster.quarantine.selection import Selection
from watermaster.quarantine.shared_facts import (
    NUMBER_MAX,
    SharedFacts,
    decode_shared,
)
from watermaster.runtime.hold_index_ports import IndexedGroups

STREAMED: Final = 5_000
"""Rows that are fetched at once."""
TIES_MAX: Final = 64
"""Places that are looked at for the typical record, where many are as small as the smallest."""

_END_NUMBERS: Final = frozenset(STATE_NUMBERS[state] for state in ENDS)
_PLACE_BITS: Final = 1 << 44
"""Partition and offset as one number that orders like the log: 524,288 partitions of 17 trillion records."""

_place: Final = cast(held.c.number, BigInteger) * literal(_PLACE_BITS, BigInteger) + held.c.place_offset


def find_groups(connection: Connection, number: int, refs: dict[int, str], selection: Selection) -> IndexedGroups:
    """One pass over `held_by_facts`, which has all that is counted. `refs` are numbers of topics, in their order."""
    found = IndexedGroups(
        unread=count_of(connection, select(hold_unread.c.number).where(hold_unread.c.topic_ref.in_(refs))),
        repeated=connection.scalar(_repeated(number, refs)) or 0,
    )
    groups: dict[tuple[str, str], _Growing] = {}
    choice = Choice.of(connection, number, selection)
    for alike in _alike(connection, _cells(choice, refs)):
        fingerprint, facts = _shared(connection, alike.facts_ref)
        key = (facts.stream, fingerprint)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Growing(GroupTally(fingerprint, "", facts.stream))
        group.take(alike, facts)
        if alike.state not in _END_NUMBERS:
            alike.tell_open(found, refs)
    order = {ref: at for at, ref in enumerate(refs)}
    found.tallies = [group.finished(connection, choice, refs, order) for group in groups.values()]
    found.tallies.sort(key=lambda tally: (-tally.count, tally.stream, tally.fingerprint))
    return found


def _cells(choice: Choice, refs: dict[int, str]) -> Select[Any]:
    """Counts by state, facts, minute, source partition and topic: the order of `held_by_facts`, nothing is sorted."""
    by = (held.c.state, held.c.facts_ref, held.c.slot, held.c.source_partition, held.c.topic_ref)
    counted = (
        func.count().label("records"),
        func.min(held.c.landed_ms).label("first_ms"),
        func.max(held.c.landed_ms).label("last_ms"),
        func.min(held.c.value_bytes).label("least_bytes"),
        func.min(held.c.stored_ms).label("oldest_ms"),
        func.min(_place).label("first_place"),
    )
    meant = (*choice.sought, hidden(held.c.topic_ref).in_(refs))
    return select(*by, *counted).where(*meant).group_by(*by).order_by(*by)


def _alike(connection: Connection, cells: Select[Any]) -> Iterator[_Alike]:
    """The cells of one state and the same facts together; they come one after another."""
    found: _Alike | None = None
    for rows in connection.execution_options(yield_per=STREAMED).execute(cells).partitions():
        for state, facts_ref, *cell in rows:
            if found is None or found.facts_ref != facts_ref or found.state != state:
                if found is not None:
                    yield found
                found = _Alike(state, facts_ref)
            found.take(*cell)
    if found is not None:
        yield found


def _shared(connection: Connection, number: int) -> tuple[str, SharedFacts]:
    row = connection.execute(select(hold_facts.c.fingerprint, hold_facts.c.body).where(hold_facts.c.id == number)).one()
    return row.fingerprint, decode_shared(row.body)


def _repeated(number: int, refs: dict[int, str]) -> Select[Any]:
    """How many; by a column that only the table has, or SQLite would look through all of `held_by_facts`."""
    mine = (held.c.index_ref == number, held.c.topic_ref.in_(refs))
    return select(func.count(held.c.key_hash)).where(*mine, stands_again)


_Cell: TypeAlias = tuple[int, int, int, int, int]
"""State, facts, minute, source partition and topic."""


@dataclass(slots=True)
class _Alike:
    """What is counted of records with one state and the same facts."""

    state: int
    facts_ref: int
    first_ms: int = -1
    last_ms: int = -1
    least_bytes: int = NUMBER_MAX
    slots: dict[int, int] = field(default_factory=dict)
    partitions: dict[int, int] = field(default_factory=dict)
    topics: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """Count, oldest timestamp and first place in each."""
    ties: list[_Cell] = field(default_factory=list)
    """Cells that have a record as small as the smallest."""

    def take(
        self,
        slot: int,
        partition: int,
        topic_ref: int,
        records: int,
        first_ms: int,
        last_ms: int,
        least_bytes: int,
        oldest_ms: int,
        place: int,
    ) -> None:
        """Count one cell; there may be a million."""
        self.partitions[partition] = self.partitions.get(partition, 0) + records
        if slot >= 0:
            self.slots[slot] = self.slots.get(slot, 0) + records
            if first_ms < self.first_ms or self.first_ms < 0:
                self.first_ms = first_ms
            self.last_ms = max(self.last_ms, last_ms)
        there = self.topics.get(topic_ref)
        if there is None:
            self.topics[topic_ref] = (records, oldest_ms, place)
        else:
            self.topics[topic_ref] = (there[0] + records, min(there[1], oldest_ms), min(there[2], place))
        if least_bytes <= self.least_bytes:
            if least_bytes < self.least_bytes:
                self.least_bytes, self.ties = least_bytes, []
            if len(self.ties) < TIES_MAX:
                self.ties.append((self.state, self.facts_ref, slot, partition, topic_ref))

    def tell_open(self, found: IndexedGroups, refs: dict[int, str]) -> None:
        """They are still open."""
        oldest = found.oldest
        for ref, (records, oldest_ms, _) in self.topics.items():
            topic = refs[ref]
            oldest.counts[topic] = oldest.counts.get(topic, 0) + records
            oldest.oldest_ms[topic] = min(oldest_ms, oldest.oldest_ms.get(topic, oldest_ms))


@dataclass(slots=True)
class _Growing:
    """A tally, and where its first and its most readable record are to be found."""

    tally: GroupTally
    slots: dict[int, int] = field(default_factory=dict)
    firsts: dict[int, int] = field(default_factory=dict)
    """Topic to the first place there."""
    least: tuple[bool, int] | None = None
    ties: list[_Cell] = field(default_factory=list)

    def take(self, alike: _Alike, facts: SharedFacts) -> None:
        """Count records with the same facts."""
        tally, count = self.tally, sum(alike.partitions.values())
        tally.count += count
        if alike.slots:
            tally.first_ms = alike.first_ms if tally.first_ms < 0 else min(tally.first_ms, alike.first_ms)
            tally.last_ms = max(tally.last_ms, alike.last_ms)
        for slot, records in alike.slots.items():
            self.slots[slot] = self.slots.get(slot, 0) + records
        values = {**msgspec.structs.asdict(facts.facets), "contract": facts.contract or ""}
        for name, value in values.items():
            tally.facets[name].add(value, count)
        for partition, records in alike.partitions.items():
            tally.facets["partition"].add(str(partition), records)
        for ref, (_, _, place) in alike.topics.items():
            self.firsts[ref] = min(place, self.firsts.get(ref, place))
        readable = facts.payload is not Payload.WHOLE, alike.least_bytes
        if self.least is None or readable < self.least:
            self.least, self.ties = readable, []
        if readable == self.least:
            self.ties += alike.ties[: TIES_MAX - len(self.ties)]

    def finished(
        self, connection: Connection, choice: Choice, refs: dict[int, str], order: dict[int, int]
    ) -> GroupTally:
        """With its title, which is that of its first record, and a typical record."""
        first_topic = min(self.firsts, key=order.__getitem__)
        first = record_at(connection, refs, (first_topic, *divmod(self.firsts[first_topic], _PLACE_BITS)))
        self.tally.title = group_title(first)
        self.tally.timeline = Timeline.of({slot * SLOT_MS: records for slot, records in self.slots.items()})
        self.tally.typical = self._typical(connection, choice, refs)
        return self.tally

    def _typical(self, connection: Connection, choice: Choice, refs: dict[int, str]) -> HeldRecord:
        assert self.least is not None  # noqa: S101 - a group has a record
        best: tuple[str, int, int] | None = None
        for state, facts_ref, slot, partition, topic_ref in self.ties:
            inside = select(func.min(_place)).where(
                *choice.sought,
                held.c.state == state,
                held.c.facts_ref == facts_ref,
                held.c.slot == slot,
                held.c.source_partition == partition,
                hidden(held.c.topic_ref) == topic_ref,
                held.c.value_bytes == self.least[1],
            )
            place = connection.scalar(inside)
            found = refs[topic_ref], int(place or 0), topic_ref
            best = found if best is None else min(best, found)
        assert best is not None  # noqa: S101 - the least stands in one of them
        return record_at(connection, refs, (best[2], *divmod(best[1], _PLACE_BITS)))
