"""The loop, fault by fault: what it writes, what it gives back, what it does again and what it stops for."""

from __future__ import annotations

import pytest
from gate_world import BROKEN, World

from watermaster.adapters.memory.faults import abort_required, connection_lost, fenced, unreachable
from watermaster.contract.checks import HoldBudget
from watermaster.gate.ledger import Gap
from watermaster.quarantine.envelope import REFERENCE
from watermaster.runtime.configuration import Start
from watermaster.runtime.ports import CommittedPosition, Fenced, Superseded, TroubleKind
from watermaster.runtime.set_aside import RETRY_S
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, WorldFault

ORDERS = TopicPartition("orders", 0)


def one_partition(**more: object) -> World:
    return World({"orders": 1}, **more)  # type: ignore[arg-type]


def send(world: World, *values: bytes, partition: int = 0) -> None:
    for value in values:
        world.cluster.produce("orders", partition, value=value)


def ledger_range(world: World, source: TopicPartition = ORDERS) -> list[tuple[int, int]]:
    return [(entry.from_, entry.to) for entry in world.entries(source)]


# What one transaction holds


def test_outputs_ledger_and_offsets_come_together() -> None:
    world = one_partition()
    send(world, b"p1", b"h", b"d", b"p2")
    worker = world.worker()
    worker.step()
    assert world.values("trusted.orders") == []
    assert world.committed(ORDERS) is None
    worker.step(3)
    assert world.values("trusted.orders") == [b"p1", b"p2"]
    assert world.values("dlq.orders") == [b"h"]
    assert world.committed(ORDERS) == 4
    (entry,) = world.entries(ORDERS)
    assert (entry.from_, entry.to, entry.read, entry.passed, entry.held, entry.dropped) == (0, 4, 4, 2, 1, 1)
    assert entry.dropped_offsets == [(2, 2)]
    assert worker.observed.entries == [entry]


def test_a_first_position_is_committed_without_any_record() -> None:
    world = one_partition()
    world.worker().step(4)
    assert ledger_range(world) == [(0, 0)]
    assert world.committed(ORDERS) == 0


def test_holes_of_markers_lie_inside_the_ranges() -> None:
    world = one_partition()
    send(world, b"p1")
    world.cluster.produce_aborted("orders")
    send(world, b"p2")
    world.worker().step(4)
    assert ledger_range(world) == [(0, 4)]
    assert world.entries(ORDERS)[0].read == 2


def test_what_is_open_at_the_end_is_finished() -> None:
    world = one_partition()
    send(world, b"p1")
    worker = world.worker(commit_interval_s=60)
    worker.step()
    assert world.values("trusted.orders") == []
    worker.transfer.finish()
    assert world.values("trusted.orders") == [b"p1"]


# Commits whose answer is lost


def test_a_commit_that_was_done_without_an_answer_is_not_done_again() -> None:
    world = one_partition()
    worker = world.worker()
    worker.step(4)
    send(world, b"p1", b"p2")
    world.faults.next("downstream.commit", connection_lost, done=True)
    worker.step(10)
    assert world.values("trusted.orders") == [b"p1", b"p2"]
    assert ledger_range(world) == [(0, 0), (0, 2)]
    assert sum(entry.read for entry in worker.observed.entries) == 2
    send(world, b"p3")
    worker.step(4)
    assert world.values("trusted.orders") == [b"p1", b"p2", b"p3"]


def test_a_commit_that_was_not_done_without_an_answer_is_done_again() -> None:
    world = one_partition()
    worker = world.worker()
    send(world, b"p1", b"p2")
    world.faults.next("downstream.commit", connection_lost)
    worker.step(10)
    assert world.values("trusted.orders") == [b"p1", b"p2"]
    assert ledger_range(world) == [(0, 2)]


def test_a_lost_answer_inside_a_revocation_is_not_done_again() -> None:
    world = one_partition()
    worker = world.worker(commit_interval_s=5)
    worker.step(3)
    send(world, b"p1", b"p2")
    worker.step(3)
    world.faults.next("downstream.commit", connection_lost, done=True)
    world.cluster.group("watermaster.g").rebalance()
    worker.step(40)
    assert world.values("trusted.orders") == [b"p1", b"p2"]


# Going back


