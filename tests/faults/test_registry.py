"""Rows 18 and 19 of the fault matrix, and an Avro stream under kills: on real Kafka and a real registry."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.avro_rig import AvroRig, frame
from tests.faults.rig import ConcurrentReader, read_outputs
from tests.faults.test_kills import run_until

from watermaster.runtime.crash_points import CrashPoint
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.registry import RegistryServer
from watermaster.testing.registry_proxy import RegistryProxy
from watermaster.testing.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.registry, pytest.mark.timeout(600)]


@pytest.fixture
def proxy(registry: RegistryServer) -> Iterator[RegistryProxy]:
    with RegistryProxy(registry.url) as proxy:
        yield proxy


@pytest.fixture
def rig(
    kafka: KafkaCluster,
    registry: RegistryServer,
    proxy: RegistryProxy,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[AvroRig]:
    name = "".join(sign if sign.isalnum() else "_" for sign in request.node.name.removeprefix("test_")[:50])
    rig = AvroRig(kafka, tmp_path, name, registry, proxy)
    rig.activate()
    yield rig
    rig.close()


def drained_and_proved(rig: AvroRig) -> None:
    rig.wait_until_drained()
    assert rig.stop() == 0, rig.log()[-2000:]
    rig.assert_proved()


def reasons(rig: AvroRig) -> Counter[str]:
    """Broken rules of all held records."""
    found: Counter[str] = Counter()
    for message in rig.held():
        rules = json.loads(dict(message.headers() or [])["__watermaster.rules"] or b"[]")
        found.update(one["rule"] for one in rules)
    return found


FAULTS: dict[str, tuple[Callable[[RegistryProxy], None], str]] = {
    "down": (RegistryProxy.go_down, "WM-REGISTRY-UNREACHABLE"),
    "slow": (RegistryProxy.hold, "WM-REGISTRY-UNREACHABLE"),
    "500": (lambda proxy: proxy.answer_all(b'{"error_code":50001}', 500), "WM-REGISTRY-ANSWER"),
    "wrong body": (lambda proxy: proxy.answer_all(b"<html>please log in</html>", 200), "WM-REGISTRY-ANSWER"),
    "no such page": (lambda proxy: proxy.answer_all(b"<html>404</html>", 404), "WM-REGISTRY-ANSWER"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_registry_that_cannot_tell_is_waited_for(rig: AvroRig, fault: str) -> None:
    """Row 18: paused, never valid by default, nothing committed; it goes on by itself."""
    misbehave, code = FAULTS[fault]
    rig.produce(600)
    misbehave(rig.proxy)
    rig.start()
    wait_until(lambda: rig.conditions().get(f"halted:{rig.landing}") == code, f"the gate says {code}")
    assert f'code="{code}"' in rig.metrics()
    assert sum(max(0, offset) for offset in rig.committed().values()) == 0
    assert read_outputs(rig, Counter()) == Counter()
    rig.heal()
    drained_and_proved(rig)
    assert set(reasons(rig)) == {"cheap-enough"}, "every record was judged by its own words"


def test_what_is_known_is_judged_while_the_registry_is_down(rig: AvroRig) -> None:
    """Row 18: a gate that has asked once needs it no more, also after a restart; and it says so."""
    rig.produce(600)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.proxy.go_down()
    rig.produce(600)
    rig.start()
    wait_until(lambda: rig.conditions().get("registry") == "WM-REGISTRY-UNREACHABLE", "the gate says that it is down")
    drained_and_proved(rig)


def test_another_schema_for_a_known_id_is_refused(rig: AvroRig) -> None:
    """Row 19: ids are immutable; nothing is judged by the other schema, not even after a restart."""
    rig.produce(600)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    before = rig.produced
    path = f"/schemas/ids/{rig.value_id}"
    other = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}
    rig.proxy.answer(path, {"schema": json.dumps(other)})
    rig.produce(600)
    rig.start()
    wait_until(
        lambda: rig.conditions().get(f"halted:{rig.landing}") == "WM-SCHEMA-CHANGED", "the gate says what has changed"
    )
    assert sum(rig.committed().values()) == before
    rig.heal()
    drained_and_proved(rig)
    assert set(reasons(rig)) == {"cheap-enough"}


def test_an_unknown_id_waits_and_is_then_held(rig: AvroRig) -> None:
    """An id that nobody registered delays its stream, and does not stop it for ever."""
    rig.produce(300, bad_share=0)
    rig.produce_one(frame(2**31 - 1) + b"\x02")
    rig.produce(300, bad_share=0)
    rig.start()
    wait_until(
        lambda: rig.conditions().get(f"halted:{rig.landing}") == "WM-SCHEMA-UNKNOWN", "the gate says what is unknown"
    )
    drained_and_proved(rig)
    assert reasons(rig) == {"schema.unknown": 1}
    (held,) = rig.held()
    assert dict(held.headers() or [])["__watermaster.operational"] == b"true"
    assert held.value() == frame(2**31 - 1) + b"\x02"


def test_a_crash_while_decoding_costs_three_deaths_and_the_record(rig: AvroRig) -> None:
    """Rows 14 and 15 for Avro: the process that decodes may die; the stream goes on."""
    rig.produce(900, bad_share=0)
    rig.produce_one(rig.order(pad="DEADLY"))
    rig.produce_one(rig.order()[:-1])
    rig.produce(300, bad_share=0)
    rig.start(WATERMASTER_CRASH_ON_VALUE="DEADLY")
    drained_and_proved(rig)
    assert reasons(rig) == {"operational.poison": 1, "avro.truncated": 1}


def test_no_crash_point_loses_doubles_or_alters_an_avro_record(
    kafka_three: KafkaCluster, registry: RegistryServer, proxy: RegistryProxy, tmp_path: Path
) -> None:
    """B1 to B6: as `test_kills`, with a registry that goes away now and then."""
    rig = AvroRig(kafka_three, tmp_path, "avrokills", registry, proxy)
    rig.activate()
    with ConcurrentReader(rig) as reader:
        for number, point in enumerate(CrashPoint):
            rig.produce(3_000)
            if number % 3 == 1:
                rig.proxy.go_down()
            rig.start("--workers", str((1, 2, 3)[number % 3]), WATERMASTER_CRASH_POINT=f"{point.value}:2")
            run_until(rig, rig.produced, seconds=12)
            rig.kill()
            rig.heal()
        rig.produce(500)  # the last gate must be up to move these
        rig.start("--workers", "2")
        rig.wait_until_drained()
        assert rig.stop() == 0
        seen = reader.finish()
    rig.assert_proved()
    rig.close()
    assert seen == read_outputs(rig, Counter())
    assert set(reasons(rig)) == {"cheap-enough"}
