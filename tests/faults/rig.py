"""A gate as its users run it: the command in a process of its own, on real Kafka, killed as often as a test likes."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.cli.errors import ExitCode
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic
from watermaster.testing.waiting import wait_until
from watermaster.wiring import activation

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: {version}
status: active
schema:
  - name: orders
    logicalType: object
    customProperties:
      - {{property: holdBudget, value: {{share: {budget}, window: 10000, minimum: 1000}}, vendor: watermaster}}
    quality:
      - id: cheap-enough
        type: custom
        engine: cel
        implementation: "this.price <= {price_max}"
        severity: error
    properties:
      - {{name: id, logicalType: integer, required: true}}
      - {{name: customer, logicalType: string, required: true, logicalTypeOptions: {{pattern: "^c-[0-9]+$"}}}}
      - {{name: price, logicalType: integer, required: true, logicalTypeOptions: {{minimum: 0}}}}
"""

PRICE_MAX = 1000

VERIFY_TRIES = 3
"""Exit code 3 says that a broker did not answer for half a minute, as happens while a busy machine lets one wait."""


class GateRig:
    """One gate with its topics, contract and configuration, and the records that a source has written to it."""

    def __init__(self, cluster: KafkaCluster, directory: Path, name: str, *, partitions: int = 3) -> None:
        self.cluster = cluster
        self.directory = directory
        self.name = name
        self.landing, self.trusted = f"{name}.landing", name
        self.quarantine, self.ledger, self.control = (
            f"dlq.{name}.landing",
            f"watermaster.ledger.{name}",
            f"{name}.control",
        )
        self.partitions = partitions
        self.produced = 0
        # Near to now: a broker deletes what its retention calls old, at once.
        self.began_ms = time.time_ns() // 1_000_000 - 600_000
        self.process: subprocess.Popen[bytes] | None = None
        for topic in (self.landing, self.trusted, self.quarantine, self.ledger):
            cluster.create_topic(topic, partitions)
        cluster.create_topic(self.control, 1, configs={"cleanup.policy": "compact"})
        self.holds = f"watermaster.holds.{name}"
        cluster.create_topic(self.holds, partitions, configs={"cleanup.policy": "compact"})
        (directory / "contracts").mkdir(parents=True, exist_ok=True)
        self.write_contract("1.0.0")
        self.configure()

    @classmethod
    def second(cls, first: GateRig, **configuration: object) -> GateRig:
        """The same gate on another machine: another state directory, the same cluster and topics."""
        other = copy.copy(first)
        other.directory = first.directory / "elsewhere"
        (other.directory / "contracts").mkdir(parents=True)
        other.process = None
        other.configure(**configuration)
        return other

    # --- set up -------------------------------------------------------------------------------------------------

    def write_contract(self, version: str, *, price_max: int = PRICE_MAX, budget: float = 0.5) -> None:
        text = CONTRACT.format(version=version, price_max=price_max, budget=budget)
        (self.directory / "contracts" / "orders.odcs.yaml").write_text(text)

    def configure(self, bootstrap: str | None = None, **more: object) -> None:
        document = {
            "clusters": {"test": {"bootstrap": bootstrap or self.cluster.bootstrap}},
            "contracts": "contracts",
            "state_directory": "state",
            "gates": {
                self.name: {
                    "cluster": "test",
                    "control": self.control,
                    "transaction_timeout_ms": 10_000,
                    "metrics_listen": None,
                    "streams": [{"landing": self.landing, "trusted": self.trusted, "contract": "orders.odcs.yaml"}],
                    **more,
                }
            },
        }
        self.config.write_text(yaml.safe_dump(document))

    @property
    def config(self) -> Path:
        return self.directory / "watermaster.yaml"

    def activate(self) -> int:
        configuration = load_configuration(self.config)
        plan = activation.plan(configuration, self.landing, document=None, rollback_to=None, why="test")
        activation.write(configuration, plan)
        return plan.activation.number

    def produce(self, count: int, *, bad_share: float = 0.02, seed: int = 1) -> None:
        """Distinct records, some of which break the contract; keys, headers and timestamps of every kind."""
        chance = random.Random(seed + self.produced)
        producer = Producer(self.cluster.client_config(**{"enable.idempotence": True, "linger.ms": 20}))
        first = self.produced
        for number in range(first, first + count):
            price = PRICE_MAX + 1 if chance.random() < bad_share else number % PRICE_MAX
            key, value, named = self.record(number, price)
            headers = [("trace", b"%d" % number), ("empty", b""), ("null", None)] if number % 7 == 0 else []
            while True:
                try:
                    producer.produce(
                        self.landing,
                        value,
                        key,
                        partition=number % self.partitions,
                        timestamp=self.began_ms + number,
                        headers=[*headers, *named] or None,
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(60) == 0
        self.produced += count

    def record(self, number: int, price: int) -> tuple[bytes | None, bytes, list[tuple[str, bytes]]]:
        """Key, value, and headers that belong to them."""
        value = b'{"id":%d,"customer":"c-%d","price":%d,"pad":"%s"}' % (number, number % 977, price, b"x" * 100)
        return None if number % 11 == 0 else b"k-%d" % (number % 4096), value, []

    def produce_one(self, value: bytes, key: bytes = b"one", partition: int = 0) -> None:
        """One record with exactly this value."""
        producer = Producer(self.cluster.client_config(**{"message.max.bytes": 10_000_000}))
        producer.produce(self.landing, value, key, partition=partition, timestamp=self.began_ms + self.produced)
        assert producer.flush(30) == 0
        self.produced += 1

    # --- running ------------------------------------------------------------------------------------------------

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "watermaster", "gate", "--config", str(self.config), *arguments]
        with (self.directory / "gate.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **environment}, start_new_session=True
            )
        return self.process

    def log(self) -> str:
        return (self.directory / "gate.log").read_text()

    def worker_pids(self) -> list[int]:
        """The worker processes: children of the supervisor that run our code (not multiprocessing's tracker)."""
        assert self.process is not None
        return [
            pid for pid in _children(self.process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    def kill(self) -> None:
        """SIGKILL for supervisor and workers alike, as when the machine is gone; one that has ended stays so."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def committed(self) -> dict[int, int]:
        consumer = Consumer(self.cluster.client_config(**{"group.id": f"watermaster.{self.name}"}))
        try:
            asked = [TopicPartition(self.landing, p) for p in range(self.partitions)]
            answered = wait_until(lambda: _answer(consumer, asked), "the group's coordinator answers", timeout_s=120)
            return {a.partition: a.offset for a in answered}
        finally:
            consumer.close()

    def wait_for(self, records: int, timeout_s: float = 120) -> None:
        """Until the group's committed offsets sum up to `records` (landing has no markers)."""
        until_s = time.monotonic() + timeout_s
        while sum(max(0, offset) for offset in self.committed().values()) < records:
            assert self.process is not None
            assert self.process.poll() is None, f"the gate ended with {self.process.returncode}:\n{self.log()[-3000:]}"
            assert time.monotonic() < until_s, f"not drained: {self.committed()} of {records}\n{self.log()[-3000:]}"
            time.sleep(0.3)

    def wait_until_drained(self, timeout_s: float = 120) -> None:
        self.wait_for(self.produced, timeout_s)

    # --- looking ------------------------------------------------------------------------------------------------

    def held(self) -> list[Message]:
        return list(read_topic(self.cluster.client_config(), self.quarantine))

    def entries(self) -> list[dict[str, Any]]:
        records = read_topic(self.cluster.client_config(), self.ledger)
        return [json.loads(m.value() or b"{}") for m in records if not (m.key() or b"").startswith(b"suspect/")]

    def gaps(self) -> list[dict[str, Any]]:
        return [gap for entry in self.entries() for gap in entry["gaps"]]

    def delete_group(self) -> None:
        self.wait_until_group_is_empty()
        group = f"watermaster.{self.name}"
        client = self.cluster.admin()  # held: a client that is gone never answers
        client.delete_consumer_groups([group])[group].result()

    def wait_until_group_is_empty(self) -> None:
        """Static members are forgotten when their session ends."""
        group = f"watermaster.{self.name}"
        client = self.cluster.admin()

        def is_empty() -> bool:
            return not client.describe_consumer_groups([group])[group].result().members

        wait_until(is_empty, "the group has no members", timeout_s=30)

    def assert_proved(self, mode: str = "full") -> None:
        """`gate verify` over every byte: no gap, no duplicate, no reordering, nothing altered."""
        self.verify("--mode", mode)

    def verify(self, *arguments: str) -> dict[str, Any]:
        """The report of a `gate verify` that proves everything."""
        command = [sys.executable, "-m", "watermaster", "gate", "verify", *arguments]
        command += ["--config", str(self.config), "--output", "json"]
        environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}  # should it die, it says where
        for _ in range(VERIFY_TRIES):
            done = subprocess.run(
                [*command, "--output", "json"],
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
                env=environment,
            )
            if done.returncode != ExitCode.WORLD:
                break
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def _answer(consumer: Consumer, asked: list[TopicPartition]) -> list[TopicPartition] | None:
    """The group's offsets; a coordinator that has just moved may answer late or not at all."""
    try:
        return consumer.committed(asked, timeout=20)
    except KafkaException:
        return None


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


class ConcurrentReader:
    """A read_committed consumer that reads outputs all the while; what it saw must be what is there in the end."""

    def __init__(self, rig: GateRig) -> None:
        self._rig = rig
        self._seen: Counter[tuple[str, bytes]] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ConcurrentReader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        read_outputs(self._rig, self._seen, self._stop.is_set)

    def finish(self) -> Counter[tuple[str, bytes]]:
        time.sleep(1)
        self.__exit__()
        return self._seen


def read_outputs(rig: GateRig, seen: Counter[tuple[str, bytes]], stop: object = None) -> Counter[tuple[str, bytes]]:
    """Count (topic, coordinates header) over trusted and quarantine, to the end or until `stop()`."""
    consumer = Consumer(
        rig.cluster.client_config(
            **{
                "group.id": "reader",
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "enable.partition.eof": stop is None,
                "enable.auto.commit": False,
            }
        )
    )
    partitions = [TopicPartition(t, p, 0) for t in (rig.trusted, rig.quarantine) for p in range(rig.partitions)]
    consumer.assign(partitions)
    at_end: set[tuple[str, int]] = set()
    while (len(at_end) < len(partitions)) if stop is None else not stop():  # type: ignore[operator]
        for message in consumer.consume(500, 0.2):
            if message.error() is not None:
                at_end.add((message.topic() or "", message.partition() or 0))
                continue
            coordinates = dict(message.headers() or [])["__watermaster"]
            seen[message.topic() or "", coordinates] += 1
    consumer.close()
    return seen