@pytest.mark.parametrize("call", ["begin", "forward", "write", "commit"])
@pytest.mark.parametrize("make", [abort_required, connection_lost])
def test_after_any_failure_the_same_records_are_read_again(call: str, make: object) -> None:
    world = World({"orders": 2})
    worker = world.worker()
    worker.step(4)
    for partition in (0, 1):
        send(world, b"p1", b"h", partition=partition)
    world.faults.next(f"downstream.{call}", make)  # type: ignore[arg-type]
    worker.step(12)
    for partition in (0, 1):
        assert world.values("trusted.orders", partition) == [b"p1"]
        assert world.values("dlq.orders", partition) == [b"h"]
    assert len(worker.observed.aborts) == 1
    assert worker.observed.conditions == {}


def test_a_cluster_that_is_away_for_long_stops_nobody() -> None:
    world = one_partition()
    worker = world.worker()
    worker.step(4)
    send(world, b"p1")
    world.faults.next("downstream.commit", connection_lost)
    for number in range(6):
        world.faults.next("downstream.open", connection_lost, later=number)
    worker.step(3)
    assert "failing" in worker.observed.conditions
    worker.step(12)
    assert world.values("trusted.orders") == [b"p1"]
    assert worker.observed.conditions == {}


def test_a_failed_seek_is_made_again_before_anything_is_read() -> None:
    world = one_partition()
    worker = world.worker()
    worker.step(4)
    send(world, b"p1", b"p2")
    world.faults.next("downstream.forward", abort_required)
    for number in range(3):
        world.faults.next("upstream.seek", unreachable, later=number)
    worker.step(10)
    assert world.values("trusted.orders") == [b"p1", b"p2"]


def test_who_is_fenced_stops() -> None:
    world = one_partition()
    worker = world.worker()
    send(world, b"p1")
    world.faults.next("downstream.commit", fenced)
    with pytest.raises(Fenced):
        worker.step(5)


def test_a_producer_that_must_be_replaced_is_no_failure() -> None:
    world = one_partition()
    worker = world.worker()
    send(world, b"p1")
    world.faults.next("downstream.begin", lambda: Superseded("WM-X", "x", hint="-", retriable=True))
    worker.step(6)
    assert world.values("trusted.orders") == [b"p1"]
    assert worker.observed.aborts == []
    assert world.faults.calls["downstream.open"] == 2


def test_a_fault_for_a_person_is_raised() -> None:
    world = one_partition()
    worker = world.worker()
    world.faults.next("upstream.read", lambda: WorldFault("WM-X", "x", hint="-"))
    with pytest.raises(WorldFault, match="WM-X"):
        worker.step(2)


# The group


def test_partitions_whose_takeover_failed_are_taken_over_later() -> None:
    world = one_partition()
    send(world, b"p1")
    worker = world.worker()
    for number in range(3):
        world.faults.next("upstream.committed", unreachable, later=number)
    worker.step(10)
    assert world.values("trusted.orders") == [b"p1"]


def test_a_lost_partition_is_not_committed() -> None:
    world = one_partition()
    first, second = world.worker(0, commit_interval_s=60), world.worker(1)
    send(world, b"p1", b"p2")
    first.step(2)
    first.upstream.lose()
    second.step(8)
    assert world.values("trusted.orders") == [b"p1", b"p2"]
    with pytest.raises(Fault):
        first.transfer._commit()  # what it began cannot be committed with the old generation
    first.step(4)
    assert world.values("trusted.orders") == [b"p1", b"p2"]


def test_a_revoked_partition_is_finished_first() -> None:
    world = World({"orders": 2})
    first, second = world.worker(0, commit_interval_s=60), world.worker(1)
    send(world, b"p1", partition=1)
    first.step(3)
    second.step()
    first.step()
    assert world.values("trusted.orders", 1) == [b"p1"]
    for _ in range(4):
        first.step()
        second.step()
    assert (first.observed.partitions, second.observed.partitions) == ([ORDERS], [TopicPartition("orders", 1)])


