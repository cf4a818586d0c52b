"""Replays of records that are alike come to the same as replays of each by itself, the dry run included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from replay_world import HOLDS, LANDING, PARTITIONS, QUARANTINE, RULE, TRUSTED, Alone, MortalDownstream, ReplayWorld

from watermaster.gate.verdict import BrokenRule, Outcome, Verdict
from watermaster.quarantine.lifecycle import State, Step
from watermaster.quarantine.selection import Selection
from watermaster.runtime.hold_states import HoldStates, read_states
from watermaster.runtime.judged import Fate
from watermaster.runtime.replay import Replay
from watermaster.runtime.replay_judgement import Choice, Judgement, NothingStale, StaleKeys, as_it_is
from watermaster.runtime.replay_order import ReplayOrder
from watermaster.runtime.replay_plan import ReplayPlan, find_newest, plan_replay
from watermaster.runtime.stretch import Stretch
from watermaster.stream.coordinates import RESERVED_HEADER, Coordinates, TopicPartition

OTHER = BrokenRule("other", "$.a", "rule.other", "must be something else")


@dataclass(frozen=True)
class Held:
    """A record that the gate holds; `offset` may be that of another one."""

    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = b"k"
    headers: tuple[tuple[str, bytes | None], ...] = ()
    broken: tuple[BrokenRule, ...] = (RULE,)
    operational: bool = False


@dataclass(frozen=True)
class Past:
    """What was done before: by which contract, with which selection."""

    step: Step
    contract: bytes
    selection: Selection


HELD = st.lists(
    st.builds(
        Held,
        st.integers(0, PARTITIONS - 1),
        st.integers(0, 8),
        st.sampled_from([b"good", b"good", b"xylo", b"held", b"drop", None]),
        st.sampled_from([b"k", b"k", b"l", None]),
        st.sampled_from([(), (), (("a", b"1"), ("a", None)), ((RESERVED_HEADER, b"1 forged"),)]),
        st.sampled_from([(RULE,), (RULE,), (OTHER,), (OTHER, RULE)]),
        st.sampled_from([False, False, False, False, True]),
    ),
    min_size=1,
    max_size=20,
)
SELECTIONS = st.builds(
    Selection,
    streams=st.sampled_from([(), (LANDING,), ("another",)]),
    rules=st.sampled_from([(), (), (), ("other",)]),
    partitions=st.sampled_from([(), (), (1,)]),
    contract=st.sampled_from(["", "", "sha256:o", "sha256:n"]),
    states=st.sampled_from([(), (), (State.OPEN,), (State.REPLAYED,)]),
    offsets=st.sampled_from([(), (), (), (3, 4, 5)]),
    until_ms=st.sampled_from([None, None, None, 8]),
    below=st.sampled_from([None, None, {QUARANTINE: (4, 7)}, {QUARANTINE: (100,)}, {}]),
)
PASTS = st.lists(
    st.builds(
        Past, st.sampled_from([Step.REPLAY, Step.REPLAY, Step.DISCARD]), st.sampled_from([b"x", b"g"]), SELECTIONS
    ),
    max_size=2,
)


def no_more(*_: object) -> bool:
    """A condition that holds for all, and that has to be asked of each."""
    return True


Build = Callable[[ReplayWorld, Selection, StaleKeys, str], Judgement]


def alike(world: ReplayWorld, selection: Selection, stale: StaleKeys, policy: str) -> Judgement:
    return Judgement(Choice(world.adoption, selection, 3), as_it_is, stale, policy == "skip", Alone())


def one_by_one(world: ReplayWorld, selection: Selection, stale: StaleKeys, policy: str) -> Judgement:
    return Judgement(Choice(world.adoption, selection, 3, no_more), as_it_is, stale, policy == "skip", Alone())


def world_of(records: list[Held], newer: list[int]) -> ReplayWorld:
    world = ReplayWorld()
    for held in records:
        verdict = Verdict(Outcome.HOLD, held.broken, held.operational)
        world.hold(held.partition, held.offset, held.value, held.key, list(held.headers), verdict)
    for offset in newer:  # of the key that most have
        stamp = Coordinates(world.cluster.cluster_id, world.topic_id, 0, offset).encode()
        world.cluster.produce(TRUSTED, 0, key=b"k", value=b"n", timestamp_ms=1, headers=[(RESERVED_HEADER, stamp)])
    return world


def carry_out(
    build: Build, records: list[Held], pasts: list[Past], selection: Selection, newer: list[int], policy: str, size: int
) -> tuple[object, ...]:
    """Everything that a replay can be told by: its plan, its tally, and both logs that it writes."""
    world = world_of(records, newer)
    for past in pasts:
        world.activate(past.contract)
        judgement = build(world, past.selection, NothingStale(), "ignore")
        world.run(world.order(past.step), judgement if past.step is Step.REPLAY else judgement.choice)
    world.activate(b"")
    order, in_force = world.order(records_max=size), world.contracts().current(LANDING)
    stale: StaleKeys = NothingStale()
    choice = build(world, selection, stale, policy).choice
    asking = (world.reader, in_force, range(PARTITIONS))
    if policy != "ignore":
        stale = find_newest(order, choice, *asking, now_ms=0, sleep=world.clock.sleep)
    judgement = build(world, selection, stale, policy)
    plan = plan_replay(order, judgement, *asking, now_ms=0, sleep=world.clock.sleep)
    tally = world.run(order, judgement).tally
    return (
        *(tally.fates, tally.rules, tally.stale, tally.transactions, plan_of(plan)),
        *(log_of(world, TRUSTED, number) for number in range(PARTITIONS)),
        sorted(log_of(world, HOLDS, 0), key=repr),
    )


def plan_of(plan: ReplayPlan) -> object:
    return plan.tally.fates, plan.tally.rules, plan.samples, plan.failing, plan.stale_samples, plan.troubles


def log_of(world: ReplayWorld, topic: str, partition: int) -> list[tuple[object, ...]]:
    records = [record for _, record in world.cluster.read(topic, partition)]
    return [
        (record.key, record.value, record.timestamp_ms if topic == TRUSTED else 0, record.headers) for record in records
    ]


@settings(max_examples=300, deadline=None)
@given(
    HELD, PASTS, SELECTIONS, st.lists(st.integers(0, 8), max_size=2), st.sampled_from(["ignore", "warn", "skip"]),
    st.sampled_from([2, 3, 100]),
)  # fmt: skip
def test_in_stretches_and_one_by_one_are_the_same(
    records: list[Held], pasts: list[Past], selection: Selection, newer: list[int], policy: str, size: int
) -> None:
    given_alike = (records, pasts, selection, newer, policy, size)
    assert carry_out(alike, *given_alike) == carry_out(one_by_one, *given_alike)


def stretches_of(world: ReplayWorld, selection: Selection | None = None) -> list[tuple[Fate, list[int]]]:
    """How the first batch of partition 0 is cut, with the source offsets; it is a fault if a record is alone."""
    in_force = world.contracts().current(LANDING)
    judgement = alike(world, selection or Selection(), NothingStale(), "ignore")
    step = next(iter(world.reader.scan(TopicPartition(QUARANTINE, 0), 0, 100)))
    states = read_states(world.reader, TopicPartition(HOLDS, 0), world.clock.sleep)
    found = judgement.judge(step.batch, states, in_force, 0)
    assert all(isinstance(item, Stretch) for item in found)
    return [(item.like.fate, item.offsets) for item in found if isinstance(item, Stretch)]


def held_world(*values: bytes, broken: tuple[BrokenRule, ...] = (RULE,)) -> ReplayWorld:
    world = ReplayWorld()
    for offset, value in enumerate(values):
        world.hold(0, offset, value, verdict=Verdict(Outcome.HOLD, broken[offset % len(broken) :][:1]))
    return world


def test_a_batch_that_passes_is_one_stretch_whatever_it_broke() -> None:
    world = held_world(b"good", b"good", b"good", b"good", broken=(RULE, OTHER))
    assert stretches_of(world) == [(Fate.PASSES, [0, 1, 2, 3])]
    assert stretches_of(world, Selection(rules=("other",))) == [(Fate.PASSES, [1]), (Fate.PASSES, [3])]


def test_a_stretch_is_cut_where_verdicts_change() -> None:
    world = held_world(b"good", b"held", b"held", b"drop", b"good")
    assert stretches_of(world) == [
        *[(Fate.PASSES, [0]), (Fate.FAILS, [1, 2]), (Fate.DROPS, [3]), (Fate.PASSES, [4])],
    ]


def test_what_has_failed_before_is_alike_too_and_what_has_ended_is_not_looked_at() -> None:
    world = held_world(b"xylo", b"good", b"xylo")
    world.activate(b"x")
    world.run()
    world.activate(b"")
    assert stretches_of(world) == [(Fate.PASSES, [0]), (Fate.PASSES, [2])]
    assert world.run().tally.fates == {Fate.PASSES: 2}
    assert stretches_of(world) == []


def test_a_record_that_stands_twice_is_written_once_also_within_one_stretch() -> None:
    world = ReplayWorld()
    for offset in (1, 2, 1):
        world.hold(0, offset, b"good")
    assert stretches_of(world) == [(Fate.PASSES, [1, 2, 1])]
    tally = world.run().tally
    assert (world.outputs(), tally.fates) == ({(0, 1): 1, (0, 2): 1}, {Fate.PASSES: 2})


def test_a_record_that_stands_twice_is_written_once_also_across_a_commit() -> None:
    world = ReplayWorld()
    for offset, value in ((1, b"good"), (2, b"good"), (3, b"held"), (1, b"good"), (4, b"good")):
        world.hold(0, offset, value)
    assert [offsets for _, offsets in stretches_of(world)] == [[1, 2], [3], [1, 4]]
    world.run(world.order(records_max=2))
    assert world.outputs() == {(0, 1): 1, (0, 2): 1, (0, 4): 1}


def test_a_record_that_stands_twice_fails_once_in_a_transaction() -> None:
    world = ReplayWorld()
    for offset in (1, 2, 3, 4, 5, 1):  # two batches
        world.hold(0, offset, b"held")
    assert world.run(world.order(records_max=100)).tally.fates == {Fate.FAILS: 5}
    assert world.state(0, 1).attempt == 1


def test_records_that_break_other_rules_are_other_stretches() -> None:
    world = held_world(*[b"good"] * 6)
    step = next(iter(world.reader.scan(TopicPartition(QUARANTINE, 0), 0, 100)))
    (whole,) = alike(world, Selection(), NothingStale(), "ignore").choice.meant(step.batch, HoldStates())
    assert isinstance(whole, Stretch)
    first, second = (Verdict(Outcome.HOLD, (rule,)) for rule in (RULE, OTHER))
    warned = Verdict(Outcome.PASS, (RULE,))
    parts = whole.by_verdict({11: first, 12: Verdict(Outcome.HOLD, (RULE,)), 13: second, 14: warned}, 10)
    assert [(part.offsets, part.like.broken) for part in parts] == [
        ([0], ()),
        ([1, 2], (RULE,)),
        ([3], (OTHER,)),
        ([4], ()),
    ]


def test_the_next_partitions_id_is_announced_once_this_one_is_under_way() -> None:
    world = ReplayWorld()
    for partition in range(PARTITIONS):
        world.hold(partition, 1, b"good")
    told: list[str] = []

    def open_downstream(transactional_id: str) -> MortalDownstream:
        told.append(f"open {transactional_id}")
        downstream = MortalDownstream(world, transactional_id)
        downstream.open()
        return downstream

    def run(order: ReplayOrder) -> list[str]:
        told.clear()
        replay = Replay(
            order=order,
            judgement=world.judgement(),
            reader=world.reader,
            contracts=world.contracts(),
            open_downstream=open_downstream,
            clock=world.clock,
            sleep=world.sleep,
            announce=lambda name: told.append(f"announce {name}"),
        )
        replay.run(range(PARTITIONS))
        return [*told]

    ids = [world.order().transactional_id(partition) for partition in range(PARTITIONS)]
    assert run(world.order()) == [f"open {ids[0]}", f"announce {ids[1]}", f"open {ids[1]}"]
    (shared,) = {replace(world.order(), is_adopted=True).transactional_id(number) for number in range(PARTITIONS)}
    assert run(replace(world.order(), is_adopted=True)) == [f"open {shared}"] * 2, "it would fence itself"
