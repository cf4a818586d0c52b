"""Every contract that we write is one for other tools too: datacontract-cli and odcslint, as they are installed.

Each has an environment of its own, made from a lock in requirements/ and kept in .bench.
"""

from __future__ import annotations

import io
import json
import random
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import fastavro
import pytest
from bench.virtual_environment import kept
from confluent_kafka import Producer
from tests.runtime.inference_world import flights

from watermaster.cli import main
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.registry import RegistryServer

pytestmark = [pytest.mark.kafka, pytest.mark.registry]

TOOLS: Mapping[str, tuple[str, ...]] = {"datacontract-cli": ("datacontract", "lint"), "odcslint": ("odcslint", "check")}
CHECK_TIMEOUT_S = 120
EVENTS = 2_400
ORDER: Any = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "doc": "An order, as 'the shop' has it: #1",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "total", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}]},
        {"name": "tags", "type": {"type": "map", "values": "string"}},
        {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
            {"name": "sku", "type": "string"}, {"name": "more", "type": ["null", "string", "long"]}
        ]}}},
    ],
}  # fmt: skip
JSON_SCHEMA: Any = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": 'orders: "all" of them',
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "a: b # c"},
        "n": {"type": ["integer", "null"], "exclusiveMinimum": 0, "multipleOf": 5},
        "kind": {"enum": ["a", "b", None, 3]},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}, "uniqueItems": True},
        "by": {"type": "object", "additionalProperties": {"type": "number", "maximum": 1e9}},
        "either": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    },
    "additionalProperties": False,
}


@pytest.fixture(scope="module", params=TOOLS)
def accepts(request: pytest.FixtureRequest) -> Callable[[Path], tuple[bool, str]]:
    """Whether a tool finds nothing to say against a contract, and what it said."""
    command, *words = TOOLS[request.param]
    program = kept(f"lint-{request.param}", f"lint-{request.param}").with_name(command)

    def run(contract: Path) -> tuple[bool, str]:
        done = subprocess.run(
            [program, *words, contract.name],
            cwd=contract.parent,
            capture_output=True,
            text=True,
            timeout=CHECK_TIMEOUT_S,
            check=False,
        )
        told = done.stdout + done.stderr
        return done.returncode == 0 and "warning" not in told.lower(), told

    return run


def placed(draw: random.Random) -> dict[str, Any]:
    lines = [{"sku": f"S-{draw.randrange(500):04}", "count": draw.randrange(1, 9)} for _ in range(draw.randrange(1, 4))]
    return {"type": "order.placed", "total": draw.randrange(10_000) / 100, "lines": lines, "email": "someone@x.org"}


def paid(draw: random.Random) -> dict[str, Any]:
    card = {"brand": draw.choice(["visa", "amex"]), "last4": f"{draw.randrange(10_000):04}"}
    return {"type": "order.paid", "payment": {"method": "card", "card": card}, "fee": draw.choice([None, 0.3])}


def measured(draw: random.Random) -> dict[str, Any]:
    readings = {f"sensor-{number}": draw.uniform(-20, 40) for number in range(draw.randrange(1, 30))}
    return {"type": "device.measured", "readings": readings, "on": draw.random() < 0.5, "day": "2024-05-01"}


def odd(draw: random.Random) -> dict[str, Any]:
    return {
        "type": "legacy.odd", "a 'quoted' \"name\"": draw.randrange(3), "µ: #": f"{draw.randrange(99)}: # - '\"",
        "nothing": None, "mixed": draw.choice([1, "one", [1]]), "yes": "no", "1": draw.randrange(2**40), "null": 1,
    }  # fmt: skip


KINDS = (placed, paid, measured, odd)


def event(number: int, kind: Callable[[random.Random], dict[str, Any]]) -> bytes:
    draw = random.Random(number)
    head = {"id": str(uuid.UUID(int=draw.getrandbits(128), version=4)), "at": f"2024-05-{number % 28 + 1:02}T10:00:00Z"}
    return json.dumps({**head, **kind(draw)}).encode()


SAMPLES: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "flights": lambda: (value for value in flights()[:5_000] if value is not None),
    "events": lambda: (event(number, KINDS[number % len(KINDS)]) for number in range(EVENTS)),
    **{kind.__name__: lambda kind=kind: (event(number, kind) for number in range(EVENTS)) for kind in KINDS},  # type: ignore[misc]
}