@pytest.mark.parametrize("silent", [0, 1])
def test_starting_at_the_end_holds_for_every_partition_through_every_rebalance(silent: int) -> None:
    world = World({"orders": 2}, start=Start.LATEST)
    for partition in (0, 1):
        send(world, b"p-old", partition=partition)
    first = world.worker(0)
    first.step(4)
    send(world, b"p1", partition=1 - silent)
    first.step(4)
    second = world.worker(1)
    for _ in range(8):
        first.step()
        second.step()
    send(world, b"p2", partition=silent)
    for _ in range(8):
        first.step()
        second.step()
    assert world.values("trusted.orders", silent) == [b"p2"]
    assert world.values("trusted.orders", 1 - silent) == [b"p1"]


# Gaps and troubles


def test_what_retention_took_is_a_gap_and_not_a_skip() -> None:
    world = one_partition()
    worker = world.worker()
    send(world, b"p1")
    worker.step(4)
    send(world, b"p2", b"p3", b"p4")
    world.cluster.log(ORDERS).delete_before(3)
    worker.step(6)
    assert world.values("trusted.orders") == [b"p1", b"p4"]
    gap = Gap(1, 3, "retention", 2)
    assert [g for entry in world.entries(ORDERS) for g in entry.gaps] == [gap]
    assert worker.observed.gaps == [(ORDERS, gap)]
    assert world.committed(ORDERS) == 4


@pytest.mark.parametrize("call", ["begin", "write", "commit"])
def test_a_gap_outlives_an_abort(call: str) -> None:
    """A gap that an operator has accepted is not read after all because a transaction failed."""
    world = one_partition()
    send(world, b"p1", b"p2", b"p3", b"p4")
    first = world.worker()
    first.step(2)
    first.transfer.close()
    send(world, b"p5", b"p6")
    world.cluster.group("watermaster.g").offsets[ORDERS] = CommittedPosition(5)
    second = world.worker(accept_position=True)
    world.faults.next(f"downstream.{call}", abort_required)
    second.step(8)
    assert world.values("trusted.orders") == [b"p1", b"p2", b"p3", b"p4", b"p6"]
    assert ledger_range(world) == [(0, 4), (4, 6)]
    assert world.entries(ORDERS)[1].gaps == [Gap(4, 5, "moved", 1)]


def test_a_log_that_ends_before_the_position_stops_the_gate() -> None:
    world = one_partition()
    send(world, b"p1", b"p2", b"p3")
    worker = world.worker()
    worker.step(4)
    world.cluster.log(ORDERS).truncate(1)
    with pytest.raises(WorldFault, match="WM-READ-TRUNCATED"):
        worker.step(3)


def test_a_log_that_was_cut_off_and_has_grown_again_stops_the_gate() -> None:
    world = one_partition()
    send(world, b"p1", b"p2", b"p3")
    worker = world.worker()
    worker.step(4)
    worker.transfer.close()
    world.cluster.log(ORDERS).truncate(1)
    send(world, b"p4", b"p5", b"p6", b"p7")
    refusing = world.worker()
    with pytest.raises(WorldFault, match="WM-READ-TRUNCATED"):
        refusing.step(3)
    refusing.kill()
    accepting = world.worker(accept_position=True)
    accepting.step(4)
    assert world.values("trusted.orders") == [b"p1", b"p2", b"p3", b"p6", b"p7"]


def test_a_truncation_that_the_client_reports_stops_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    world = one_partition()
    worker = world.worker()
    worker.step(4)
    monkeypatch.setattr(type(worker.upstream), "_trouble", lambda *_: TroubleKind.TRUNCATED)
    with pytest.raises(WorldFault, match="WM-READ-TRUNCATED") as raised:
        worker.step(2)
    assert not raised.value.retriable


def test_a_topic_that_goes_away_for_a_moment_is_no_lasting_condition() -> None:
    world = one_partition()
    worker = world.worker()
    worker.step(4)
    original = world.cluster.topics.pop("orders")
    with pytest.raises(Fault, match="WM-TOPIC-MISSING"):
        worker.step(2)
    world.cluster.topics["orders"] = original


def test_an_unreadable_partition_is_a_condition_until_it_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (TroubleKind.DENIED, TroubleKind.UNKNOWN):
        world = one_partition()
        worker = world.worker()
        worker.step(4)
        with monkeypatch.context() as patch:
            patch.setattr(type(worker.upstream), "_trouble", lambda *_, kind=kind: kind)
            worker.step(2)
            assert worker.observed.conditions == {"reading:orders": "WM-MEMORY-READ"}
        worker.upstream.seek({ORDERS: 0})
        send(world, b"p1")
        worker.step(4)
        assert worker.observed.conditions == {}
        assert world.values("trusted.orders") == [b"p1"]


