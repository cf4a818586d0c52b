"""What a shelf believes, remembers and waits for, moment by moment."""

from __future__ import annotations

import pytest

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.memory.registry import MemoryRegistry, MemorySchemas
from watermaster.gate.schema import AVRO, Schema, SchemaId
from watermaster.runtime.schema_shelf import ASK_AGAIN_S, IDS_MAX, PATIENCE_RENEWED_S, TROUBLE_S, SchemaShelf
from watermaster.stream.fault import Fault, InternalFault, WorldFault

LONG, TEXT = Schema(AVRO, '"long"'), Schema(AVRO, '"string"')
DOWN = WorldFault("WM-REGISTRY-UNREACHABLE", "down", hint="-", retriable=True)
WAIT_S = 60.0


class Rig:
    def __init__(self) -> None:
        self.clock = MemoryClock()
        self.registry = MemoryRegistry()
        self.memory = MemorySchemas()
        self.conditions: dict[str, str] = {}
        self.shelf = self.another()

    def another(self) -> SchemaShelf:
        return SchemaShelf(self.registry, self.memory, self.clock, unknown_wait_s=WAIT_S, report=self._report)

    def _report(self, name: str, fault: Fault | None) -> None:
        if fault is None:
            del self.conditions[name]
        else:
            self.conditions[name] = fault.code

    def code(self, *ids: SchemaId) -> str:
        try:
            self.shelf.fetch(ids)
        except WorldFault as fault:
            return fault.code
        return ""


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.registry.schemas = {1: LONG, 2: TEXT}
    return rig


def test_each_id_is_asked_for_once_until_its_answer_is_old(rig: Rig) -> None:
    for _ in range(3):
        rig.shelf.fetch([1, 2])
    assert rig.registry.asked == [1, 2]
    assert (rig.shelf.lookup(1), rig.shelf.lookup(2)) == (LONG, TEXT)
    rig.clock.sleep(ASK_AGAIN_S)
    rig.shelf.fetch([1])
    assert rig.registry.asked == [1, 2, 1]


def test_what_was_never_fetched_cannot_be_looked_up(rig: Rig) -> None:
    with pytest.raises(InternalFault):
        rig.shelf.lookup(1)


def test_a_known_schema_outlives_its_registry_and_the_process(rig: Rig) -> None:
    rig.shelf.fetch([1])
    rig.registry.fault = DOWN
    rig.clock.sleep(ASK_AGAIN_S)
    assert rig.code(1) == ""
    assert rig.conditions == {"registry": "WM-REGISTRY-UNREACHABLE"}
    rig.shelf = rig.another()
    assert rig.code(1) == ""
    assert rig.code(2) == "WM-REGISTRY-UNREACHABLE", "nothing is known of it"
    rig.registry.fault = None
    rig.clock.sleep(TROUBLE_S)
    assert rig.code(1, 2) == ""
    assert rig.conditions == {}


class HangingRegistry(MemoryRegistry):
    """Has no answer within the five seconds for which it is waited, until it is mended."""

    def __init__(self, clock: MemoryClock) -> None:
        super().__init__()
        self.fault = DOWN
        self._clock = clock

    def schema(self, schema_id: SchemaId) -> Schema | None:
        self._clock.sleep(5 if self.fault else 0)
        return super().schema(schema_id)


def test_a_registry_that_hangs_is_not_waited_for_with_every_known_schema(rig: Rig) -> None:
    ids = range(1, 21)
    for one in ids:
        rig.memory.remember(one, LONG)
    rig.registry = HangingRegistry(rig.clock)
    rig.shelf = rig.another()
    assert rig.code(*ids) == ""
    assert [rig.shelf.lookup(one) for one in ids] == [LONG] * 20
    rig.clock.sleep(TROUBLE_S / 2)
    assert rig.code(*ids) == ""
    assert len(rig.registry.asked) == 1
    assert rig.conditions == {"registry": "WM-REGISTRY-UNREACHABLE"}
    rig.clock.sleep(TROUBLE_S)
    assert rig.code(*ids) == ""
    assert len(rig.registry.asked) == 2
    rig.registry.fault, rig.registry.schemas = None, dict.fromkeys(ids, LONG)
    rig.clock.sleep(TROUBLE_S)
    assert rig.code(*ids) == ""
    assert (set(rig.registry.asked), rig.conditions) == ({*ids}, {})


