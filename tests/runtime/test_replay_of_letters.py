"""Replay of an adopted quarantine in memory: whoever writes a letter twice, in whatever batch, has one record."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from replay_world import HOLDS, LANDING, QUARANTINE, TRUSTED, ReplayWorld

from watermaster.adapters.memory.faults import abort_required
from watermaster.quarantine.held import Adoption
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.lifecycle import Hold, Step
from watermaster.quarantine.selection import Selection
from watermaster.runtime.hold_states import read_states
from watermaster.runtime.judged import Fate
from watermaster.runtime.replay import Replay
from watermaster.runtime.replay_judgement import Choice, FateJudge
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import TopicPartition

BETWEEN = 12
"""More than one batch of the reader in memory."""


class LetterWorld(ReplayWorld):
    """A sink that gave up on records of `orders`, and an order that takes all of them in one transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.adoption = Adoption(self.cluster.cluster_id, {})

    def write(self, offset: int, value: bytes) -> None:
        """One letter."""
        headers: RawHeaders = [
            ("__connect.errors.topic", LANDING.encode()),
            ("__connect.errors.partition", b"0"),
            ("__connect.errors.offset", b"%d" % offset),
            ("__connect.errors.connector.name", b"sink"),
            ("__connect.errors.stage", b"TASK_PUT"),
        ]
        self.cluster.produce(QUARANTINE, 0, key=b"k", value=value, timestamp_ms=7, headers=headers)

    def carry_out(self, step: Step = Step.REPLAY, judgement: FateJudge | None = None) -> Replay:
        order = replace(self.order(step, records_max=1_000), is_adopted=True, target_partitions=2)
        return self.run(order, judgement)

    def hold_of(self, offset: int) -> Hold:
        states = read_states(self.reader, TopicPartition(HOLDS, 0), self.clock.sleep)
        return states.find(HoldKey(self.cluster.cluster_id, f"name:{LANDING}", 0, offset, 0, "sink"))


def doubled(first: bytes, again: bytes) -> LetterWorld:
    """Two letters of one record, and so many others between them that they come in batches of their own."""
    world = LetterWorld()
    world.write(1, first)
    for offset in range(BETWEEN):
        world.write(100 + offset, b"good")
    world.write(1, again)
    return world


def test_a_letter_that_fails_twice_has_failed_once() -> None:
    world = doubled(b"held", b"held")
    tally = world.carry_out().tally
    assert (tally.transactions, tally.fates) == (1, Counter({Fate.FAILS: 1, Fate.PASSES: BETWEEN}))
    assert world.hold_of(1).attempt == 1


@pytest.mark.parametrize("fails_at", [0, 1])
def test_of_two_letters_with_other_bytes_the_later_one_is_left_alone(fails_at: int) -> None:
    world = doubled(b"held", b"good")
    for _ in range(fails_at):
        world.cluster.faults.next("downstream.commit", abort_required)
    assert world.carry_out().tally.fates == Counter({Fate.FAILS: 1, Fate.PASSES: BETWEEN})
    assert len(world.cluster.read(TRUSTED, 0)) == BETWEEN


def test_a_letter_that_stands_twice_is_discarded_once() -> None:
    world = doubled(b"held", b"held")
    choice = Choice(world.adoption, Selection(), 10)
    assert world.carry_out(Step.DISCARD, choice).tally.fates == Counter({Fate.CHOSEN: 1 + BETWEEN})
