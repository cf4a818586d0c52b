"""Where a gate begins: committed offset, ledger and log compared; each outcome by its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gate_world import World

from watermaster.gate.ledger import Gap, LedgerEntry, encode_entry, ledger_key
from watermaster.runtime.configuration import Start
from watermaster.runtime.gate_position import IDENTITY_INTERVAL_S, PositionKeeper
from watermaster.runtime.judging import Suspect, encode_suspect
from watermaster.runtime.ports import CommittedPosition
from watermaster.runtime.stage import StartPosition
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, UsageFault, WorldFault

ORDERS = TopicPartition("orders", 0)


def world_of(records: int = 0, *, start: Start = Start.EARLIEST, partitions: int = 1) -> World:
    world = World({"orders": partitions}, start=start)
    for _ in range(records):
        world.cluster.produce("orders")
    return world


def commit(
    world: World, offset: int, *, activation: int = 1, ours: bool = True, source: TopicPartition = ORDERS
) -> None:
    topic_id = world.cluster.topics["orders"].topic_id if ours else ""
    position = CommittedPosition(offset, activation if ours else 0, topic_id, ours)
    world.cluster.group(world.gate.group_id).offsets[source] = position


def enter(world: World, from_: int, to: int, *, source: TopicPartition = ORDERS) -> None:
    entry = LedgerEntry(
        gate="g", cluster="c", topic=source.topic, topic_id=world.cluster.topics["orders"].topic_id,
        partition=source.partition, from_=from_, to=to, activation=1, contract="x", now_ms=0,
        read=to - from_, passed=to - from_, held=0, dropped=0,
    )  # fmt: skip
    world.cluster.produce(world.gate.ledger, source.partition % 2, key=ledger_key(source), value=encode_entry(entry))


def begin(world: World, *, accept_position: bool = False, source: TopicPartition = ORDERS) -> StartPosition:
    return world.worker(accept_position=accept_position).positions.begin([source])[source]


Arrange = Callable[[World], None]


def known(committed: int, ledger: int, **more: bool) -> Arrange:
    def arrange(world: World) -> None:
        enter(world, 0, ledger)
        commit(world, committed, **more)

    return arrange


def cut(offset: int, then: Arrange) -> Arrange:
    def arrange(world: World) -> None:
        world.cluster.log(ORDERS).delete_before(offset)
        then(world)

    return arrange


STARTS: list[tuple[str, Arrange, bool, StartPosition]] = [
    ("all three agree", known(4, 4), False, StartPosition(4)),
    ("at the end", known(10, 10), False, StartPosition(10)),
    ("the ledger does not reach back so far", lambda world: commit(world, 4), False, StartPosition(4)),
    ("reset by somebody to where it was", known(4, 4, ours=False), False, StartPosition(4)),
    ("seeded by somebody before the first start", lambda world: commit(world, 4, ours=False), False, StartPosition(4)),
    ("retention was faster", cut(7, known(4, 4)), False, StartPosition(7, Gap(4, 7, "retention", 3))),
    ("retention took everything", cut(10, known(4, 4)), False, StartPosition(10, Gap(4, 10, "retention", 6))),
    ("retention reaches exactly the position", cut(4, known(4, 4)), False, StartPosition(4)),
    ("moved on, accepted", known(8, 4, ours=False), True, StartPosition(8, Gap(4, 8, "moved", 4))),
    ("expired, accepted", lambda world: enter(world, 0, 4), True, StartPosition(4, is_first=True)),
    ("expired, accepted, and retention was faster", cut(7, lambda world: enter(world, 0, 4)), True,
     StartPosition(7, Gap(4, 7, "retention", 3), is_first=True)),
    ("never seen", lambda _: None, False, StartPosition(0, is_first=True)),
    ("never seen, and retention was there before", cut(3, lambda _: None), False, StartPosition(3, is_first=True)),
]  # fmt: skip


@pytest.mark.parametrize(("why", "arrange", "accept", "expected"), STARTS, ids=[row[0] for row in STARTS])
def test_starts(why: str, arrange: Arrange, accept: bool, expected: StartPosition) -> None:
    world = world_of(10)
    arrange(world)
    assert begin(world, accept_position=accept) == expected, why


def recreated(world: World) -> None:
    known(4, 4)(world)
    world.cluster.create_topic("orders")
    for _ in range(10):
        world.cluster.produce("orders")


def recreated_and_unknown_to_the_ledger(world: World) -> None:
    commit(world, 4)
    world.cluster.create_topic("orders")


def recreated_and_expired(world: World) -> None:
    enter(world, 0, 4)
    world.cluster.create_topic("orders")


STOPS: list[tuple[str, Arrange, bool, str]] = [
    ("made again", recreated, False, "WM-TOPIC-RECREATED"),
    ("made again, by the commit alone", recreated_and_unknown_to_the_ledger, False, "WM-TOPIC-RECREATED"),
    ("made again is never accepted", recreated, True, "WM-TOPIC-RECREATED"),
    ("made again, by the ledger alone", recreated_and_expired, True, "WM-TOPIC-RECREATED"),
    ("expired", lambda world: enter(world, 0, 4), False, "WM-OFFSET-EXPIRED"),
    ("moved on", known(8, 4, ours=False), False, "WM-OFFSET-MOVED"),
    ("moved back", known(2, 4, ours=False), False, "WM-OFFSET-MOVED"),
    ("moved back is never accepted", known(2, 4, ours=False), True, "WM-OFFSET-MOVED"),
    ("our own commit without its entry, for too long", known(8, 4), False, "WM-OFFSET-MOVED"),
    ("truncated", known(12, 12), False, "WM-READ-TRUNCATED"),
    ("truncated is never accepted", known(12, 12), True, "WM-READ-TRUNCATED"),
    ("an activation that is not there", lambda world: commit(world, 4, activation=9), False, "WM-ACTIVATION-MISSING"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "arrange", "accept", "code"), STOPS, ids=[row[0] for row in STOPS])
def test_stops(why: str, arrange: Arrange, accept: bool, code: str) -> None:
    world = world_of(10)
    arrange(world)
    with pytest.raises(WorldFault, match=code) as raised:
        begin(world, accept_position=accept)
    assert not raised.value.retriable, why
    assert raised.value.hint


@pytest.mark.parametrize("accept", [False, True])
def test_a_ledger_that_shows_later_than_the_offsets_is_waited_for(accept: bool) -> None:
    world = world_of(10)
    enter(world, 0, 4)
    commit(world, 6)
    worker = world.worker(accept_position=accept)
    asked = 0

    def sleep(seconds: float) -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            enter(world, 4, 6)

    worker.positions.sleep = sleep
    assert worker.positions.begin([ORDERS]) == {ORDERS: StartPosition(6)}
    assert asked == 3


def test_somebody_elses_offset_is_not_waited_for() -> None:
    world = world_of(10)
    known(8, 4, ours=False)(world)
    before_s = world.clock.monotonic_s()
    with pytest.raises(WorldFault):
        begin(world)
    assert world.clock.monotonic_s() == before_s


def test_a_first_start_at_the_end_and_a_partition_that_came_later() -> None:
    world = world_of(10, start=Start.LATEST)
    assert begin(world) == StartPosition(10, is_first=True)
    commit(world, 10)
    enter(world, 10, 10)
    for topic in ("orders", "trusted.orders", "dlq.orders"):
        world.cluster.add_partitions(topic, 2)
    new = TopicPartition("orders", 1)
    world.cluster.produce("orders", 1)
    assert begin(world, source=new) == StartPosition(0, is_first=True)


def test_notes_behind_the_newest_entry_are_handed_on() -> None:
    world = world_of(10)
    known(4, 4)(world)
    note = Suspect(topic="orders", topic_id="T", partition=0, from_=4, to=6, cause="timeout")
    key, value = encode_suspect(note)
    world.cluster.produce(world.gate.ledger, 0, key=key, value=value)
    worker = world.worker()
    worker.positions.begin([ORDERS])
    assert worker.suspects == {ORDERS: [note]}


# Topics


def keeper(world: World) -> PositionKeeper:
    return world.worker().positions


@pytest.mark.parametrize("missing", ["orders", "trusted.orders", "dlq.orders", "watermaster.ledger.g"])
def test_every_topic_must_be_there(missing: str) -> None:
    world = world_of()
    positions = keeper(world)
    world.cluster.delete_topic(missing)
    for ask in (positions.look, lambda: positions.begin([ORDERS])):
        with pytest.raises(UsageFault, match=f"WM-TOPIC-MISSING: the topic {missing} "):
            ask()


@pytest.mark.parametrize("short", ["trusted.orders", "dlq.orders"])
def test_no_target_may_have_fewer_partitions(short: str) -> None:
    world = world_of(partitions=2)
    world.cluster.create_topic(short, 1)
    with pytest.raises(UsageFault, match=f"WM-TOPIC-PARTITIONS: {short} has 1 partitions, orders has 2"):
        keeper(world)


def test_more_partitions_in_the_target_are_fine() -> None:
    world = world_of()
    world.cluster.add_partitions("trusted.orders", 3)
    keeper(world)


def test_a_running_gate_looks_now_and_then_whether_its_topics_are_the_same() -> None:
    world = world_of()
    positions = keeper(world)
    asked = world.faults.calls["view.topics"]
    positions.check_identity()
    assert world.faults.calls["view.topics"] == asked
    world.cluster.create_topic("orders")
    world.clock.sleep(IDENTITY_INTERVAL_S)
    with pytest.raises(Fault, match="WM-TOPIC-RECREATED"):
        positions.check_identity()
