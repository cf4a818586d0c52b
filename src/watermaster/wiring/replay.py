"""`quarantine replay`: the plan, and its carrying out, joined to real Kafka."""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from watermaster.quarantine.fix.document import Fix
from watermaster.quarantine.lifecycle import Actor, Step
from watermaster.quarantine.selection import Selection
from watermaster.runtime.audit import TopicState
from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.contracts_in_force import Contracts
from watermaster.runtime.replay import Replay, missing_holds
from watermaster.runtime.replay_fix import amend_by, selection_of_fix
from watermaster.runtime.replay_judgement import Choice, Choose, FateJudge, Judgement, NothingStale, as_it_is
from watermaster.runtime.replay_order import ReplayOrder
from watermaster.runtime.replay_plan import ReplayPlan, find_newest, plan_replay
from watermaster.runtime.replay_tally import ReplayTally
from watermaster.stream.fault import UsageFault
from watermaster.wiring.quarantine import QuarantineDesk, sources_of

ATTEMPTS_MAX_DEFAULT = 10
"""Replays of one record before a person must say more in so many words: a loop is far beyond it, patience is not."""

YOUNG_OBJECTS_MAX = 200_000
"""More than the headers of some batches, so that the collector does not look through each of them."""


class OrderPolicy(StrEnum):
    """What is done about records whose key has a newer one downstream."""

    WARN = "warn"
    SKIP = "skip"
    REPAIR = "repair"
    """Everything goes to a repair topic, whose readers know that order is not kept there."""


@dataclass(frozen=True, slots=True)
class ReplayWish:
    """What an operator asks for."""

    selection: Selection
    step: Step = Step.REPLAY
    fix: str = ""
    """Of `Step.FIX`: the name under which the fix is assigned."""
    remedy: Fix | None = None
    """Of `Step.REPLAY`: mends the records that it selects; others are not meant."""
    policy: OrderPolicy = OrderPolicy.WARN
    repair_topic: str = ""
    attempts_max: int = ATTEMPTS_MAX_DEFAULT
    rate_max: float = 0.0
    why: str = ""
    approved_by: str = ""


class ReplayDesk:
    """Plans and replays the wish for each stream. The dry run and the replay judge alike."""

    def __init__(
        self,
        desk: QuarantineDesk,
        wish: ReplayWish,
        streams: Sequence[StreamConfiguration],
        contracts: Contracts,
    ) -> None:
        if wish.policy is OrderPolicy.REPAIR:
            _check_repair_topic(desk, wish.repair_topic)
        elif wish.step is Step.REPLAY and desk.adopted is not None:
            check_targets(desk, streams)
        self._desk = desk
        self._wish = wish
        self._streams = streams
        self._contracts = contracts

    def plans(self) -> Iterator[ReplayPlan]:
        """One dry run for each stream."""
        for stream in self._streams:
            with _rare_collections():
                plan = self._plan(stream)
            yield plan

    def _plan(self, stream: StreamConfiguration) -> ReplayPlan:
        order, judgement, partitions = self._prepared(stream, look_downstream=True)
        return plan_replay(
            order,
            judgement,
            self._desk.reader,
            self._contracts.current(stream.landing),
            partitions,
            now_ms=self._desk.clock.now_ms(),
            sleep=time.sleep,
        )

    def run(self, on_progress: Callable[[ReplayTally], None]) -> ReplayTally:
        """Replay all streams; returns what was committed. Raises `Fenced` if another replay takes over."""
        total = ReplayTally()
        for stream in self._streams:
            # A policy that only warns has warned in the plan.
            look = self._wish.policy is OrderPolicy.SKIP
            order, judgement, partitions = self._prepared(stream, look_downstream=look)
            done = ReplayTally()
            done.merge(total)

            def tell(tally: ReplayTally, before: ReplayTally = done) -> None:
                shown = ReplayTally()
                shown.merge(before)
                shown.merge(tally)
                on_progress(shown)

            replay = Replay(
                order=order,
                judgement=judgement,
                reader=self._desk.reader,
                contracts=self._contracts,
                open_downstream=self._desk.open_downstream,
                clock=self._desk.clock,
                sleep=time.sleep,
                on_progress=tell,
                announce=self._desk.announce_downstream,
            )
            with _rare_collections():
                total.merge(replay.run(partitions))
        return total

    def _width(self, target: str) -> int:
        """Partitions of the target of an adopted quarantine; 0 where it is not asked for, or not there."""
        found = self._desk.reader.topics([target]).get(target) if self._desk.adopted is not None else None
        return found.partitions if found is not None else 0

    def _prepared(
        self, stream: StreamConfiguration, *, look_downstream: bool
    ) -> tuple[ReplayOrder, FateJudge, Sequence[int]]:
        wish, desk = self._wish, self._desk
        target = wish.repair_topic if wish.policy is OrderPolicy.REPAIR else stream.trusted
        order = ReplayOrder(
            gate=desk.gate.name,
            stream=stream.landing,
            quarantine=stream.quarantine,
            target=target,
            is_repair=wish.policy is OrderPolicy.REPAIR,
            holds=desk.gate.holds,
            by=Actor(desk.actor.principal, desk.actor.system_user, wish.approved_by),
            why=wish.why,
            step=wish.step,
            fix=wish.fix,
            rate_max=wish.rate_max,
            is_adopted=desk.adopted is not None,
            target_partitions=self._width(target),
        )
        partitions = desk.partitions(stream.quarantine)
        selection = dataclasses.replace(wish.selection, streams=sources_of(desk, [stream]))
        choice = Choice(desk.adoption, selection, wish.attempts_max, _also_meant(wish.remedy))
        if wish.step is not Step.REPLAY:
            return order, choice, partitions
        skips = wish.policy is OrderPolicy.SKIP
        amend = as_it_is if wish.remedy is None else amend_by(wish.remedy)
        judgement = Judgement(choice, amend, NothingStale(), skips, desk.isolated)
        if look_downstream and wish.policy is not OrderPolicy.REPAIR:
            newest = find_newest(
                order,
                choice,
                desk.reader,
                self._contracts.current(stream.landing),
                partitions,
                now_ms=desk.clock.now_ms(),
                sleep=time.sleep,
            )
            judgement = dataclasses.replace(judgement, stale=newest)
        return order, judgement, partitions


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Headers are tuples by the million, and none is part of a circle: looking for circles is a fifth of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _also_meant(fix: Fix | None) -> Choose | None:
    return None if fix is None else selection_of_fix(fix).means