def test_what_cannot_be_decoded_is_set_aside_and_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({"orders": 2})
    worker = world.worker()
    worker.step(4)
    with monkeypatch.context() as patch:
        patch.setattr(
            type(worker.upstream),
            "_trouble",
            lambda _, source: TroubleKind.UNREADABLE if source == ORDERS else None,
        )
        worker.step(2)
        send(world, b"p1")
        send(world, b"p2", partition=1)
        worker.step(6)
        assert worker.observed.conditions == {"reading:orders[0]": "WM-READ-UNREADABLE"}
        assert world.values("trusted.orders", 1) == [b"p2"]
    worker.step(2)
    assert world.values("trusted.orders") == [], "it waits before it asks again"
    world.clock.sleep(RETRY_S)
    worker.step(6)
    assert world.values("trusted.orders") == [b"p1"]
    assert worker.observed.conditions == {}


# Records that cannot be written


@pytest.mark.parametrize("tells_at_once", [False, True])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_one_record_that_is_refused_is_held_by_reference(tells_at_once: bool, place: int) -> None:
    world = one_partition(tells_at_once=tells_at_once)
    world.cluster.topics["trusted.orders"].record_bytes_max = 200
    values = [b"p%d" % number for number in range(7)]
    values[place] = b"p" * 300
    send(world, *values)
    world.worker().step(40)
    assert world.values("trusted.orders") == [value for value in values if len(value) < 300]
    ((_, held),) = world.cluster.read("dlq.orders", 0)
    assert held.value is None
    assert REFERENCE in dict(held.headers or [])
    assert world.committed(ORDERS) == 7


def test_a_reference_that_is_refused_too_is_a_condition_and_not_a_storm() -> None:
    world = one_partition()
    world.cluster.topics["trusted.orders"].record_bytes_max = 200
    world.cluster.topics["dlq.orders"].record_bytes_max = 1
    send(world, b"p" * 300)
    worker = world.worker()
    began_s = world.clock.monotonic_s()
    worker.step(20)
    assert "failing" in worker.observed.conditions
    assert world.clock.monotonic_s() - began_s > 20
    assert world.committed(ORDERS) is None


# The breaker


def test_a_stream_that_breaks_its_budget_is_paused_and_others_go_on() -> None:
    world = World({"orders": 1, "fleet": 1}, budget=HoldBudget(share=0.5, window=4, minimum=4))
    worker = world.worker()
    worker.step(4)
    send(world, b"h", b"h", b"h", b"p")
    world.cluster.produce("fleet", value=b"p1")
    worker.step(8)
    assert worker.observed.conditions == {"halted:orders": "WM-BREAKER-OPEN"}
    assert world.values("dlq.orders") == []
    assert world.values("trusted.fleet") == [b"p1"]
    assert world.committed(ORDERS) == 0
    world.activate("orders", b"-")
    world.resume("orders")
    worker.step(6)
    assert worker.observed.conditions == {}
    assert world.values("dlq.orders") == [b"h", b"h", b"h"]
    assert world.values("trusted.orders") == [b"p"]


def test_a_new_contract_that_breaks_its_budget_pauses_the_stream_until_the_next() -> None:
    world = World({"orders": 1}, budget=HoldBudget(share=0.5, window=4, minimum=4))
    worker = world.worker()
    worker.step(4)
    world.activate("orders", b"x")
    worker.step(2)
    send(world, b"x", b"x", b"x", b"p")
    worker.step(30)
    assert worker.observed.conditions == {"halted:orders": "WM-BREAKER-OPEN"}
    assert worker.observed.aborts == ["WM-BREAKER-OPEN"]
    world.activate("orders", b"y")
    worker.step(6)
    assert worker.observed.conditions == {}
    assert world.values("trusted.orders") == [b"x", b"x", b"x", b"p"]


@pytest.mark.parametrize("call", ["pause", "resume", "seek"])
def test_a_paused_stream_goes_on_even_if_the_client_fails_at_that_moment(call: str) -> None:
    world = World({"orders": 1}, budget=HoldBudget(share=0.5, window=4, minimum=4))
    worker = world.worker()
    worker.step(4)
    send(world, b"h", b"h", b"h", b"p")
    if call == "pause":
        world.faults.next("upstream.pause", unreachable)
    worker.step(6)
    world.resume("orders")
    if call != "pause":
        world.faults.next(f"upstream.{call}", unreachable)
    worker.step(10)
    assert world.values("trusted.orders") == [b"p"]


