"""Indexes of held records over either database: how they are looked at.

Each look is one snapshot, in which the index must still stand. Rows are streamed; what is kept in memory are groups,
and counts of bounded size in each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Connection, Engine, Row, Select, cast, func, literal, or_, select, tuple_

from watermaster.adapters.database.engine import reading
from watermaster.adapters.database.hold_shared import storable
from watermaster.adapters.database.hold_tables import (
    REPEAT,
    SLOT_MS,
    STATE_NUMBERS,
    held,
    held_by_facts,
    held_by_source,
    hold_facts,
    hold_index,
    hold_rule,
    hold_text,
    hold_topic,
    hold_unread,
)
from watermaster.quarantine.fingerprint import group_title
from watermaster.quarantine.group import GroupTally
from watermaster.quarantine.held import HeldRecord, Payload
from watermaster.quarantine.lifecycle import ENDS, NEW_HOLD, Hold
from watermaster.quarantine.selection import Selection
from watermaster.quarantine.shared_facts import HeldNumbers, SharedFacts, decode_shared, put_together, within
from watermaster.runtime.hold_index_ports import IndexedGroups, IndexedHold, IndexMark, index_moved
from watermaster.stream.coordinates import TopicPartition

STREAMED: Final = 5_000
"""Rows that are fetched at once."""
FEW: Final = 20_000
"""So many rows are sorted; of more, the log is read in its order until the page is full."""
PARTITIONS_MAX: Final = 1_000
"""Source partitions that are looked through for an offset."""
TIES_MAX: Final = 64
"""Places that are looked at for the typical record, where many are as small as the smallest."""

_END_NUMBERS: Final = frozenset(STATE_NUMBERS[state] for state in ENDS)
_decode_hold: Final = msgspec.json.Decoder(Hold).decode


class DatabaseHoldLook:
    """The looking half of a `HoldIndexStore`."""

    def __init__(self, engine: Engine) -> None:
        self._look_engine = engine

    def counts(self, mark: IndexMark) -> dict[str, int]:
        """Records by quarantine topic."""
        with reading(self._look_engine) as connection:
            refs = {topic: must_stand(connection, mark, topic) for topic in mark.topics}
            rows = {topic: select(held.c.number).where(held.c.topic_ref == ref) for topic, ref in refs.items()}
            return {topic: _count(connection, wanted) for topic, wanted in rows.items()}

    def page(
        self, mark: IndexMark, topic: str, selection: Selection, after: tuple[int, int] | None, limit: int
    ) -> Sequence[IndexedHold]:
        """By the place in the log, behind `after`."""
        with reading(self._look_engine) as connection:
            topic_ref = must_stand(connection, mark, topic)
            choice = _Choice.of(connection, mark.number, selection)
            meant = [*choice.conditions, held.c.topic_ref == topic_ref]
            if after is not None:
                meant.append(tuple_(held.c.number, held.c.place_offset) > tuple_(*after))
            few = choice.hint(select(held.c.number).where(*meant).limit(FEW))
            is_narrow = _count(connection, few) < FEW
            wanted = _facts_and_text().where(*meant).order_by(held.c.number, held.c.place_offset).limit(limit)
            rows = connection.execute(choice.hint(wanted) if is_narrow else _in_order(wanted))
            return [_indexed(row, topic) for row in rows]

    def groups(self, mark: IndexMark, topics: Sequence[str], selection: Selection) -> IndexedGroups:
        """One pass over `held_by_facts`, which has all that is counted."""
        with reading(self._look_engine) as connection:
            refs = {must_stand(connection, mark, topic): topic for topic in topics}
            found = IndexedGroups(
                unread=_count(connection, select(hold_unread.c.number).where(hold_unread.c.topic_ref.in_(refs))),
                repeated=_count(connection, _repeated(mark.number, refs)),
            )
            groups: dict[tuple[str, str], _Growing] = {}
            choice = _Choice.of(connection, mark.number, selection)
            for cells in _chunks(connection, _cells(choice, refs)):
                shared = _shared_of(connection, {cell.facts_ref for cell in cells})
                for cell in cells:
                    fingerprint, facts = shared[cell.facts_ref]
                    key = (facts.stream, fingerprint)
                    group = groups.get(key)
                    if group is None:
                        group = groups[key] = _Growing(GroupTally(fingerprint, "", facts.stream))
                    group.take(cell, facts)
                    if cell.state not in _END_NUMBERS:
                        _see_open(found, refs[cell.topic_ref], cell)
            order = {ref: at for at, ref in enumerate(refs)}
            found.tallies = [group.finished(connection, choice, refs, order) for group in groups.values()]
            found.tallies.sort(key=lambda tally: (-tally.count, tally.stream, tally.fingerprint))
            return found


def must_stand(connection: Connection, mark: IndexMark, topic: str | None = None) -> int:
    """The number of a topic of the index, which nobody may have replaced. Raises WorldFault WM-INDEX-MOVED."""
    standing = select(hold_index.c.id).where(hold_index.c.id == mark.number, hold_index.c.dropped == 0)
    if topic is not None:
        standing = (
            select(hold_topic.c.id)
            .join(hold_index, hold_index.c.id == hold_topic.c.index_ref)
            .where(hold_index.c.id == mark.number, hold_index.c.dropped == 0, hold_topic.c.topic == topic)
        )
    found = connection.scalar(standing)
    if found is None:
        raise index_moved()
    return int(found)


# --- which rows are meant ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Choice:
    """A selection as conditions on rows, and the index by which SQLite is to find them: it knows no counts of its own.

    A predicate on bytes, and offsets to stay below, are not for an index.
    """

    conditions: Sequence[Any]
    index: str

    @classmethod
    def of(cls, connection: Connection, number: int, selection: Selection) -> _Choice:
        """Of a selection within one index."""
        states = selection.states or tuple(STATE_NUMBERS)
        row: list[Any] = [held.c.index_ref == number, held.c.sight != REPEAT]
        row.append(held.c.state.in_([STATE_NUMBERS[state] for state in states]))
        facts = _meant_facts(selection)
        if facts:
            row.append(held.c.facts_ref.in_(select(hold_facts.c.id).where(hold_facts.c.index_ref == number, *facts)))
        partitions = [within(partition) for partition in selection.partitions]
        if selection.offsets:
            partitions = partitions or _source_partitions(connection, number)
            row.append(held.c.source_offset.in_([within(offset) for offset in selection.offsets]))
        if partitions:
            row.append(held.c.source_partition.in_(partitions))
        if selection.since_ms is not None:
            row.append(held.c.landed_ms >= within(selection.since_ms))
        if selection.until_ms is not None:
            row += [held.c.landed_ms >= 0, held.c.landed_ms < within(selection.until_ms)]
        return cls(row, str((held_by_source if selection.offsets else held_by_facts).name))

    def hint(self, wanted: Select[Any]) -> Select[Any]:
        """The statement with the index that is to be used."""
        return wanted.with_hint(held, f"INDEXED BY {self.index}", "sqlite")


def _in_order(wanted: Select[Any]) -> Select[Any]:
    return wanted.with_hint(held, "NOT INDEXED", "sqlite")


def _source_partitions(connection: Connection, number: int) -> list[int]:
    """The source partitions that the index has, each found by one step down a tree; none if there are very many."""
    found: list[int] = []
    while len(found) < PARTITIONS_MAX:
        least = select(func.min(held.c.source_partition)).where(held.c.index_ref == number)
        least = least.where(held.c.source_partition > found[-1]) if found else least
        next_one = connection.scalar(least)
        if next_one is None:
            return found
        found.append(next_one)
    return []


def _meant_facts(selection: Selection) -> list[Any]:
    facts: list[Any] = []
    if selection.streams:
        facts.append(hold_facts.c.stream.in_(map(storable, selection.streams)))
    if selection.groups:
        facts.append(or_(*(hold_facts.c.fingerprint.startswith(text, autoescape=True) for text in selection.groups)))
    if selection.rules:
        rules = select(hold_rule.c.facts_ref).where(hold_rule.c.rule.in_(map(storable, selection.rules)))
        facts.append(hold_facts.c.id.in_(rules))
    if selection.contract:
        facts.append(hold_facts.c.contract.startswith(storable(selection.contract), autoescape=True))
    return facts


# --- one record -------------------------------------------------------------------------------------------------------


def _facts_and_text() -> Select[Any]:
    return (
        select(held, hold_facts.c.body.label("facts"), hold_text.c.body.label("text"))
        .join(hold_facts, hold_facts.c.id == held.c.facts_ref)
        .outerjoin(hold_text, hold_text.c.id == held.c.text_ref)
    )


def _indexed(row: Row[Any], topic: str) -> IndexedHold:
    numbers = HeldNumbers(
        row.source_partition,
        row.source_offset,
        row.ordinal,
        row.attempt,
        row.key_bytes,
        row.value_bytes,
        row.header_count,
        row.landed_ms,
    )
    record = put_together(decode_shared(row.facts), numbers, TopicPartition(topic, row.number), row.place_offset)
    return IndexedHold(record, NEW_HOLD if row.text is None else _decode_hold(row.text))


def _record_at(connection: Connection, refs: dict[int, str], place: tuple[int, int, int]) -> HeldRecord:
    wanted = _facts_and_text().where(tuple_(held.c.topic_ref, held.c.number, held.c.place_offset) == tuple_(*place))
    return _indexed(connection.execute(wanted).one(), refs[place[0]]).held


# --- groups -----------------------------------------------------------------------------------------------------------


_PLACE_BITS: Final = 1 << 44
"""Partition and offset as one number that orders like the log: 524,288 partitions of 17 trillion records."""

_place: Final = cast(held.c.number, BigInteger) * literal(_PLACE_BITS, BigInteger) + held.c.place_offset


def _cells(choice: _Choice, refs: dict[int, str]) -> Select[Any]:
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
    meant = (*choice.conditions, held.c.topic_ref.in_(refs))
    return choice.hint(select(*by, *counted).where(*meant).group_by(*by).order_by(*by))


def _chunks(connection: Connection, wanted: Select[Any]) -> Iterator[Sequence[Row[Any]]]:
    rows = connection.execution_options(yield_per=STREAMED).execute(wanted)
    yield from rows.partitions()


def _shared_of(connection: Connection, refs: set[int]) -> dict[int, tuple[str, SharedFacts]]:
    found: dict[int, tuple[str, SharedFacts]] = {}
    asked = sorted(refs)
    for begin in range(0, len(asked), 500):
        wanted = select(hold_facts.c.id, hold_facts.c.fingerprint, hold_facts.c.body).where(
            hold_facts.c.id.in_(asked[begin : begin + 500])
        )
        for row in connection.execute(wanted):
            found[row.id] = row.fingerprint, decode_shared(row.body)
    return found


def _count(connection: Connection, wanted: Select[Any]) -> int:
    return connection.scalar(select(func.count()).select_from(wanted.subquery())) or 0


def _repeated(number: int, refs: dict[int, str]) -> Select[Any]:
    return select(held.c.number).where(held.c.index_ref == number, held.c.topic_ref.in_(refs), held.c.sight == REPEAT)


def _see_open(found: IndexedGroups, topic: str, cell: Row[Any]) -> None:
    oldest = found.oldest
    oldest.counts[topic] = oldest.counts.get(topic, 0) + cell.records
    oldest.oldest_ms[topic] = min(cell.oldest_ms, oldest.oldest_ms.get(topic, cell.oldest_ms))


@dataclass(slots=True)
class _Growing:
    """A tally, and where its first and its most readable record are to be found."""

    tally: GroupTally
    firsts: dict[int, int] = field(default_factory=dict)
    """Topic to the first place there."""
    least: tuple[bool, int] | None = None
    ties: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    """Cells that have a record as readable as that."""

    def take(self, cell: Row[Any], facts: SharedFacts) -> None:
        """Count one cell."""
        tally = self.tally
        tally.count += cell.records
        if cell.slot >= 0:
            tally.first_ms = cell.first_ms if tally.first_ms < 0 else min(tally.first_ms, cell.first_ms)
            tally.last_ms = max(tally.last_ms, cell.last_ms)
            tally.timeline.add(cell.slot * SLOT_MS, cell.records)
        values = {
            "producer": facts.facets.producer,
            "schema_id": facts.facets.schema_id,
            "version": facts.facets.version,
            "partition": str(cell.source_partition),
            "host": facts.facets.host,
            "contract": facts.contract or "",
        }
        for name, value in values.items():
            tally.facets[name].add(value, cell.records)
        self.firsts[cell.topic_ref] = min(cell.first_place, self.firsts.get(cell.topic_ref, cell.first_place))
        readable = facts.payload is not Payload.WHOLE, cell.least_bytes
        if self.least is None or readable < self.least:
            self.least, self.ties = readable, []
        if readable == self.least and len(self.ties) < TIES_MAX:
            self.ties.append((cell.state, cell.facts_ref, cell.slot, cell.source_partition, cell.topic_ref))

    def finished(
        self, connection: Connection, choice: _Choice, refs: dict[int, str], order: dict[int, int]
    ) -> GroupTally:
        """With its title, which is that of its first record, and a typical record."""
        first_topic = min(self.firsts, key=order.__getitem__)
        first = _record_at(connection, refs, (first_topic, *divmod(self.firsts[first_topic], _PLACE_BITS)))
        self.tally.title = group_title(first)
        self.tally.typical = self._typical(connection, choice, refs)
        return self.tally

    def _typical(self, connection: Connection, choice: _Choice, refs: dict[int, str]) -> HeldRecord:
        assert self.least is not None  # noqa: S101 - a group has a record
        best: tuple[str, int, int] | None = None
        for state, facts_ref, slot, partition, topic_ref in self.ties:
            inside = select(func.min(_place)).where(
                *choice.conditions,
                held.c.state == state,
                held.c.facts_ref == facts_ref,
                held.c.slot == slot,
                held.c.source_partition == partition,
                held.c.topic_ref == topic_ref,
                held.c.value_bytes == self.least[1],
            )
            place = connection.scalar(choice.hint(inside))
            found = refs[topic_ref], int(place or 0), topic_ref
            best = found if best is None else min(best, found)
        assert best is not None  # noqa: S101 - the least stands in one of them
        return _record_at(connection, refs, (best[2], *divmod(best[1], _PLACE_BITS)))
