"""Replay in memory: what it writes, and that no fault, death or second operator loses or doubles anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_world import HOLDS, LANDING, PARTITIONS, QUARANTINE, REPAIR, TRUSTED, KilledReplay, ReplayWorld

from watermaster.adapters.memory.faults import abort_required, connection_lost, fenced
from watermaster.adapters.memory.log import StoredRecord
from watermaster.quarantine.held import HeldRecord, OriginalRecord
from watermaster.quarantine.lifecycle import Hold, State, Step
from watermaster.quarantine.selection import Selection
from watermaster.runtime.judged import Fate
from watermaster.runtime.ports import Fenced
from watermaster.runtime.replay_judgement import Amended, Choice
from watermaster.runtime.replay_plan import plan_replay
from watermaster.stream.coordinates import RESERVED_HEADER, TopicPartition
from watermaster.stream.fault import WorldFault


def world_of(*values: bytes | None) -> ReplayWorld:
    world = ReplayWorld()
    for number, value in enumerate(values):
        world.hold(number % PARTITIONS, 10 + number, value)
    return world


def test_what_passes_is_written_once_with_its_state_and_its_bytes() -> None:
    world = ReplayWorld()
    original = [("a", b"1"), ("b", None), ("a", b"2")]
    world.hold(1, 42, b"good", b"key", original)
    world.run()
    ((_, record),) = world.cluster.read(TRUSTED, 1)
    assert (record.key, record.value, record.timestamp_ms) == (b"key", b"good", 7)
    stamp = f"1 {world.cluster.cluster_id} {world.topic_id} 1 42 1 0 1".encode()
    assert record.headers == [*original, (RESERVED_HEADER, stamp)], "the first attempt, by activation 1"
    hold = world.state(1, 42)
    assert (hold.state, hold.activation, hold.why, hold.target) == (State.REPLAYED, 1, "test", "")
    assert len(world.cluster.read(QUARANTINE, 1)) == 1, "the original is kept"
    assert world.cluster.read(LANDING, 1) == [], "nothing is produced into landing"


def test_what_still_fails_keeps_its_coordinates_with_one_attempt_more() -> None:
    world = world_of(b"held", b"good")
    tally = world.run().tally
    assert tally.fates == Counter({Fate.FAILS: 1, Fate.PASSES: 1})
    hold = world.state(0, 10)
    assert (hold.state, hold.attempt, hold.why) == (State.OPEN, 1, "still breaks letter")
    assert world.run().tally.fates == Counter({Fate.FAILS: 1}), "what has ended is left alone"
    assert world.state(0, 10).attempt == 2


def test_what_the_contract_now_drops_is_neither_written_nor_failed() -> None:
    world = world_of(b"drop")
    assert world.run().tally.fates == Counter({Fate.DROPS: 1})
    assert (world.outputs(), world.state(0, 10)) == (Counter(), Hold())


def test_a_loop_ends_at_the_attempts_that_are_allowed() -> None:
    world = world_of(b"held")
    judgement = world.judgement(attempts_max=3)
    fates = [next(iter(world.run(judgement=judgement).tally.fates)) for _ in range(5)]
    assert fates == [Fate.FAILS] * 3 + [Fate.EXHAUSTED] * 2
    assert world.state(0, 10).attempt == 3


def test_a_replay_into_a_repair_topic_is_remembered_with_its_name() -> None:
    world = world_of(b"good", b"good")
    world.run(world.order(target=REPAIR))
    assert world.outputs(REPAIR) == dict.fromkeys(world.held, 1)
    assert world.outputs() == Counter()
    assert world.state(0, 10).target == REPAIR
    world.run()
    assert world.outputs() == Counter(), "it has ended: trusted gets it no more"


def test_only_what_is_chosen_is_touched() -> None:
    world = world_of(b"a", b"b", b"c", b"d")
    world.run(judgement=world.judgement(Selection(offsets=(11,), streams=(LANDING,))))
    assert world.outputs() == {(1, 11): 1}
    world.run(judgement=world.judgement(Selection(streams=("another",))))
    assert world.outputs() == {(1, 11): 1}, "a stream that shares the quarantine"


def test_a_discard_writes_states_alone() -> None:
    world = world_of(b"held", b"good")
    choice = Choice(world.adoption, Selection(), 10)
    world.run(world.order(Step.DISCARD), choice)
    assert set(world.states().values()) == {State.DISCARDED}
    assert world.run().tally.fates == Counter()
    assert world.outputs() == Counter()


def test_a_fix_changes_what_is_written_and_the_state_names_it() -> None:
    world = world_of(b"held")

    def amend(held: HeldRecord, hold: Hold, record: OriginalRecord, now_ms: int) -> Amended:
        return Amended(OriginalRecord(record.key, b"mended", record.headers, record.timestamp_ms), "mend@1")

    world.run(judgement=world.judgement(amend=amend))
    ((_, record),) = world.cluster.read(TRUSTED, 0)
    assert record.value == b"mended"
    assert (record.headers or [])[-1][1] == f"1 {world.cluster.cluster_id} {world.topic_id} 0 10 1 0 1 mend@1".encode()
    assert (world.state(0, 10).state, world.state(0, 10).fix) == (State.REPLAYED, "mend@1")


def test_the_dry_run_says_what_the_replay_does_and_writes_nothing() -> None:
    world = world_of(b"held", b"good", b"good", b"drop", None)
    order, judgement = world.order(), world.judgement()
    in_force = world.contracts().current(LANDING)
    plan = plan_replay(order, judgement, world.reader, in_force, range(PARTITIONS), now_ms=0, sleep=world.clock.sleep)
    assert world.cluster.read(HOLDS, 0) == []
    assert plan.tally.fates == world.run(order, judgement).tally.fates
    assert (plan.matched, plan.passing) == (5, 3)


def test_a_record_that_the_broker_refuses_fails_its_attempt_and_the_others_go_through() -> None:
    world = ReplayWorld(record_bytes_max=200)
    for offset in range(10):
        world.hold(0, offset, b"g" * (500 if offset == 4 else 5))
    world.run()
    assert world.outputs() == {(0, offset): 1 for offset in range(10) if offset != 4}
    assert (world.state(0, 4).state, world.state(0, 4).attempt) == (State.OPEN, 1)


def test_a_transaction_ends_at_the_first_of_its_bounds() -> None:
    def transactions(records_max: int, bytes_max: int) -> int:
        world = ReplayWorld()
        for offset in range(20):  # four batches
            world.hold(0, offset, b"good" * 25)
        return world.run(replace(world.order(records_max=records_max), bytes_max=bytes_max)).tally.transactions

    assert transactions(records_max=100, bytes_max=100_000) == 1
    assert transactions(records_max=100, bytes_max=600) == 2, "bytes are looked at behind each batch"
    assert transactions(records_max=3, bytes_max=100_000) == 7


def test_the_topic_of_states_must_be_there() -> None:
    world = world_of(b"good")
    world.cluster.delete_topic(HOLDS)
    with pytest.raises(WorldFault) as raised:
        world.run()
    assert raised.value.code == "WM-HOLDS-TOPIC"
    assert world.outputs() == Counter()


def test_states_behind_anothers_open_transaction_are_waited_for() -> None:
    """Two quarantine partitions share a holds partition; the other one's transaction hides what was committed here."""
    world = world_of(b"good", b"good")
    epoch = world.cluster.take_id("other")
    world.cluster.begin("other", epoch)
    world.cluster.write("other", epoch, TopicPartition(HOLDS, 0), StoredRecord(b"x", b"{}", 0, []))
    replay = world.replay()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        world.clock.sleep(seconds)
        if len(waited) == 3:
            world.cluster.abort("other", epoch)

    replay._sleep = sleep
    replay.run(range(PARTITIONS))
    assert len(waited) >= 3
    assert world.outputs() == dict.fromkeys(world.held, 1)