def test_another_meaning_is_refused_also_after_a_restart_and_until_it_is_undone(rig: Rig) -> None:
    rig.shelf.fetch([1])
    rig.registry.schemas[1] = TEXT
    assert rig.code(1) == "", "the answer is not old"
    rig.clock.sleep(ASK_AGAIN_S)
    assert [rig.code(1), rig.code(1)] == ["WM-SCHEMA-CHANGED"] * 2
    rig.shelf = rig.another()
    assert rig.code(1) == "WM-SCHEMA-CHANGED"
    rig.registry.fault = DOWN
    assert rig.code(1) == "", "what it meant at first is still known"
    rig.registry.fault, rig.registry.schemas[1] = None, Schema(AVRO, ' "long" ')
    rig.clock.sleep(TROUBLE_S)
    assert rig.code(1) == "", "white space is no meaning"


def test_an_unknown_id_is_waited_for_once_and_not_again_for_the_next(rig: Rig) -> None:
    assert [rig.code(7), rig.code(7, 8)] == ["WM-SCHEMA-UNKNOWN"] * 2
    rig.clock.sleep(WAIT_S)
    assert rig.code(7, 8, 9) == ""
    assert [rig.shelf.lookup(one) for one in (7, 8, 9)] == [None] * 3
    rig.clock.sleep(PATIENCE_RENEWED_S + 1)
    assert rig.code(10) == "WM-SCHEMA-UNKNOWN"


def test_an_id_that_was_given_up_is_asked_for_again(rig: Rig) -> None:
    rig.code(7)
    rig.clock.sleep(WAIT_S)
    rig.code(7)
    rig.registry.schemas[7] = LONG
    rig.clock.sleep(ASK_AGAIN_S)
    assert rig.code(7) == ""
    assert rig.shelf.lookup(7) == LONG


def test_a_registry_that_is_down_is_never_taken_for_one_that_does_not_know(rig: Rig) -> None:
    rig.code(7)
    rig.clock.sleep(WAIT_S)
    rig.registry.fault = DOWN
    assert rig.code(7) == "WM-REGISTRY-UNREACHABLE"


def test_a_deleted_schema_is_read_by_what_is_remembered_and_said(rig: Rig) -> None:
    rig.shelf.fetch([1])
    del rig.registry.schemas[1]
    rig.clock.sleep(ASK_AGAIN_S)
    assert rig.code(1) == ""
    assert rig.shelf.lookup(1) == LONG
    assert rig.conditions == {"schema:1": "WM-SCHEMA-GONE"}
    rig.registry.schemas[1] = LONG
    rig.clock.sleep(ASK_AGAIN_S)
    rig.shelf.fetch([1])
    assert rig.conditions == {}


def test_who_waits_asks_less_and_less_often(rig: Rig) -> None:
    rig.registry.fault = DOWN
    for _ in range(1200):
        assert not rig.shelf.is_ready([1])
        rig.clock.sleep(0.1)
    assert 5 <= len(rig.registry.asked) <= 12
    rig.registry.fault = None
    rig.clock.sleep(30)
    assert rig.shelf.is_ready([1])


def test_ids_without_end_take_no_memory_without_end(rig: Rig) -> None:
    rig.shelf.fetch([1])
    rig.code(7)
    rig.clock.sleep(WAIT_S)
    assert rig.code(7) == ""
    for first in range(10_000, 10_000 + 3 * IDS_MAX, 500):
        ids = [1, *range(first, first + 500)]
        assert rig.code(*ids) == ""
        assert rig.shelf.lookup(1) == LONG, "what is fetched together is there together"
    assert len(rig.shelf._entries) <= IDS_MAX + 501