def test_a_paused_stream_stays_paused_through_a_rebalance() -> None:
    world = World({"orders": 1}, budget=HoldBudget(share=0.5, window=4, minimum=4))
    worker = world.worker()
    worker.step(4)
    send(world, b"h", b"h", b"h", b"p")
    worker.step(4)
    world.cluster.group("watermaster.g").rebalance()
    worker.step(8)
    assert world.committed(ORDERS) == 0
    world.resume("orders")
    worker.step(6)
    assert world.values("trusted.orders") == [b"p"]


@pytest.mark.parametrize(("number", "goes_on"), [(1, True), (2, False)])
def test_an_operators_word_outlives_a_restart_for_the_activation_it_was_given_for(number: int, goes_on: bool) -> None:
    world = World({"orders": 1}, budget=HoldBudget(share=0.5, window=4, minimum=4))
    world.resume("orders", b'{"activation":%d}' % number)
    send(world, b"h", b"h", b"h", b"p")
    worker = world.worker()
    worker.step(8)
    assert world.values("trusted.orders") == ([b"p"] if goes_on else [])
    assert worker.observed.conditions == ({} if goes_on else {"halted:orders": "WM-BREAKER-OPEN"})
    if goes_on:
        world.activate("orders", b"x")
        worker.step(2)
        send(world, b"x", b"x", b"x", b"p")
        worker.step(8)
        assert worker.observed.conditions == {"halted:orders": "WM-BREAKER-OPEN"}, "the next activation is not excused"


# Activations


@pytest.mark.parametrize("at_start", [True, False])
def test_a_contract_that_cannot_be_compiled_stops_its_stream_alone(at_start: bool) -> None:
    world = World({"orders": 1, "fleet": 1})
    if at_start:
        world.activate("orders", BROKEN)
    worker = world.worker()
    worker.step(4)
    if not at_start:
        world.activate("orders", BROKEN)
        worker.step(2)
    before = world.committed(ORDERS)
    send(world, b"p1")
    world.cluster.produce("fleet", value=b"p2")
    worker.step(8)
    assert worker.observed.conditions == {"halted:orders": "WM-CONTRACT-UNUSABLE"}
    assert world.committed(ORDERS) == before
    assert (world.values("trusted.orders"), world.values("trusted.fleet")) == ([], [b"p2"])
    world.activate("orders", b"x")
    worker.step(8)
    assert worker.observed.conditions == {}
    assert world.values("trusted.orders") == [b"p1"]


def test_a_new_owner_never_judges_by_an_older_activation() -> None:
    world = one_partition()
    first, second = world.worker(0), world.worker(1)
    first.step(4)
    world.activate("orders", b"x")
    first.step()
    send(world, b"x1")
    first.step(4)
    assert [entry.activation for entry in world.entries(ORDERS)] == [1, 2]
    send(world, b"x2")
    first.kill()
    world.faults.next("log.poll", unreachable)
    second.step(8)
    assert world.values("trusted.orders") == []
    assert world.values("dlq.orders") == [b"x1", b"x2"]


def test_a_transaction_is_judged_by_one_activation() -> None:
    world = one_partition()
    worker = world.worker(commit_interval_s=0.5)
    worker.step(6)
    send(world, b"x1")
    worker.step()
    world.activate("orders", b"x")
    send(world, b"x2")
    worker.step(6)
    send(world, b"x3")
    worker.step(6)
    assert world.values("trusted.orders") == [b"x1", b"x2"]
    assert world.values("dlq.orders") == [b"x3"]
    assert [(entry.activation, entry.read) for entry in world.entries(ORDERS)[1:]] == [(1, 2), (2, 1)]


def test_a_lag_is_counted_from_what_is_committed() -> None:
    world = World({"orders": 1}, budget=HoldBudget(share=0.5, window=4, minimum=4))
    worker = world.worker()
    worker.step(4)
    send(world, b"h", b"h", b"h", b"p")
    worker.step(30)
    assert worker.observed.lags == {ORDERS: 4}
