"""The dry run: what a replay would do, found by the same judgement that does it, without writing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from watermaster.contract.checks import Checks
from watermaster.runtime.contracts_in_force import InForce
from watermaster.runtime.hold_states import HoldReader, HoldStates, read_states
from watermaster.runtime.judged import Fate, Judged
from watermaster.runtime.replay import holds_partition
from watermaster.runtime.replay_judgement import FateJudge
from watermaster.runtime.replay_order import ReplayOrder
from watermaster.runtime.replay_tally import ReplayTally
from watermaster.runtime.stale_keys import NewestByKey
from watermaster.runtime.stretch import Stretch
from watermaster.stream.coordinates import TopicPartition

SAMPLES_MAX: Final = 5
"""Records shown with what changes; a person looks at a few."""


@dataclass(slots=True)
class ReplayPlan:
    """How many records match and what becomes of them. `samples` are the first that pass, `failing` that do not."""

    stream: str
    quarantine: str
    target: str
    activation: int
    contract: str
    checks: Checks | None = None
    """Of the contract, which says what of a record is not shown."""
    tally: ReplayTally = field(default_factory=ReplayTally)
    samples: list[Judged] = field(default_factory=list)
    failing: list[Judged] = field(default_factory=list)
    stale_samples: list[Judged] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    """Why fixes could not be applied."""

    @property
    def matched(self) -> int:
        """Records that are chosen."""
        return self.tally.fates.total()

    @property
    def passing(self) -> int:
        """Records that would be written to the target."""
        return self.tally.fates[Fate.PASSES]

    def add_stretch(self, stretch: Stretch) -> None:
        """Count records that are alike; the first are kept as those of `add` are."""
        self.tally.add(stretch.like, len(stretch))
        fate = stretch.like.fate
        kept = self.samples if fate is Fate.PASSES else self.failing if fate is Fate.FAILS else None
        if kept is not None and len(kept) < SAMPLES_MAX:
            kept += stretch.apart(SAMPLES_MAX - len(kept))

    def add(self, judged: Judged) -> None:
        """Count one record, and keep it if it is among the first of its kind."""
        self.tally.add(judged)
        if judged.trouble:
            self.troubles[judged.trouble] += 1
        if judged.is_stale and len(self.stale_samples) < SAMPLES_MAX:
            self.stale_samples.append(judged)
        if judged.fate is Fate.PASSES and len(self.samples) < SAMPLES_MAX:
            self.samples.append(judged)
        elif judged.fate in (Fate.FAILS, Fate.UNFIXED) and len(self.failing) < SAMPLES_MAX:
            self.failing.append(judged)


def plan_replay(
    order: ReplayOrder,
    judgement: FateJudge,
    reader: HoldReader,
    in_force: InForce,
    partitions: Sequence[int],
    *,
    now_ms: int,
    sleep: Callable[[float], object],
) -> ReplayPlan:
    """Judge everything that is chosen, as a replay at this moment would. Reads only."""
    activation = in_force.activation
    plan = ReplayPlan(
        order.stream, order.quarantine, order.target, activation.number, activation.contract, in_force.checks
    )
    told: set[int] = set()
    for number in partitions:
        where = TopicPartition(order.quarantine, number)
        states = states_of(reader, order.holds, where, sleep)
        bounds = reader.bounds([where])[where]
        for step in reader.scan(where, bounds.start, bounds.end):
            for found in judgement.judge(step.batch, states, in_force, now_ms):
                if isinstance(found, Stretch) and not order.is_adopted:
                    plan.add_stretch(found)
                    continue
                for judged in found.apart() if isinstance(found, Stretch) else (found,):
                    if order.is_adopted:
                        if hash(judged.key) in told:
                            continue
                        told.add(hash(judged.key))
                    plan.add(judged)
    return plan


def states_of(
    reader: HoldReader, holds: str, quarantine: TopicPartition, sleep: Callable[[float], object]
) -> HoldStates:
    """The states of a quarantine partition for who only looks; all new if there is no holds topic yet."""
    found = reader.topics([holds])
    if holds not in found:
        return HoldStates()
    return read_states(reader, holds_partition(holds, found[holds].partitions, quarantine.partition), sleep)


def find_newest(
    order: ReplayOrder,
    choice: FateJudge,
    reader: HoldReader,
    in_force: InForce,
    partitions: Sequence[int],
    *,
    now_ms: int,
    sleep: Callable[[float], object],
) -> NewestByKey:
    """The keys of the chosen records, and the newest source offset that the target holds of each."""
    newest = NewestByKey()
    for number in partitions:
        where = TopicPartition(order.quarantine, number)
        states = states_of(reader, order.holds, where, sleep)
        bounds = reader.bounds([where])[where]
        for step in reader.scan(where, bounds.start, bounds.end):
            for found in choice.judge(step.batch, states, in_force, now_ms):
                if isinstance(found, Stretch):
                    newest.ask_all(found)
                elif found.before is not None:
                    newest.ask(found.held, found.before.key)
    if newest.asked:
        count = reader.topics([order.target])[order.target].partitions
        wanted = sorted({partition for _, partition, _ in newest.asked if partition < count})
        bounds_of = reader.bounds([TopicPartition(order.target, partition) for partition in wanted])
        for where, (start, end) in bounds_of.items():
            for step in reader.scan(where, start, end):
                newest.see(step.batch)
    return newest