def _check_repair_topic(desk: QuarantineDesk, topic: str) -> None:
    """It is there, is none of the gate's own, and has a partition for each that replays may come from."""
    gate = desk.gate
    own = {gate.holds}
    if isinstance(gate, GateConfiguration):
        own |= {gate.control, gate.ledger}
    own.update(name for stream in gate.streams for name in (stream.landing, stream.trusted, stream.quarantine))
    if topic in own:
        raise UsageFault(
            "WM-REPAIR-TOPIC",
            f"{topic} is one of the own topics of {gate.name}",
            hint="Name a topic that is for repairs alone.",
        )
    states = desk.reader.topics([topic, *(t for stream in gate.streams for t in (stream.landing, stream.quarantine))])
    _check_width(topic, states, [t for stream in gate.streams for t in (stream.landing, stream.quarantine)])


def check_targets(desk: QuarantineDesk, streams: Sequence[StreamConfiguration]) -> None:
    """The targets of an adopted quarantine are there and wide enough, and its states have a home of one partition.

    Raises UsageFault, or WorldFault where there is no topic for the states.
    """
    names = [name for stream in streams for name in (stream.landing, stream.trusted, stream.quarantine)]
    states = desk.reader.topics(list(dict.fromkeys([*names, desk.gate.holds])))
    for stream in streams:
        _check_width(stream.trusted, states, [stream.landing])
    holds = states.get(desk.gate.holds)
    if holds is None:
        raise missing_holds(desk.gate.holds)
    if holds.partitions != 1:
        raise UsageFault(
            "WM-HOLDS-PARTITIONS",
            f"{desk.gate.holds} has {holds.partitions} partitions",
            hint="Others may write one record into two partitions of their topic: its states need one partition.",
        )


def _check_width(target: str, states: Mapping[str, TopicState], sources: Sequence[str]) -> None:
    needed = max((states[topic].partitions for topic in sources if topic in states), default=1)
    if target not in states or states[target].partitions < needed:
        raise UsageFault(
            "WM-REPAIR-TOPIC",
            f"{target} is not there, or has fewer than {needed} partitions",
            hint=f"Create it with {needed} partitions: a replay keeps the partition number of its source.",
        )
