"""The index says what a pass over the topics says, on either database, whatever happens to the topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hold_world import CANARY, CONTRACTS, HOLDS, OTHER, QUARANTINE, RULES, HoldWorld, by_index
from sqlalchemy import Engine, Table, inspect, select

from watermaster.adapters.database import hold_index
from watermaster.adapters.database.engine import reading
from watermaster.adapters.database.hold_index import DatabaseHoldIndex
from watermaster.adapters.database.hold_tables import (
    held,
    hold_facts,
    hold_position,
    hold_rule,
    hold_text,
    hold_topic,
    hold_unread,
)
from watermaster.adapters.database.hold_tables import hold_index as hold_index_table
from watermaster.adapters.database.tables import metadata
from watermaster.quarantine.letter import Dialect
from watermaster.quarantine.lifecycle import State
from watermaster.quarantine.selection import Selection
from watermaster.runtime.crash_points import CrashPoint
from watermaster.runtime.hold_index_ports import HeldBatch, HeldFact, IndexMark, StateBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

EVERYTHING = Selection()
HAPPENINGS = 120


def selections(world: HoldWorld) -> list[Selection]:
    """Each condition alone, and some together."""
    chance = world.chance
    tallies = world.pass_over(EVERYTHING).groups
    group = chance.choice(tallies)["group"][1] if tallies else "0"
    key = chance.choice(world.keys)
    return [
        EVERYTHING,
        Selection(states=(State.OPEN, State.FIXED)),
        Selection(states=(State.REPLAYED,)),
        Selection(groups=(group[:5],)),
        Selection(groups=("_", "%")),
        Selection(rules=(RULES[0].rule, "none")),
        Selection(contract=CONTRACTS[0][:9], states=(State.OPEN,)),
        Selection(contract="sha256:a"),
        Selection(streams=("orders", QUARANTINE)),
        Selection(partitions=(1, 2)),
        Selection(offsets=(key.offset,)),
        Selection(partitions=(key.partition,), offsets=(key.offset, 2**70)),
        Selection(since_ms=1_700_000_300_000, until_ms=1_700_000_700_123),
        Selection(since_ms=-5),
        Selection(until_ms=1_700_000_500_000, groups=(group,), rules=(RULES[1].rule,)),
    ]


def assert_alike(world: HoldWorld, store: DatabaseHoldIndex, *topics: str) -> None:
    mark = world.indexer(store).catch_up()
    asked = topics or world.topics
    for selection in selections(world):
        assert by_index(store, mark, selection, asked) == world.pass_over(selection, asked), selection


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_index_says_what_the_topics_say(engine: Engine, seed: int) -> None:
    world, store = HoldWorld(seed, holds=1 + seed % 2), DatabaseHoldIndex(engine)
    for number in range(HAPPENINGS):
        world.anything()
        if number % 60 == 59:
            assert_alike(world, store)
    assert_alike(world, store, OTHER)
    assert_alike(world, DatabaseHoldIndex(engine))


def rows(engine: Engine, table: Table) -> list[tuple[Any, ...]]:
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(table))]


def test_nothing_of_a_payload_is_in_the_database(engine: Engine, tmp_path: Path) -> None:
    world, store = HoldWorld(), DatabaseHoldIndex(engine)
    world.gate_holds(30)
    for _ in range(20):
        world.letter()
    world.nameless()
    world.indexer(store).catch_up()
    assert len(rows(engine, held)) == 51
    texts = [str(row) for table in metadata.sorted_tables for row in rows(engine, table)]
    assert not [text for text in texts if CANARY in text]
    engine.dispose()
    for file in tmp_path.glob("watermaster.db*"):
        assert CANARY.encode() not in file.read_bytes()


def test_a_batch_is_put_once(engine: Engine) -> None:
    """Two processes have read the same; the one that comes later is told, and goes on behind it."""
    world, first, second = HoldWorld(), DatabaseHoldIndex(engine), DatabaseHoldIndex(engine)
    world.gate_holds(20)
    world.becomes(State.REPLAYED, world.keys[0])
    slow = world.indexer(second)
    read = second.positions

    def overtaken(mark: IndexMark) -> Mapping[TopicPartition, int]:
        found = read(mark)
        second.positions = read  # type: ignore[method-assign]
        world.indexer(first).catch_up()
        world.gate_holds(20)
        world.becomes(State.DISCARDED, world.keys[0])
        return found

    second.positions = overtaken  # type: ignore[method-assign]
    slow.catch_up()
    mark = slow.catch_up()
    assert sum(first.counts(mark).values()) == 40
    assert by_index(first, mark, EVERYTHING, world.topics) == world.pass_over(EVERYTHING)


def test_a_batch_that_begins_elsewhere_leaves_nothing(engine: Engine) -> None:
    world, store = HoldWorld(), DatabaseHoldIndex(engine)
    world.gate_holds(30)
    world.becomes(State.OPEN)
    mark = world.indexer(store).catch_up()
    before = rows(engine, held), store.positions(mark)
    where = TopicPartition(QUARANTINE, 0)
    facts = [HeldFact(store.page(mark, QUARANTINE, EVERYTHING, None, 1)[0].held, 0)]
    facts = [HeldFact(msgspec.structs.replace(facts[0].held, place_offset=10**6), 0)]
    for begin in (0, before[1][where] + 1):
        assert not store.put_held(mark, HeldBatch(where, begin, 10**7, facts, [10**6 + 1]))
        assert not store.put_states(mark, StateBatch(TopicPartition(HOLDS, 0), begin + 5, 10**7, {}))
    assert (rows(engine, held), store.positions(mark)) == before
    assert not rows(engine, hold_unread)


def test_what_dies_before_its_commit_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    world, store = HoldWorld(3), DatabaseHoldIndex(engine)
    world.gate_holds(30)
    world.becomes(State.FIXED)

    class Died(Exception):
        pass

    def die(point: CrashPoint) -> None:
        if point is CrashPoint.BEFORE_COMMIT:
            raise Died

    monkeypatch.setattr(hold_index, "reach", die)
    with pytest.raises(Died):
        world.indexer(store).catch_up()
    assert not rows(engine, held)
    assert not rows(engine, hold_position)
    monkeypatch.undo()
    mark = world.indexer(store).catch_up()
    assert by_index(store, mark, EVERYTHING, world.topics) == world.pass_over(EVERYTHING)


@pytest.mark.parametrize(
    ("happens", "because"),
    [
        (lambda world: world.made_anew(OTHER), f"{OTHER} was made anew"),
        (lambda world: world.made_anew(HOLDS), f"its topic of states {HOLDS} is another one or gone"),
        (lambda world: world.cluster.delete_topic(HOLDS), f"its topic of states {HOLDS} is another one or gone"),
        (lambda world: world.cluster.log(TopicPartition(OTHER, 1)).truncate(1), f"{OTHER}[1] ends before"),
        (lambda world: world.cluster.log(TopicPartition(HOLDS, 0)).truncate(0), f"{HOLDS}[0] ends before"),
        (lambda world: world.read_as(Dialect.PLAIN), "its records are read in another way now"),
    ],
)
def test_other_topics_or_another_reading_make_it_anew_and_that_is_said(
    engine: Engine, happens: Callable[[HoldWorld], object], because: str
) -> None:
    world, store = HoldWorld(5), DatabaseHoldIndex(engine)
    world.gate_holds(40)
    world.gate_holds(40, OTHER)
    world.becomes(State.DISCARDED)
    old = world.indexer(store).catch_up()
    happens(world)
    new = world.indexer(store).catch_up()
    assert because in new.because
    assert by_index(store, new, EVERYTHING, world.topics) == world.pass_over(EVERYTHING)
    assert world.indexer(store).catch_up().because == ""
    for ask in (store.positions, store.counts, lambda mark: store.groups(mark, world.topics, EVERYTHING)):
        with pytest.raises(WorldFault, match="WM-INDEX-MOVED"):
            ask(old)
    with pytest.raises(WorldFault, match="WM-INDEX-MOVED"):
        store.put_held(old, HeldBatch(TopicPartition(QUARANTINE, 0), 0, 1, []))


def test_a_topic_more_is_read_with_its_states_and_one_that_another_names_is_kept_up(engine: Engine) -> None:
    world, store = HoldWorld(), DatabaseHoldIndex(engine)
    world.gate_holds(20)
    world.gate_holds(20, OTHER)
    for key in world.keys[20:30]:
        world.becomes(State.REPLAYED, key)
    world.indexer(store, QUARANTINE).catch_up()
    assert world.indexer(store).catch_up().because == f"{OTHER} has come to it"
    world.gate_holds(5, OTHER)
    world.becomes(State.DISCARDED, world.keys[-1])
    mark = world.indexer(store, QUARANTINE).catch_up()
    assert mark.because == ""
    assert by_index(store, mark, EVERYTHING, world.topics) == world.pass_over(EVERYTHING)


def test_what_is_held_again_has_the_state_that_it_had(engine: Engine) -> None:
    """It is written after its state, which nobody reads again; once retention has taken the first, too."""
    world, store = HoldWorld(), DatabaseHoldIndex(engine)
    world.becomes(State.REPLAYED, world.gate_holds_one(1, 7))
    world.letter(offset=5)
    world.becomes(State.DISCARDED, world.keys[-1])
    world.gate_holds(10)
    world.indexer(store).catch_up()
    first_letters = [world.cluster.log(TopicPartition(QUARANTINE, number)).end for number in range(3)]
    world.gate_holds_one(1, 7)
    for _ in range(4):
        world.letter(offset=5)
    assert_alike(world, store)
    for number, end in enumerate(first_letters):
        world.cluster.log(TopicPartition(QUARANTINE, number)).delete_before(end)
    assert_alike(world, store)


def test_of_what_was_replaced_nothing_is_left(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold_index, "PIECE", 7)
    world, store = HoldWorld(), DatabaseHoldIndex(engine)
    for _ in range(120):
        world.anything()
    world.stranger()
    for _ in range(3):
        mark = world.indexer(store).rebuild()
    for table in (held, hold_facts, hold_text, hold_topic):
        assert {row[table.c.keys().index("index_ref")] for row in rows(engine, table)} == {mark.number}
    assert len(rows(engine, hold_index_table)) == 1
    topics = {row[0] for row in rows(engine, hold_topic)}
    for table in (hold_position, hold_unread):
        assert {row[0] for row in rows(engine, table)} <= topics
    assert {row[0] for row in rows(engine, hold_rule)} <= {row[0] for row in rows(engine, hold_facts)}
    assert by_index(store, mark, EVERYTHING, world.topics) == world.pass_over(EVERYTHING)


def test_what_others_write_into_headers_is_kept_and_stops_nothing(engine: Engine) -> None:
    world, store = HoldWorld(), DatabaseHoldIndex(engine)
    world.letter(offset=10**19 - 1, source="a\0b", holder="h\0ü")
    world.letter(offset=2**63, source="a\0b")
    world.becomes(State.DISCARDED, world.keys[0])
    mark = world.indexer(store).catch_up()
    for selection in (EVERYTHING, Selection(streams=("a\0b",)), Selection(states=(State.DISCARDED,))):
        assert by_index(store, mark, selection, world.topics) == world.pass_over(selection)


def test_the_migrations_make_the_tables_of_the_index(engine: Engine) -> None:
    for table in (held, hold_index_table, hold_topic, hold_position, hold_facts, hold_rule, hold_text, hold_unread):
        columns = {column["name"]: column["nullable"] for column in inspect(engine).get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        made = {index["name"]: index["column_names"] for index in inspect(engine).get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= made.keys()
        for index in table.indexes:
            assert made[str(index.name)] == [column.name for column in index.columns]
