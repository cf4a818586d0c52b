"""The permissions that `gate topics` prints, on a cluster that denies everything else: enough, and none too many."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.gate_statistics import GateStatistics
from watermaster.runtime.observed import Unseen
from watermaster.runtime.topic_acl import AclRule, gate_acls, missing_acls
from watermaster.runtime.topic_state import AclEntry
from watermaster.stream.fault import Fault
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until
from watermaster.wiring import activation
from watermaster.wiring.gate import run_gate

pytestmark = pytest.mark.kafka

PRINCIPAL = "gatekeeper"
RECORDS = 50
PATIENCE_S = 60.0
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
GATE = GateConfiguration(
    name="minimal",
    cluster="secured",
    streams=(StreamConfiguration("minimal.landing", "minimal.trusted", "orders.odcs.yaml"),),
    control="minimal.control",
    metrics_listen=None,
)
RULES = gate_acls(GATE)


@dataclass
class Watch:
    """Told of every change of a running gate; says when enough was seen."""

    want: int
    until_s: float = field(default_factory=lambda: time.monotonic() + PATIENCE_S)
    read: int = 0
    held: int = 0
    codes: set[str] = field(default_factory=set)

    def take(self, statistics: GateStatistics) -> None:
        counts = statistics.streams().get("minimal.landing")
        self.read, self.held = (counts.read, counts.held) if counts else (0, 0)
        self.codes |= {condition.code for condition in statistics.conditions()}

    def is_over(self) -> bool:
        return bool(self.codes) or self.read >= self.want or time.monotonic() > self.until_s


@pytest.fixture(scope="module")
def configuration(kafka_secured: KafkaCluster, tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    directory = tmp_path_factory.mktemp("gate")
    (directory / "orders.odcs.yaml").write_text(CONTRACT)
    kafka_secured.add_user(PRINCIPAL)
    for topic in ("minimal.landing", "minimal.trusted", GATE.streams[0].quarantine, GATE.ledger):
        kafka_secured.create_topic(topic, 2)
    kafka_secured.create_topic("minimal.control", 1, configs={"cleanup.policy": "compact"})
    administrator = _configuration(kafka_secured, directory, "admin")
    plan = activation.plan(administrator, "minimal.landing", document=None, rollback_to=None, why="test")
    activation.write(administrator, plan)
    return _configuration(kafka_secured, directory, PRINCIPAL)


def _configuration(cluster: KafkaCluster, directory: Path, principal: str) -> Configuration:
    properties = cluster.client_properties(principal, directory / f"{principal}.properties")
    secured = ClusterConfiguration("secured", cluster.bootstrap, client_config=properties)
    return Configuration(
        path=directory / "watermaster.yaml",
        clusters={"secured": secured},
        contracts=directory,
        state_directory=directory / "state",
        gates={"minimal": GATE},
    )


def _run(configuration: Configuration, want: int) -> tuple[Watch, Fault | None]:
    """Until `want` records are committed, or something is wrong."""
    watch = Watch(want)
    try:
        run_gate(configuration, "minimal", should_stop=watch.is_over, on_change=watch.take)
    except Fault as fault:
        return watch, fault
    return watch, None


def _grant(cluster: KafkaCluster, rules: tuple[AclRule, ...]) -> None:
    granted = KafkaTopicAdmin(cluster.client_config()).allow(f"User:{PRINCIPAL}", rules)
    assert set(granted.values()) <= {None}


def _take_away(cluster: KafkaCluster, rule: AclRule) -> None:
    """Delete one ACL and wait until it is gone."""
    asked = AclBindingFilter(
        ResourceType.ANY,
        rule.name,
        ResourcePatternType.ANY,
        f"User:{PRINCIPAL}",
        None,
        AclOperation[rule.operation],
        AclPermissionType.ANY,
    )
    assert len(cluster.admin().delete_acls([asked])[asked].result(30)) == 1
    wait_until(lambda: not cluster.admin().describe_acls(asked).result(30), f"{rule} is taken away")


def _produce(cluster: KafkaCluster, count: int) -> None:
    producer = Producer(cluster.client_config())
    for number in range(count):
        value = b'{"id":%d}' % number if number % 5 else b'{"id":"x"}'
        producer.produce("minimal.landing", value, partition=number % 2)
    assert producer.flush(30) == 0


@pytest.fixture(scope="module")
def running(kafka_secured: KafkaCluster, configuration: Configuration) -> Configuration:
    """The gate ran once with exactly the printed permissions; after it there is a ledger and a position."""
    _grant(kafka_secured, RULES)
    _produce(kafka_secured, RECORDS)
    watch, fault = _run(configuration, RECORDS)
    assert fault is None
    assert watch.codes == set()
    assert (watch.read, watch.held) == (RECORDS, RECORDS // 5)
    return configuration


def test_with_exactly_the_printed_permissions_the_gate_goes_on_where_it_stopped(
    kafka_secured: KafkaCluster, running: Configuration
) -> None:
    assert missing_acls(RULES, _entries(kafka_secured), f"User:{PRINCIPAL}") == ()
    _produce(kafka_secured, 10)
    watch, fault = _run(running, 10)
    assert fault is None
    assert watch.codes == set()
    assert (watch.read, watch.held) == (10, 2)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_without_any_one_of_them_it_says_so_and_commits_nothing(
    kafka_secured: KafkaCluster, running: Configuration, rule: AclRule
) -> None:
    _produce(kafka_secured, 10)
    _take_away(kafka_secured, rule)
    try:
        assert missing_acls(RULES, _entries(kafka_secured), f"User:{PRINCIPAL}") == (rule,)
        watch, fault = _run(running, 10)
    finally:
        _grant(kafka_secured, (rule,))
    named = {fault.code} if fault is not None else watch.codes
    assert named == {f"WM-KAFKA-DENIED-{rule.kind.value.replace('_', '-')}"}
    assert watch.read == 0


def _entries(cluster: KafkaCluster) -> tuple[AclEntry, ...]:
    entries = KafkaTopicAdmin(cluster.client_config()).acls()
    assert not isinstance(entries, Unseen)
    return entries