CALLS = (
    "downstream.open", "downstream.begin", "downstream.write", "downstream.forward",
    "downstream.write_alike", "downstream.commit", "downstream.abort", "holds.scan",
    "holds.bounds", "holds.topics",
)  # fmt: skip
FAULTS = {"abort": abort_required, "lost": connection_lost, "fenced": fenced}


@settings(max_examples=300, deadline=None)
@given(
    values=st.lists(st.sampled_from([b"good", b"held", b"drop", None]), min_size=1, max_size=14),
    plans=st.lists(
        st.tuples(
            st.sampled_from(CALLS),
            st.integers(0, 6),
            st.sampled_from(["abort", "lost", "fenced", "killed"]),
            st.booleans(),
        ),
        max_size=6,
    ),
    second_at=st.none() | st.integers(1, 4),
)
def test_whatever_happens_every_record_is_replayed_once(
    values: list[bytes | None], plans: list[tuple[str, int, str, bool]], second_at: int | None
) -> None:
    world = world_of(*values)
    for call, later, kind, done in plans:
        world.cluster.faults.next(call, FAULTS.get(kind, world.kill), later=later, done=done)
        opened = 0

        def meet() -> None:
            """Another operator's replay runs through, just after this one has taken its id."""
            nonlocal opened
            opened += 1
            if opened == second_at:
                _survive(world)

        _survive(world, meet)
    world.cluster.faults.heal()
    world.run()
    passing = {place for place, value in world.held.items() if value in (b"good", None)}
    assert world.outputs() == dict.fromkeys(passing, 1), "nothing lost, nothing doubled"
    assert {place for place, state in world.states().items() if state is State.REPLAYED} == passing
    assert world.run().tally.fates[Fate.PASSES] == 0, "running it again adds nothing"


def _survive(world: ReplayWorld, meet: Callable[[], object] = lambda: None) -> None:
    with suppress(KilledReplay, Fenced, WorldFault):
        world.replay(on_open=meet).run(range(PARTITIONS))
    world.is_dead = False
