"""What is planned where recent records cannot be judged."""

from __future__ import annotations

import pytest
from topic_log import TopicLog

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.memory.registry import MemoryRegistry, MemorySchemas
from watermaster.contract.activation import ControlState
from watermaster.contract.checks import Checks, Encoding, FieldCheck, LogicalType
from watermaster.gate.judge import build_judge
from watermaster.gate.schema import AVRO, Schema
from watermaster.gate.verdict import Judge
from watermaster.runtime.activate import ActivationPlan, Document, plan_activation
from watermaster.runtime.schema_shelf import SchemaShelf, fetching_judge
from watermaster.stream.fault import Fault, UsageFault, WorldFault

DOWN = WorldFault("WM-REGISTRY-UNREACHABLE", "down", hint="-", retriable=True)
UNUSABLE = UsageFault("WM-CONTRACT-PATTERN", "unusable", hint="-")
ANYTHING = FieldCheck("orders", "$", LogicalType.ANY)
AVRO_CHECKS = Checks("orders", "1.0.0", "sha256:0", "orders", ANYTHING, encoding=Encoding.AVRO)
JSON_CHECKS = Checks("orders", "2.0.0", "sha256:1", "orders", ANYTHING)
FRAMED = b"\0\0\0\0\x07\x02"
"""The number 1 behind a frame that names the schema 7: no JSON."""


def planned(
    registry: MemoryRegistry, *, checks: Checks = AVRO_CHECKS, before: Judge | Fault | None = None, rolls_back: bool
) -> ActivationPlan:
    shelf = SchemaShelf(registry, MemorySchemas(), MemoryClock(), unknown_wait_s=0)
    return plan_activation(
        stream="orders",
        document=Document(b"contract", checks),
        state=ControlState(),
        judge=fetching_judge(checks, shelf),
        judge_in_force=before,
        reader=TopicLog("orders", dict.fromkeys(range(3), FRAMED), dict.fromkeys(range(2), FRAMED)),
        by="anna",
        why="",
        now_ms=0,
        rolls_back=rolls_back,
    )


def test_a_roll_back_needs_no_registry_and_asks_a_silent_one_once() -> None:
    registry = MemoryRegistry()
    registry.fault = DOWN
    found = planned(registry, rolls_back=True)
    assert found.activation.number == 1
    assert (found.changes.unseen, found.changes.records, registry.asked) == (DOWN, 0, [7])


def test_another_contract_is_not_put_in_force_unseen() -> None:
    registry = MemoryRegistry()
    registry.fault = DOWN
    with pytest.raises(WorldFault) as caught:
        planned(registry, rolls_back=False)
    assert caught.value is DOWN


@pytest.mark.parametrize("rolls_back", [False, True])
def test_a_contract_in_force_that_cannot_be_used_is_replaced(rolls_back: bool) -> None:
    registry = MemoryRegistry()
    registry.schemas[7] = Schema(AVRO, '"int"')
    found = planned(registry, before=UNUSABLE, rolls_back=rolls_back)
    assert (found.changes.unseen, found.changes.records, found.changes.held_after) == (UNUSABLE, 5, 0)


def test_what_can_be_judged_is_compared() -> None:
    registry = MemoryRegistry()
    registry.schemas[7] = Schema(AVRO, '"int"')
    changes = planned(registry, before=build_judge(JSON_CHECKS), rolls_back=True).changes
    assert (changes.unseen, changes.records, changes.held_before, changes.newly_passed) == (None, 5, 5, 5)
