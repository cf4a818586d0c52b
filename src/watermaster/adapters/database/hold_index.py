"""Indexes of held records over either database: how they are written.

A batch is one transaction that locks the index it belongs to, moves the position from where the batch begins to where
it ends, and puts the rows. If the position stands elsewhere, somebody else was faster and nothing is put.

An index that is replaced is only marked; `sweep` removes its rows piece by piece, so nobody waits for ten million.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, and_, bindparam, delete, exists, insert, or_, select, tuple_, update

from watermaster.adapters.database.engine import reading, transaction, writing
from watermaster.adapters.database.hold_look import DatabaseHoldLook
from watermaster.adapters.database.hold_rows import must_stand
from watermaster.adapters.database.hold_shared import SharedTexts
from watermaster.adapters.database.hold_tables import (
    ALONE,
    FIRST,
    REPEAT,
    SLOT_MS,
    STATE_NUMBERS,
    held,
    hold_facts,
    hold_index,
    hold_position,
    hold_rule,
    hold_text,
    hold_topic,
    hold_unread,
    stands_again,
)
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.lifecycle import NEW_HOLD
from watermaster.quarantine.shared_facts import HeldNumbers, SharedFacts, short_hash, take_apart, within
from watermaster.runtime.crash_points import CrashPoint, reach
from watermaster.runtime.hold_index_ports import HeldBatch, HeldFact, IndexMark, IndexSubject, StateBatch, index_moved
from watermaster.stream.coordinates import TopicPartition

PIECE: Final = 20_000
"""Rows that are removed in one transaction: others wait for it."""

_OPEN: Final = STATE_NUMBERS[NEW_HOLD.state]
_COLUMNS: Final = tuple(column.name for column in held.c)


class DatabaseHoldIndex(DatabaseHoldLook):
    """A `HoldIndexStore`. One for a thread."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._engine = engine
        self._shared = SharedTexts()
        self._insert = _insert_for(engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def names(self) -> frozenset[str]:
        """The quarantines that have one, on any cluster."""
        with reading(self._engine) as connection:
            return frozenset(connection.scalars(select(hold_index.c.name).where(hold_index.c.dropped == 0)))

    def has(self, cluster_id: str, name: str) -> bool:
        """Whether one stands."""
        with reading(self._engine) as connection:
            return connection.scalar(_standing(cluster_id, name)) is not None

    def resume(self, subject: IndexSubject) -> IndexMark:
        """The one that stands, or a new one that says why."""
        with transaction(self._engine) as connection:
            number = connection.scalar(_standing(subject.cluster_id, subject.name))
            if number is None:
                return _make(connection, subject, "")
            because = _difference(connection, number, subject)
            return _make(connection, subject, because) if because else _mark(connection, number, "")

    def renew(self, subject: IndexSubject, because: str) -> IndexMark:
        """A new one in any case."""
        with transaction(self._engine) as connection:
            return _make(connection, subject, because)

    def positions(self, mark: IndexMark) -> Mapping[TopicPartition, int]:
        """As they are stored."""
        wanted = (
            select(hold_topic.c.topic, hold_position.c.number, hold_position.c.next_offset)
            .join(hold_position, hold_position.c.topic_ref == hold_topic.c.id)
            .where(hold_topic.c.index_ref == mark.number)
        )
        with reading(self._engine) as connection:
            must_stand(connection, mark)
            return {TopicPartition(topic, number): at for topic, number, at in connection.execute(wanted)}

    def put_held(self, mark: IndexMark, batch: HeldBatch) -> bool:
        """Rows and position, or nothing."""
        with writing(self._engine) as connection:
            topic_ref = _lock(connection, mark, batch.where.topic)
            if not self._move(connection, topic_ref, batch):
                return False
            apart = [take_apart(fact.held) for fact in batch.facts]
            shared = {one: fact.held for (one, _), fact in zip(apart, batch.facts, strict=True)}
            refs = self._shared.facts(connection, mark.number, shared)
            if apart:
                rows = [
                    _row(mark.number, topic_ref, batch.where.partition, refs[one], one, numbers, fact)
                    for (one, numbers), fact in zip(apart, batch.facts, strict=True)
                ]
                connection.exec_driver_sql(self._insert, rows)
                _take_over_states(connection, mark.number, topic_ref, batch)
            if batch.unread:
                number = batch.where.partition
                unread = [{"topic_ref": topic_ref, "number": number, "place_offset": at} for at in batch.unread]
                connection.execute(insert(hold_unread), unread)
            if any(one.may_stand_twice for one in shared):
                _mark_repeats(connection, mark.number, topic_ref, batch)
            reach(CrashPoint.BEFORE_COMMIT)
        self._shared.keep()
        reach(CrashPoint.AFTER_COMMIT)
        return True

    def put_states(self, mark: IndexMark, batch: StateBatch) -> bool:
        """States and position, or nothing."""
        change = (
            update(held)
            .where(held.c.index_ref == mark.number, held.c.source_partition == bindparam("at_partition"))
            .where(held.c.source_offset == bindparam("at_offset"), held.c.key_hash == bindparam("at_hash"))
            .values(state=bindparam("to_state"), text_ref=bindparam("to_text"))
        )
        with writing(self._engine) as connection:
            topic_ref = _lock(connection, mark, batch.where.topic)
            if not self._move(connection, topic_ref, batch):
                return False
            texts = self._shared.texts(connection, mark.number, set(batch.states.values()))
            changes = [
                {
                    "at_partition": within(key.partition),
                    "at_offset": within(key.offset),
                    "at_hash": _hash_of(key),
                    "to_state": STATE_NUMBERS[hold.state],
                    "to_text": texts[hold],
                }
                for key, hold in batch.states.items()
            ]
            if changes:
                connection.execute(change, changes)
            reach(CrashPoint.BEFORE_COMMIT)
        self._shared.keep()
        reach(CrashPoint.AFTER_COMMIT)
        return True

    def cut(self, mark: IndexMark, where: TopicPartition, start: int) -> None:
        """Piece by piece; letters that repeat what is gone take its place."""
        while self._cut_piece(mark, where, start):
            pass

    def sweep(self) -> bool:
        """One piece of the oldest index that was replaced."""
        with writing(self._engine) as connection:
            dropped = select(hold_index.c.id).where(hold_index.c.dropped == 1).order_by(hold_index.c.id).limit(1)
            number = connection.scalar(dropped.with_for_update())
            if number is None:
                return False
            _sweep_piece(connection, number)
            return True

    # --- inside -------------------------------------------------------------------------------------------------

    def _move(self, connection: Connection, topic_ref: int, batch: HeldBatch | StateBatch) -> bool:
        """Whether the position stood where the batch begins; it stands behind it now."""
        place = (hold_position.c.topic_ref == topic_ref, hold_position.c.number == batch.where.partition)
        stands = connection.scalar(select(hold_position.c.next_offset).where(*place))
        if stands is None:
            row = {"topic_ref": topic_ref, "number": batch.where.partition, "next_offset": batch.end}
            connection.execute(insert(hold_position).values(row))
            return True
        if stands != batch.begin:
            return False
        connection.execute(update(hold_position).where(*place).values(next_offset=batch.end))
        return True

    def _cut_piece(self, mark: IndexMark, where: TopicPartition, start: int) -> bool:
        with reading(self._engine) as connection:
            topic_ref = must_stand(connection, mark, where.topic)
            if not any(_has_below(connection, table, topic_ref, where, start) for table in (held, hold_unread)):
                return False
        with writing(self._engine) as connection:
            _lock(connection, mark, where.topic)
            for table in (held, hold_unread):
                place = (table.c.topic_ref == topic_ref, table.c.number == where.partition)
                below = select(table.c.place_offset).where(*place, table.c.place_offset < start)
                last = connection.scalar(below.order_by(table.c.place_offset).limit(1).offset(PIECE))
                bound = start if last is None else last
                connection.execute(delete(table).where(*place, table.c.place_offset < bound))
            _promote(connection, mark.number)
            return True


def _standing(cluster_id: str, name: str) -> Any:  # noqa: ANN401 - a Select, whose type has no short name
    return select(hold_index.c.id).where(
        hold_index.c.cluster_id == cluster_id, hold_index.c.name == name, hold_index.c.dropped == 0
    )


def _difference(connection: Connection, number: int, subject: IndexSubject) -> str:
    """Why the index is not of this subject; empty if it is. Topics that only another configuration names do no harm."""
    read = connection.scalar(select(hold_index.c.reading).where(hold_index.c.id == number))
    if read != subject.reading:
        return "its records are read in another way now"
    rows = connection.execute(select(hold_topic).where(hold_topic.c.index_ref == number)).all()
    known = {row.topic: row.topic_id for row in rows if not row.holds}
    for topic, topic_id in subject.topics.items():
        if topic not in known:
            return f"{topic} has come to it"
        if known[topic] != topic_id:
            return f"{topic} was made anew"
    holds = next(((row.topic, row.topic_id) for row in rows if row.holds), None)
    if holds is None:
        return "" if subject.holds is None else "its topic of states has been made"
    return "" if holds == subject.holds else f"its topic of states {holds[0]} is another one or gone"


def _make(connection: Connection, subject: IndexSubject, because: str) -> IndexMark:
    mine = (hold_index.c.cluster_id == subject.cluster_id, hold_index.c.name == subject.name)
    connection.execute(update(hold_index).where(*mine, hold_index.c.dropped == 0).values(dropped=1))
    row = {"cluster_id": subject.cluster_id, "name": subject.name, "reading": subject.reading, "dropped": 0}
    number: int = connection.execute(insert(hold_index).values(row).returning(hold_index.c.id)).scalar_one()
    topics = [(topic, topic_id, 0) for topic, topic_id in subject.topics.items()]
    topics += [(*subject.holds, 1)] if subject.holds is not None else []
    names = ("topic", "topic_id", "holds")
    for topic in topics:
        connection.execute(insert(hold_topic).values(index_ref=number, **dict(zip(names, topic, strict=True))))
    return _mark(connection, number, because)


def _mark(connection: Connection, number: int, because: str) -> IndexMark:
    mine = select(hold_topic.c.topic, hold_topic.c.topic_id).where(hold_topic.c.index_ref == number)
    rows = connection.execute(mine.where(hold_topic.c.holds == 0).order_by(hold_topic.c.id))
    return IndexMark(number, {row.topic: row.topic_id for row in rows}, because)


def _lock(connection: Connection, mark: IndexMark, topic: str) -> int:
    """Nobody else writes into this index until the end of the transaction; the number of a topic of it."""
    mine = select(hold_index.c.id).where(hold_index.c.id == mark.number, hold_index.c.dropped == 0)
    if connection.scalar(mine.with_for_update()) is None:
        raise index_moved()
    return must_stand(connection, mark, topic)


def _insert_for(engine: Engine) -> str:
    """The statement in the driver's own words: for rows by the million, naming each value costs more than putting it.

    What is there already stays. A position never moves without its rows, so this is a second belt.
    """
    marks = ", ".join(["?" if engine.dialect.name == "sqlite" else "%s"] * len(_COLUMNS))
    return f"INSERT INTO held ({', '.join(_COLUMNS)}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - our names


def _row(
    number: int,
    topic_ref: int,
    partition: int,
    facts_ref: int,
    shared: SharedFacts,
    numbers: HeldNumbers,
    fact: HeldFact,
) -> tuple[int | None, ...]:
    """In the order of the table's columns."""
    return (
        topic_ref,
        partition,
        fact.held.place_offset,
        number,
        facts_ref,
        _OPEN,
        FIRST if shared.may_stand_twice else ALONE,
        numbers.landed_ms // SLOT_MS if numbers.landed_ms >= 0 else -1,
        numbers.partition,
        numbers.offset,
        numbers.ordinal,
        _hash_of(fact.held.key),
        numbers.attempt,
        numbers.key_bytes,
        numbers.value_bytes,
        numbers.header_count,
        numbers.landed_ms,
        fact.stored_ms,
        None,
    )


def _hash_of(key: HoldKey) -> int:
    return short_hash(key.encode())


def _has_below(connection: Connection, table: Any, topic_ref: int, where: TopicPartition, start: int) -> bool:  # noqa: ANN401 - either table
    place = (table.c.topic_ref == topic_ref, table.c.number == where.partition)
    return connection.scalar(select(table.c.number).where(*place, table.c.place_offset < start).limit(1)) is not None


def _same(one: Any, other: Any) -> Any:  # noqa: ANN401 - aliases of one table
    """Whether two rows have one key; of who may write twice."""
    return and_(
        one.c.index_ref == other.c.index_ref,
        one.c.source_partition == other.c.source_partition,
        one.c.source_offset == other.c.source_offset,
        one.c.key_hash == other.c.key_hash,
        one.c.sight != ALONE,
        other.c.sight != ALONE,
    )


def _before(one: Any, other: Any) -> Any:  # noqa: ANN401 - aliases of one table
    return or_(
        one.c.topic_ref < other.c.topic_ref,
        and_(one.c.topic_ref == other.c.topic_ref, one.c.number < other.c.number),
        and_(
            one.c.topic_ref == other.c.topic_ref,
            one.c.number == other.c.number,
            one.c.place_offset < other.c.place_offset,
        ),
    )


def _take_over_states(connection: Connection, number: int, topic_ref: int, batch: HeldBatch) -> None:
    """What is held again is the same hold: its state is known, and stands before the position that was read last."""
    if connection.scalar(select(hold_text.c.id).where(hold_text.c.index_ref == number).limit(1)) is None:
        return  # no states yet, as in every first pass
    known = held.alias("known")
    same = and_(
        known.c.index_ref == number,
        known.c.source_partition == held.c.source_partition,
        known.c.source_offset == held.c.source_offset,
        known.c.key_hash == held.c.key_hash,
        known.c.text_ref.is_not(None),
    )
    mine = (held.c.topic_ref == topic_ref, held.c.number == batch.where.partition)
    within_batch = (held.c.place_offset >= batch.begin, held.c.place_offset < batch.end)
    its = {name: select(known.c[name]).where(same).limit(1).scalar_subquery() for name in ("state", "text_ref")}
    # A subquery with a limit is asked row by row, which is one step down `held_by_source`; no planner joins it.
    connection.execute(update(held).where(*mine, *within_batch, its["text_ref"].is_not(None)).values(its))


def _mark_repeats(connection: Connection, number: int, topic_ref: int, batch: HeldBatch) -> None:
    """Of rows with one key the first in the order of the log stands for all; a batch may bring any of them."""
    earlier, new, later = held.alias("earlier"), held.alias("new"), held.alias("later")
    its_own = (held.c.topic_ref == topic_ref, held.c.number == batch.where.partition)
    within_batch = (held.c.place_offset >= batch.begin, held.c.place_offset < batch.end)
    repeats = exists().where(_same(earlier, held), _before(earlier, held))
    connection.execute(update(held).where(*its_own, *within_batch, held.c.sight == FIRST, repeats).values(sight=REPEAT))
    behind = (
        select(later.c.topic_ref, later.c.number, later.c.place_offset)
        .select_from(new.join(later, and_(_same(new, later), _before(new, later))))
        .where(new.c.topic_ref == topic_ref, new.c.number == batch.where.partition, new.c.index_ref == number)
        .where(new.c.place_offset >= batch.begin, new.c.place_offset < batch.end, later.c.sight == FIRST)
    )
    place = tuple_(held.c.topic_ref, held.c.number, held.c.place_offset)
    connection.execute(update(held).where(place.in_(behind)).values(sight=REPEAT))


def _promote(connection: Connection, number: int) -> None:
    """What repeated only what is gone now repeats nothing any more."""
    earlier = held.alias("earlier")
    repeats = exists().where(_same(earlier, held), _before(earlier, held))
    connection.execute(update(held).where(held.c.index_ref == number, stands_again, ~repeats).values(sight=FIRST))


def _sweep_piece(connection: Connection, number: int) -> None:
    """Rows, then what they share, then the index itself."""
    for topic_ref in connection.scalars(select(hold_topic.c.id).where(hold_topic.c.index_ref == number)).all():
        for table in (held, hold_unread):
            place = tuple_(table.c.number, table.c.place_offset)
            mine = select(table.c.number, table.c.place_offset).where(table.c.topic_ref == topic_ref)
            last = connection.execute(mine.order_by(*mine.selected_columns).limit(1).offset(PIECE)).one_or_none()
            all_of_it = delete(table).where(table.c.topic_ref == topic_ref)
            connection.execute(all_of_it if last is None else all_of_it.where(place < tuple_(*last)))
            if last is not None:
                return
        connection.execute(delete(hold_position).where(hold_position.c.topic_ref == topic_ref))
        connection.execute(delete(hold_topic).where(hold_topic.c.id == topic_ref))
    facts = connection.scalars(select(hold_facts.c.id).where(hold_facts.c.index_ref == number).limit(PIECE)).all()
    _delete_those(connection, hold_rule.c.facts_ref, facts)
    _delete_those(connection, hold_facts.c.id, facts)
    texts = connection.scalars(select(hold_text.c.id).where(hold_text.c.index_ref == number).limit(PIECE)).all()
    _delete_those(connection, hold_text.c.id, texts)
    if len(facts) < PIECE and len(texts) < PIECE:
        connection.execute(delete(hold_index).where(hold_index.c.id == number))


def _delete_those(connection: Connection, column: Any, values: Sequence[int]) -> None:  # noqa: ANN401 - any column
    if values:
        connection.execute(delete(column.table).where(column == bindparam("that")), [{"that": one} for one in values])
