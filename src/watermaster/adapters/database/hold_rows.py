"""Which rows of an index a selection means, and what a row says of its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, func, or_, select, tuple_

from watermaster.adapters.database.hold_shared import storable
from watermaster.adapters.database.hold_tables import (
    REPEAT,
    STATE_NUMBERS,
    held,
    hold_facts,
    hold_index,
    hold_rule,
    hold_text,
    hold_topic,
)
from watermaster.quarantine.held import HeldRecord
from watermaster.quarantine.lifecycle import NEW_HOLD, Hold
from watermaster.quarantine.selection import Selection
from watermaster.quarantine.shared_facts import (
    HeldNumbers,
    decode_shared,
    put_together,
    within,
)
from watermaster.runtime.hold_index_ports import IndexedHold, IndexMark, index_moved
from watermaster.stream.coordinates import TopicPartition

PARTITIONS_MAX: Final = 1_000
"""Source partitions that are looked through for an offset."""

_decode_hold: Final = msgspec.json.Decoder(Hold).decode


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


def hidden(column: Any) -> Any:  # noqa: ANN401 - an expression
    """The column, so that no index is chosen for it: SQLite knows no counts, and would take the first that fits."""
    return column + 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A selection as conditions on rows. A predicate on bytes, and offsets to stay below, are not for an index.

    `sought` are written so that they lead to `held_by_facts`, or to `held_by_source` if offsets are asked for.
    """

    number: int
    conditions: Sequence[Any]

    @classmethod
    def of(cls, connection: Connection, number: int, selection: Selection) -> Choice:
        """Of a selection within one index."""
        by_source = bool(selection.offsets)
        state, partition = held.c.state, held.c.source_partition
        state, partition = (hidden(state), partition) if by_source else (state, hidden(partition))
        states = selection.states or tuple(STATE_NUMBERS)
        row: list[Any] = [held.c.sight != REPEAT, state.in_([STATE_NUMBERS[each] for each in states])]
        facts = _meant_facts(selection)
        if facts:
            row.append(held.c.facts_ref.in_(select(hold_facts.c.id).where(hold_facts.c.index_ref == number, *facts)))
        partitions = [within(each) for each in selection.partitions]
        if by_source:
            partitions = partitions or _source_partitions(connection, number)
            row.append(held.c.source_offset.in_([within(offset) for offset in selection.offsets]))
        if partitions:
            row.append(partition.in_(partitions))
        if selection.since_ms is not None:
            row.append(held.c.landed_ms >= within(selection.since_ms))
        if selection.until_ms is not None:
            row += [held.c.landed_ms >= 0, held.c.landed_ms < within(selection.until_ms)]
        return cls(number, row)

    @property
    def sought(self) -> Sequence[Any]:
        """With what the indexes begin with."""
        return (held.c.index_ref == self.number, *self.conditions)


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


def facts_and_text() -> Select[Any]:
    """Rows with the texts that they share."""
    return (
        select(held, hold_facts.c.body.label("facts"), hold_text.c.body.label("text"))
        .join(hold_facts, hold_facts.c.id == held.c.facts_ref)
        .outerjoin(hold_text, hold_text.c.id == held.c.text_ref)
    )


def indexed(row: Row[Any], topic: str) -> IndexedHold:
    """A row of `facts_and_text` as what it is of."""
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


def record_at(connection: Connection, refs: dict[int, str], place: tuple[int, int, int]) -> HeldRecord:
    """The record at a topic's number, partition and offset."""
    wanted = facts_and_text().where(tuple_(held.c.topic_ref, held.c.number, held.c.place_offset) == tuple_(*place))
    return indexed(connection.execute(wanted).one(), refs[place[0]]).held


def count_of(connection: Connection, wanted: Select[Any]) -> int:
    """How many rows a statement has."""
    return connection.scalar(select(func.count()).select_from(wanted.subquery())) or 0
