"""A stream whose records name schemas: nothing is committed until the registry has told them."""

from __future__ import annotations

import pytest
from gate_world import World

from watermaster.contract.checks import Encoding
from watermaster.gate.schema import AVRO, JSON, Schema
from watermaster.runtime.schema_shelf import ASK_AGAIN_S, BACKOFF_S_MAX
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

ORDERS = TopicPartition("orders", 0)
DOWN = WorldFault("WM-REGISTRY-UNREACHABLE", "the registry main cannot be asked", hint="-", retriable=True)
ANY = Schema(JSON, "{}")


def framed(value: bytes, number: int = 1) -> bytes:
    return b"\0" + number.to_bytes(4, "big") + value


@pytest.fixture
def world() -> World:
    world = World({"orders": 1, "other": 1}, encoding=Encoding.JSON_SCHEMA)
    world.registry.schemas[1] = ANY
    return world


def send(world: World, *values: bytes, topic: str = "orders") -> None:
    for value in values:
        world.cluster.produce(topic, 0, value=value)


def test_framed_records_are_judged_by_their_text_and_forwarded_with_their_frames(world: World) -> None:
    send(world, framed(b"p1"), framed(b"h"), b"p2", framed(b"d"))
    worker = world.worker()
    worker.step(4)
    assert world.values("trusted.orders") == [framed(b"p1")]
    assert world.values("dlq.orders") == [framed(b"h"), b"p2"]
    (entry,) = world.entries(ORDERS)
    assert (entry.passed, entry.held, entry.dropped) == (1, 2, 1)
    assert entry.rules == {"letter": 2, "frame.magic": 1}
    assert world.registry.asked == [1]


def test_a_registry_that_is_down_pauses_its_stream_alone_until_it_is_back(world: World) -> None:
    world.registry.fault = DOWN
    send(world, framed(b"p1"))
    send(world, b"p2", topic="other")
    worker = world.worker()
    worker.step(10)
    assert world.values("trusted.orders") == []
    assert world.values("dlq.orders") == []
    assert world.values("dlq.other") == [b"p2"]
    assert not world.committed(ORDERS)
    assert worker.observed.conditions["halted:orders"] == "WM-REGISTRY-UNREACHABLE"
    asked = len(world.registry.asked)
    world.clock.sleep(BACKOFF_S_MAX)
    worker.step(5)
    assert 1 <= len(world.registry.asked) - asked <= 2, "asked at intervals"
    world.registry.fault = None
    world.clock.sleep(BACKOFF_S_MAX)
    worker.step(10)
    assert world.values("trusted.orders") == [framed(b"p1")]
    assert worker.observed.conditions.get("halted:orders") is None


def test_what_is_remembered_is_enough_while_the_registry_is_down(world: World) -> None:
    world.schemas.remember(1, ANY)
    world.registry.fault = DOWN
    send(world, framed(b"p1"))
    worker = world.worker()
    worker.step(4)
    assert world.values("trusted.orders") == [framed(b"p1")]
    assert worker.observed.conditions["registry"] == "WM-REGISTRY-UNREACHABLE"


def test_another_schema_for_a_known_id_is_never_judged_by(world: World) -> None:
    send(world, framed(b"p1"))
    worker = world.worker()
    worker.step(4)
    world.registry.schemas[1] = Schema(JSON, '{"type":"object"}')
    world.clock.sleep(ASK_AGAIN_S)
    send(world, framed(b"p2"))
    worker.step(10)
    assert world.values("trusted.orders") == [framed(b"p1")]
    assert worker.observed.conditions["halted:orders"] == "WM-SCHEMA-CHANGED"
    successor = world.worker(1)
    worker.kill()
    successor.step(10)
    assert world.values("trusted.orders") == [framed(b"p1")], "a restart believes it no sooner"
    world.registry.schemas[1] = ANY
    world.clock.sleep(BACKOFF_S_MAX)
    successor.step(10)
    assert world.values("trusted.orders") == [framed(b"p1"), framed(b"p2")]


def test_an_unknown_id_is_waited_for_and_then_held(world: World) -> None:
    send(world, framed(b"p1", 7), framed(b"p2"))
    worker = world.worker()
    worker.step(10)
    assert world.values("trusted.orders") == []
    assert worker.observed.conditions["halted:orders"] == "WM-SCHEMA-UNKNOWN"
    world.clock.sleep(60)
    worker.step(10)
    assert world.values("dlq.orders") == [framed(b"p1", 7)]
    assert world.values("trusted.orders") == [framed(b"p2")]
    (entry,) = [entry for entry in world.entries(ORDERS) if entry.read]
    assert entry.rules == {"schema.unknown": 1}


def test_an_id_that_comes_to_be_known_in_time_loses_nothing(world: World) -> None:
    send(world, framed(b"p1", 7))
    worker = world.worker()
    worker.step(10)
    world.registry.schemas[7] = ANY
    world.clock.sleep(BACKOFF_S_MAX)
    worker.step(10)
    assert world.values("trusted.orders") == [framed(b"p1", 7)]
    assert world.values("dlq.orders") == []


def test_a_schema_of_another_language_is_a_reason_and_no_pause(world: World) -> None:
    world.registry.schemas[2] = Schema(AVRO, '"string"')
    send(world, framed(b"p1", 2), framed(b"p2"))
    world.worker().step(4)
    assert world.values("dlq.orders") == [framed(b"p1", 2)]
    assert world.values("trusted.orders") == [framed(b"p2")]
