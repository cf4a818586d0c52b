"""Unmasking in memory: who is let through stands in the chain, whatever fails, dies or comes between."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.faults import FaultPlan, abort_required, connection_lost, fenced
from watermaster.adapters.memory.readers import MemoryHoldReader
from watermaster.adapters.memory.writers import MemoryDownstream
from watermaster.quarantine.unmasking import Chain, Unmasking
from watermaster.runtime.ports import Output
from watermaster.runtime.unmasking import LAST_WINDOW, TRIES_MAX, read_chain, record_unmasking
from watermaster.stream.fault import Fault, WorldFault

AUDIT = "audit"
EVENT = Unmasking(0, "", 1_700_000_000_000, "User:anna", "anna", "orders", "ticket 7", "1 c t 0 5 0 orders")
PATIENCE_S = 15.0
CALLS = (
    "holds.topics",
    "holds.bounds",
    "holds.scan",
    "downstream.open",
    "downstream.begin",
    "downstream.write",
    "downstream.commit",
)


class KilledLook(BaseException):
    """The process is gone."""


def kill() -> Fault:
    """As a planned fault: the process that makes the call dies."""
    raise KilledLook


FAULTS: dict[str, Callable[[], Fault]] = {
    "abort": abort_required,
    "lost": connection_lost,
    "fenced": fenced,
    "killed": kill,
}


class BusyDownstream(MemoryDownstream):
    """A producer beside which something happens just before it begins to write."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def begin(self) -> None:
        self.meanwhile()
        super().begin()


class AuditWorld:
    """The topic, and people who look at masked values."""

    def __init__(self) -> None:
        self.clock = MemoryClock()
        self.cluster = MemoryCluster(self.clock, FaultPlan())
        self.cluster.create_topic(AUDIT)
        self.reader = MemoryHoldReader(self.cluster)
        self._slept_s = 0.0

    def look(
        self,
        before_taking: Callable[[], object] = lambda: None,
        before_reading: Callable[[], object] = lambda: None,
        before_writing: Callable[[], object] = lambda: None,
    ) -> Unmasking:
        """Write one event down; before the id is taken, or behind that, something may happen each time it is tried."""

        def open_downstream(transactional_id: str) -> MemoryDownstream:
            before_taking()
            downstream = BusyDownstream(self.cluster, transactional_id)
            downstream.meanwhile = before_writing
            downstream.open()
            before_reading()
            return downstream

        return record_unmasking(EVENT, AUDIT, self.reader, open_downstream, self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time pass, and with it the patience of the transaction coordinator."""
        self.clock.sleep(seconds)
        self._slept_s += seconds
        if self._slept_s > PATIENCE_S:
            self._slept_s = 0.0
            self.cluster.time_out_transactions()

    def chain(self) -> Chain:
        return read_chain(self.reader, AUDIT, self.sleep)

    def numbers(self) -> list[int]:
        """Of the events of a whole chain."""
        chain = self.chain()
        assert chain.problems == []
        return [event.number for event in chain.events]


def once(act: Callable[[], object]) -> Callable[[], object]:
    """`act` the first time, then nothing."""
    left = [act]
    return lambda: left.pop()() if left else None


def test_the_event_is_committed_before_anybody_is_let_through() -> None:
    world = AuditWorld()
    for number in (1, 2, 3):
        made = world.look()
        assert (made.number, world.chain().events[-1]) == (number, made)


@pytest.mark.parametrize("moment", ["before_taking", "before_reading", "before_writing"])
def test_of_two_people_at_once_each_has_a_number_of_its_own(moment: str) -> None:
    world = AuditWorld()
    world.look()
    assert world.look(**{moment: once(world.look)}).number == 3
    assert world.numbers() == [1, 2, 3]


def test_who_is_overtaken_again_and_again_is_refused() -> None:
    world = AuditWorld()
    with pytest.raises(WorldFault) as refused:
        world.look(before_writing=world.look)
    assert (refused.value.code, refused.value.retriable) == ("WM-UNMASK-AUDIT", True)
    assert world.numbers() == list(range(1, TRIES_MAX + 2)), "those who came between"


def test_what_stands_behind_an_open_transaction_is_waited_for() -> None:
    world = AuditWorld()
    other = MemoryDownstream(world.cluster, "other")
    other.open()
    log = world.cluster.topics[AUDIT].partitions[0]

    def leave_open() -> None:
        other.begin()
        other.write([Output(AUDIT, 0, b"1", b"forged", None, [])])

    world.look(before_writing=once(leave_open))
    assert log.stable_end == 0, "the event is committed and cannot be read yet"
    assert world.look().number == 2
    assert world.numbers() == [1, 2]


def test_the_last_event_is_found_behind_much_that_was_aborted() -> None:
    world = AuditWorld()
    world.look()
    for _ in range(LAST_WINDOW):
        world.cluster.produce_aborted(AUDIT)
    assert world.look().number == 2
    assert world.numbers() == [1, 2]


def test_nothing_is_written_behind_what_is_no_event() -> None:
    world = AuditWorld()
    world.cluster.produce(AUDIT, key=b"1", value=b"{}")
    with pytest.raises(WorldFault, match="no event of this kind") as refused:
        world.look()
    assert refused.value.code == "WM-UNMASK-CHAIN"
    assert len(world.cluster.read(AUDIT, 0)) == 1


def test_without_the_topic_nobody_is_let_through() -> None:
    world = AuditWorld()
    world.cluster.delete_topic(AUDIT)
    for act in (world.look, world.chain):
        with pytest.raises(WorldFault) as refused:
            act()
        assert refused.value.code == "WM-UNMASK-TOPIC"


@given(
    st.lists(
        st.tuples(st.sampled_from(CALLS), st.integers(0, 3), st.sampled_from(sorted(FAULTS)), st.booleans()), max_size=4
    )
)
def test_whatever_fails_or_dies_only_who_is_written_down_is_let_through(
    planned: list[tuple[str, int, str, bool]],
) -> None:
    world = AuditWorld()
    world.look()
    for call, later, kind, done in planned:
        world.cluster.faults.next(call, FAULTS[kind], later=later, done=done)
    let_through = []
    for _ in range(3):
        try:
            let_through.append(world.look())
        except (Fault, KilledLook):
            continue
    world.cluster.faults.heal()
    let_through.append(world.look())
    chain = world.chain()
    assert chain.problems == []
    assert [event.number for event in chain.events] == list(range(1, chain.count + 1))
    assert all(made in chain.events for made in let_through)
    assert len({made.number for made in let_through}) == len(let_through), "each has an event of their own"