def produce_avro(kafka: KafkaCluster, registry: RegistryServer, producer: Producer) -> str:
    """A topic whose keys and values name schemas."""
    topic = kafka.create_topic("lint.framed.landing", 1)
    value_id = registry.register(f"{topic}-value", ORDER)
    key_id = registry.register(f"{topic}-key", "long")
    parsed = fastavro.parse_schema(ORDER)
    for number in range(EVENTS):
        line = {"sku": f"S-{number % 500:04}", "more": (None, "x", number)[number % 3]}
        order = {"id": number, "status": ("NEW", "PAID")[number % 2], "at": 1_700_000_000_000 + number,
                 "total": Decimal(number % 900) / 100, "tags": {}, "lines": [line]}  # fmt: skip
        key, value = io.BytesIO(), io.BytesIO()
        fastavro.schemaless_writer(key, "long", number)
        fastavro.schemaless_writer(value, parsed, order)
        head = b"\0" + value_id.to_bytes(4, "big"), b"\0" + key_id.to_bytes(4, "big")
        producer.produce(topic, head[0] + value.getvalue(), head[1] + key.getvalue())
    return topic


@pytest.fixture(scope="module")
def contracts(
    kafka: KafkaCluster, registry: RegistryServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """By what they are of: drafts of files, what `init` and `import` write, the demonstration's."""
    folder = tmp_path_factory.mktemp("contracts")
    written = {}
    for name, sample in SAMPLES.items():
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(sample()) + b"\n")
        written[name] = folder / f"{name}.odcs.yaml"
        assert main.execute(["contract", "infer", str(folder / f"{name}.jsonl"), "-o", str(written[name])]) == 0
    (folder / "rows.csv").write_text(
        "id,month,on,zip\n" + "".join(f"{n},{n % 12 + 1},TRUE,0{n}\n" for n in range(EVENTS))
    )
    written["rows of CSV"] = folder / "rows.odcs.yaml"
    assert main.execute(["contract", "infer", str(folder / "rows.csv"), "-o", str(written["rows of CSV"])]) == 0
    written["the demonstration's"] = folder / "demo.odcs.yaml"
    written["the demonstration's"].write_bytes(
        resources.files("watermaster.demo_data").joinpath("flights.odcs.yaml").read_bytes()
    )
    (folder / "orders.schema.json").write_text(json.dumps(JSON_SCHEMA))
    (folder / "orders.avsc").write_text(json.dumps(ORDER))
    for source in ("orders.schema.json", "orders.avsc"):
        written[f"imported: {source}"] = folder / f"{source}.odcs.yaml"
        command = ["contract", "import", str(folder / source), "-o", str(written[f"imported: {source}"])]
        assert main.execute(command) == 0
    few, many = (kafka.create_topic(f"lint.{name}.landing", 1) for name in ("few", "many"))
    producer = Producer(kafka.client_config())
    for number, value in enumerate(SAMPLES["events"]()):
        for topic in (few, many) if number < len(KINDS) else (many,):
            producer.produce(topic, value, f"k-{number}".encode())
    framed = produce_avro(kafka, registry, producer)
    assert producer.flush(30) == 0
    init = ["init", "--bootstrap", kafka.bootstrap, "--registry", registry.url, "--directory", str(folder / "init")]
    assert main.execute([*init, "--stream", few, "--stream", many, "--stream", framed, "--yes"]) == 0
    drafted = sorted((folder / "init" / "contracts").iterdir())
    assert len(drafted) == 3
    assert sum("encoding: avro" in path.read_text() for path in drafted) == 1, "keys and values that name schemas"
    return {**written, **{f"init: {path.name}": path for path in drafted}}


def test_every_contract_that_we_write_is_accepted(
    accepts: Callable[[Path], tuple[bool, str]], contracts: Mapping[str, Path]
) -> None:
    refused = {}
    for name, contract in contracts.items():
        good, told = accepts(contract)
        if not good:
            refused[name] = told
    assert refused == {}


def test_a_contract_that_is_none_is_refused(accepts: Callable[[Path], tuple[bool, str]], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.odcs.yaml"
    wrong.write_text("apiVersion: v3.2.0\nkind: DataContract\nid: x\nschema: 7\n")
    assert not accepts(wrong)[0]
