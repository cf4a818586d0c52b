"""Avro topics for every command that reads records: the verdicts are those of the gate, and the registry is asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults.avro_rig import ORDER, AvroRig, encoded, frame

from watermaster.cli import main
from watermaster.contract.checks import Encoding, LogicalType
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.registry import RegistryServer
from watermaster.testing.registry_proxy import RegistryProxy

pytestmark = [pytest.mark.kafka, pytest.mark.registry]

GOOD = 500
LATER: Any = {**ORDER, "name": "LaterOrder", "fields": ORDER["fields"][:4]}


@pytest.fixture
def rig(kafka: KafkaCluster, registry: RegistryServer, tmp_path: Path, fresh_name: Any) -> Iterator[AvroRig]:
    with RegistryProxy(registry.url) as proxy:
        rig = AvroRig(kafka, tmp_path, fresh_name("avro"), registry, proxy)
        rig.produce(GOOD, bad_share=0)
        key = frame(rig.key_id) + b"\x02"
        rig.produce_one(rig.order(price=-1), key)
        rig.produce_one(rig.order() + b"!", key)
        rig.produce_one(b'{"id":1,"customer":"c-1","price":1}', key)
        rig.produce_one(rig.order(), key=b"no frame")
        yield rig
        rig.close()


def run(rig: AvroRig, capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    capfd.readouterr()
    assert main.execute([*arguments, "--config", str(rig.config), "--output", "json"]) == code
    report: dict[str, Any] = json.loads(capfd.readouterr().out)
    return report


def total(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for rule, records in counts:
        found[rule] += records
    return found


def contract_of(rig: AvroRig) -> str:
    return str(rig.directory / "contracts" / "orders.odcs.yaml")


def test_check_and_observe_say_what_the_gate_does(rig: AvroRig, capfd: pytest.CaptureFixture[str]) -> None:
    checked = run(rig, capfd, "check", "--topic", rig.landing, "--contract", contract_of(rig), code=1)
    observed = run(rig, capfd, "gate", "--observe")
    rig.activate()
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.assert_proved()
    held = [entry["rules"] for entry in rig.entries() if entry["rules"]]
    by_gate: Counter[str] = Counter()
    for rules in held:
        by_gate.update(rules)
    assert by_gate == {"$.price:minimum": 1, "avro.trailing": 1, "frame.magic": 2}
    (stream,) = observed["streams"]
    assert total((reason["rule"], reason["records"]) for reason in stream["reasons"]) == by_gate
    assert total((reason["reason"]["rule"], reason["records"]) for reason in checked["reasons"]) == by_gate
    paths = {reason["reason"]["path"] for reason in checked["reasons"] if reason["reason"]["rule"] == "frame.magic"}
    assert paths == {"$", "key"}
    assert "!" not in json.dumps(checked["failing"])


def test_a_contract_is_drafted_from_avro_and_holds_none_of_its_sample(
    rig: AvroRig, capfd: pytest.CaptureFixture[str]
) -> None:
    out = rig.directory / "drafted.odcs.yaml"
    inferred = run(rig, capfd, "contract", "infer", "--topic", rig.landing, "-o", str(out))
    assert inferred["learnt"] == GOOD + 1
    assert inferred["passed_over"] == {"avro.trailing": 1, "frame.magic": 2}
    assert "encoding, value: avro" in out.read_text()
    (checks,) = compile_contract(read_contract(out.read_bytes(), out.name)).checks
    assert (checks.key.encoding, checks.key.required) == (Encoding.AVRO, False)
    assert checks.key.check is not None
    assert checks.key.check.type is LogicalType.INTEGER
    assert inferred["remarks"] == []
    checked = run(rig, capfd, "check", "--topic", rig.landing, "--contract", str(out), code=1)
    assert {reason["reason"]["rule"] for reason in checked["reasons"]} == {"avro.trailing", "frame.magic"}


def test_what_waited_in_vain_is_replayed_once_its_schema_is_there(
    rig: AvroRig, registry: RegistryServer, capfd: pytest.CaptureFixture[str]
) -> None:
    later = registry.register(f"{rig.landing}-later", {**LATER, "doc": rig.landing})
    told = registry.get(f"/schemas/ids/{later}")
    path = f"/schemas/ids/{later}"
    rig.proxy.answer(path, {"error_code": 40403, "message": "Schema not found"}, 404)
    content = encoded(LATER, {"id": 9, "customer": "c-9", "price": 9, "pad": None})
    rig.produce_one(frame(later) + content, key=frame(rig.key_id) + b"\x02")
    rig.activate()
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    (plan,) = run(rig, capfd, "quarantine", "replay", "--rule", "schema.unknown")["plans"]
    assert plan["fates"] == {"fails": 1}
    rig.proxy.answer(path, told)
    replayed = run(rig, capfd, "quarantine", "replay", "--rule", "schema.unknown", "--yes")
    assert replayed["done"]["fates"] == {"passes": 1}
    rig.assert_proved()


def test_a_fix_that_does_not_reach_avro_says_so_and_replays_nothing(
    rig: AvroRig, capfd: pytest.CaptureFixture[str]
) -> None:
    rig.activate()
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    fix = rig.directory / "price.fix.yaml"
    for select in ("select: {rules: ['$.price:minimum', avro.trailing]}\n", "select: {where: this.price < 0}\n"):
        fix.write_text(f"fix: price\nversion: 1\n{select}steps:\n  - {{set: $.price, value: 1}}\n")
        (plan,) = run(rig, capfd, "quarantine", "replay", "--fix", str(fix))["plans"]
        (why, *_), counts = zip(*plan["troubles"].items(), strict=True)
        assert "names a schema of a registry" in why
        assert plan["fates"].get("passes", 0) == 0
        assert sum(counts) == plan["fates"]["unfixed"]


def test_without_a_registry_it_is_said_what_is_missing(rig: AvroRig, capfd: pytest.CaptureFixture[str]) -> None:
    text = rig.config.read_text().replace("registry: main", "")
    rig.config.write_text(text)
    checked = run(rig, capfd, "check", "--topic", rig.landing, "--contract", contract_of(rig), code=3)
    assert {file["unread"]["code"] for file in checked["files"]} == {"WM-REGISTRY-NONE"}


def test_another_contract_is_tried_on_what_the_records_say(rig: AvroRig, capfd: pytest.CaptureFixture[str]) -> None:
    run(rig, capfd, "contract", "activate", rig.landing, "--yes")
    before = rig.directory / "before.odcs.yaml"
    before.write_text(Path(contract_of(rig)).read_text())
    rig.write_contract("2.0.0", price_max=GOOD - 101)
    ends = [rig.cluster.log_ends(rig.landing, number) for number in range(rig.partitions)]

    found = run(rig, capfd, "contract", "diff", str(before), contract_of(rig), "--topic", rig.landing)
    comparison = found["comparison"]
    assert (found["records"], comparison["newly_held"], comparison["newly_passed"]) == (GOOD + 4, 100, 0)
    assert comparison["held_by_both"] == 4
    assert comparison["holding"][0]["rule"] == "cheap-enough"

    planned = run(rig, capfd, "contract", "activate", rig.landing)
    changes = planned["changes"]
    assert (changes["records"], changes["newly_held"], changes["newly_passed"]) == (GOOD + 4, 100, 0)
    assert changes["held_after"] == 104
    assert planned["written"] is False
    assert [rig.cluster.log_ends(rig.landing, number) for number in range(rig.partitions)] == ends


def test_no_contract_is_put_in_force_while_nobody_tells_what_records_say(
    rig: AvroRig, capfd: pytest.CaptureFixture[str]
) -> None:
    rig.proxy.go_down()
    capfd.readouterr()
    assert main.execute(["contract", "activate", rig.landing, "--yes", "--config", str(rig.config)]) == 3
    assert "WM-REGISTRY" in capfd.readouterr().err
    assert run(rig, capfd, "contract", "activations", rig.landing) == []
