"""Every contract that we write is one for other tools too: datacontract-cli and odcslint, as they are installed.

Each has an environment of its own, made from a lock in requirements/ and kept in .bench.
"""

from __future__ import annotations

import json
import random
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from bench.virtual_environment import kept
from confluent_kafka import Producer
from tests.runtime.inference_world import flights

from watermaster.cli import main
from watermaster.testing.kafka import KafkaCluster

pytestmark = pytest.mark.kafka

TOOLS: Mapping[str, tuple[str, ...]] = {"datacontract-cli": ("datacontract", "lint"), "odcslint": ("odcslint", "check")}
CHECK_TIMEOUT_S = 120
EVENTS = 2_400


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


@pytest.fixture(scope="module")
def contracts(kafka: KafkaCluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By what they are of: drafts of files, what `init` writes, the demonstration's."""
    folder = tmp_path_factory.mktemp("contracts")
    written = {}
    for name, sample in SAMPLES.items():
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(sample()) + b"\n")
        written[name] = folder / f"{name}.odcs.yaml"
        assert main.execute(["contract", "infer", str(folder / f"{name}.jsonl"), "-o", str(written[name])]) == 0
    written["the demonstration's"] = folder / "demo.odcs.yaml"
    written["the demonstration's"].write_bytes(
        resources.files("watermaster.demo_data").joinpath("flights.odcs.yaml").read_bytes()
    )
    few, many = (kafka.create_topic(f"lint.{name}.landing", 1) for name in ("few", "many"))
    producer = Producer(kafka.client_config())
    for number, value in enumerate(SAMPLES["events"]()):
        for topic in (few, many) if number < len(KINDS) else (many,):
            producer.produce(topic, value, f"k-{number}".encode())
    assert producer.flush(30) == 0
    init = ["init", "--bootstrap", kafka.bootstrap, "--directory", str(folder / "init")]
    assert main.execute([*init, "--stream", few, "--stream", many, "--yes"]) == 0
    drafted = sorted((folder / "init" / "contracts").iterdir())
    assert len(drafted) == 2
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
