"""The gate's decisions on one batch, without the loop."""

from __future__ import annotations

import json

import pytest
from gate_world import World

from watermaster.gate.verdict import BrokenRule, Outcome, Severity, Verdict
from watermaster.quarantine.envelope import OPERATIONAL, REFERENCE
from watermaster.runtime.contracts_in_force import InForce
from watermaster.runtime.gate import GateStage
from watermaster.runtime.ports import CommittedPosition
from watermaster.runtime.stage import Decisions
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import RESERVED_HEADER, TopicPartition, decode_coordinates
from watermaster.stream.fault import WorldFault

ORDERS = TopicPartition("orders", 1)
ERROR = BrokenRule("e", "$", "c", "m")
WARNING = BrokenRule("w", "$", "c", "m", Severity.WARNING)


class NothingToFetch:
    def fetch(self, ids: object) -> None:
        raise AssertionError("these records name no schema")

    def is_ready(self, ids: object) -> bool:
        return True


def stage_of(world: World, verdicts: dict[int, Verdict]) -> GateStage:
    worker = world.worker()
    worker.positions.begin([ORDERS])

    def judge(_: InForce, __: RecordBatch, ___: int) -> dict[int, Verdict]:
        return dict(verdicts)

    stage = GateStage(world.gate, worker.positions.contracts, worker.positions, judge, NothingToFetch())
    stage.begin_positions([ORDERS])
    return stage


def batch(count: int, **columns: object) -> RecordBatch:
    made = RecordBatch(
        ORDERS, [10 + 2 * i for i in range(count)], [5] * count, [b"k"] * count, [b"v"] * count, [None] * count
    )
    for name, column in columns.items():
        setattr(made, name, column)
    return made


def decide(verdicts: dict[int, Verdict], made: RecordBatch) -> Decisions:
    return stage_of(World(), verdicts).decide(made, 99)


def test_verdicts_become_what_is_written() -> None:
    verdicts = {
        3: Verdict(Outcome.DROP, (ERROR,)),
        2: Verdict(Outcome.HOLD, (ERROR, WARNING)),
        1: Verdict(Outcome.PASS, (WARNING,)),
        0: Verdict(Outcome.DROP, (ERROR,)),
    }
    decisions = decide(verdicts, batch(5))
    assert decisions.target == "trusted.orders"
    assert decisions.withheld == {0, 2, 3}
    assert decisions.dropped == [10, 16], "in the order of the source, whatever the judge's"
    assert (decisions.held, decisions.rules, decisions.warnings) == (1, {"e": 3}, {"w": 2})
    (held,) = decisions.outputs
    assert (held.topic, held.partition, held.key, held.value, held.timestamp_ms) == ("dlq.orders", 1, b"k", b"v", 5)
    coordinates = decode_coordinates(dict(held.headers)[RESERVED_HEADER])
    assert coordinates is not None
    assert (coordinates.partition, coordinates.offset, coordinates.activation) == (1, 14, 1)
    assert (decisions.stamp.head, decisions.stamp.tail) == (b"1 memory-cluster id-3 1 ", b" 0 0 1")


CANNOT = [
    ("timestamp 0", {"timestamps_ms": [5, 0, -1]}, "timestamp 0"),
    ("a header key", {"uncarriable": {1: "a header key is not UTF-8"}}, "a header key is not UTF-8"),
]


@pytest.mark.parametrize(("why", "columns", "reason"), CANNOT, ids=[row[0] for row in CANNOT])
@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.DROP, Outcome.HOLD])
def test_what_cannot_be_carried_is_held_by_reference(
    why: str, columns: dict[str, object], reason: str, outcome: Outcome
) -> None:
    verdicts = {1: Verdict(outcome, (ERROR,))} if outcome is not Outcome.PASS else {}
    decisions = decide(verdicts, batch(3, **columns))
    assert (decisions.withheld, decisions.dropped, decisions.held) == ({1}, [], 1), why
    (held,) = decisions.outputs
    assert (held.key, held.value, held.timestamp_ms) == (None, None, None)
    headers = dict(held.headers)
    assert headers[OPERATIONAL] == b"true"
    facts = json.loads(headers[REFERENCE] or b"")
    assert reason in facts["reason"]
    assert (facts["key_bytes"], facts["value_bytes"]) == (1, 1)
    assert [name for name, _ in held.headers][-2:] == [REFERENCE, RESERVED_HEADER]
    assert decisions.rules == {"operational.carry": 1, **({"e": 1} if verdicts else {})}


def test_what_the_broker_refused_is_held_by_reference() -> None:
    stage = stage_of(World(), {})
    stage.refuse(ORDERS, 12, WorldFault("WM-X", "too large", hint="-"))
    decisions = stage.decide(batch(3), 0)
    assert decisions.withheld == {1}
    assert b"the target topic refuses the record: too large" in (dict(decisions.outputs[0].headers)[REFERENCE] or b"")
    assert (
        stage.decide(RecordBatch(TopicPartition("orders", 0), [12], [5], [None], [None], [None]), 0).withheld == set()
    )


def test_positions_carry_activation_and_topic_id() -> None:
    world = World()
    stage = stage_of(world, {})
    assert stage.position(ORDERS, 5, 7) == CommittedPosition(5, 1, "id-3", ours=True, leader_epoch=7)
    world.activate("orders", b"x")
    assert stage.refresh() == []
    assert stage.position(ORDERS, 5, 7).activation == 2
    assert stage.decide(batch(1), 0).stamp.tail == b" 0 0 2"


def test_a_switch_changes_the_coordinates_and_contract_of_held_records() -> None:
    world = World()
    stage = stage_of(world, {0: Verdict(Outcome.HOLD, (ERROR,))})
    before = dict(stage.decide(batch(1), 0).outputs[0].headers)
    activation = world.activate("orders", b"x")
    stage.refresh()
    after = dict(stage.decide(batch(1), 0).outputs[0].headers)
    assert before["__watermaster.contract"] != after["__watermaster.contract"] == activation.contract.encode()


def test_ledger_partitions_wrap_around() -> None:
    from watermaster.gate.ledger import PartitionTally

    world = World({"orders": 3}, ledger_partitions=2)
    stage = stage_of(world, {})
    entries = [stage.entry(PartitionTally(TopicPartition("orders", number), 0, 0), 9) for number in range(3)]
    assert [stage.ledger_output(entry) for entry in entries] == [(world.gate.ledger, number) for number in (0, 1, 0)]
    assert (entries[0].cluster, entries[0].topic_id, entries[0].now_ms) == ("memory-cluster", "id-3", 9)
