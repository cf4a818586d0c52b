"""The permissions of an operator, on a cluster that denies everything else, are enough to look and to replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from confluent_kafka import Producer

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.cli import main
from watermaster.gate.verdict import BrokenRule, Outcome, Verdict
from watermaster.quarantine.envelope import Envelope
from watermaster.runtime.topic_acl import AclRule, operator_acls
from watermaster.stream.coordinates import Coordinates
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until
from watermaster.wiring import activation

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - {name: id, logicalType: integer, required: true}
"""
BROKEN = Verdict(Outcome.HOLD, (BrokenRule("old", "$.id", "c", "must be another"),))


class Bureau:
    """A gate's topics with records that are held and pass now, and a person who may do little."""

    def __init__(
        self,
        cluster: KafkaCluster,
        name: str,
        directory: Path,
        capfd: pytest.CaptureFixture[str],
        contract: str = CONTRACT,
    ) -> None:
        self.cluster, self.name, self._directory, self._capfd = cluster, name, directory, capfd
        (directory / "contracts").mkdir()
        (directory / "contracts" / "orders.odcs.yaml").write_text(contract)
        cluster.add_user(name)
        self.config = self._configure(name)
        self.gate = load_configuration(self.config).gates[name]
        self.stream = self.gate.streams[0]
        for topic in (self.stream.landing, self.stream.trusted, self.stream.quarantine, self.gate.ledger):
            cluster.create_topic(topic, 1)
        for topic in (self.gate.holds, self.gate.control):
            cluster.create_topic(topic, 1, configs={"cleanup.policy": "compact"})
        administrator = load_configuration(self._configure("admin"))
        plan = activation.plan(administrator, self.stream.landing, document=None, rollback_to=None, why="test")
        activation.write(administrator, plan)
        self._held = 0

    def _configure(self, principal: str) -> Path:
        properties = self.cluster.client_properties(principal, self._directory / f"{principal}.properties")
        stream = {"landing": f"{self.name}.landing", "trusted": self.name, "contract": "orders.odcs.yaml"}
        document = {
            "clusters": {"test": {"bootstrap": self.cluster.bootstrap, "client_config": str(properties)}},
            "contracts": "contracts",
            "gates": {self.name: {"cluster": "test", "control": f"{self.name}.control", "streams": [stream]}},
        }
        config = self._directory / f"{principal}.yaml"
        config.write_text(yaml.safe_dump(document))
        return config

    def hold(self, value: bytes = b'{"id":1}') -> None:
        """One record more on the quarantine, as the gate would write it."""
        stamp = Coordinates("cluster", "topic", 0, self._held, 0, 0, 1).encode()
        envelope = Envelope(gate=self.name, topic=self.stream.landing, partition=0, contract="sha256:old")
        producer = Producer(self.cluster.client_config())
        headers = envelope.headers(None, BROKEN, self._held, stamp)
        producer.produce(self.stream.quarantine, value, b"k", partition=0, headers=headers)
        assert producer.flush(30) == 0
        self._held += 1

    def grant(self, *rules: AclRule) -> None:
        """Give permissions and wait until the brokers know of them all."""
        granted = KafkaTopicAdmin(self.cluster.client_config()).allow(f"User:{self.name}", rules)
        assert set(granted.values()) == {None}
        wait_until(lambda: self.work()[0] == [0, 0, 0, 0], "everything is allowed", timeout_s=60)

    def work(self) -> tuple[list[int], dict[str, int] | None]:
        """Everything that an operator does; exit codes, and what was replayed."""
        self._capfd.readouterr()
        replay = ("replay", "--all", "--order", "skip", "--yes", "--output", "json")
        codes = [self._run(*command) for command in (("groups",), ("list",), ("ledger",), replay)]
        written = self._capfd.readouterr().out
        at = written.find('{\n  "plans"')
        return codes, json.loads(written[at:])["done"]["fates"] if at >= 0 else None

    def _run(self, *command: str) -> int:
        return main.execute(["quarantine", *command, "--config", str(self.config)])


@pytest.fixture
def bureau(
    kafka_secured: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Bureau:
    return Bureau(kafka_secured, fresh_name("operator"), tmp_path, capfd)


def test_with_exactly_these_an_operator_looks_and_replays(bureau: Bureau) -> None:
    bureau.grant(*operator_acls(bureau.gate))
    bureau.hold()
    assert bureau.work() == ([0, 0, 0, 0], {"passes": 1})
