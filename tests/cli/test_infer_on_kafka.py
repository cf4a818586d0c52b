"""A contract from a topic of a secured cluster: READ is enough, nothing is left behind, and `init` does the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer

from watermaster.cli import main
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.gate.judge import build_judge
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

RECORDS = 2_400


def order(number: int) -> tuple[bytes, bytes]:
    paid = number % 3 == 0
    own = {"amount": number % 90} if paid else {"parcel": f"p{number}"}
    document = {"id": f"o-{number}", "type": "paid" if paid else "sent", "email": f"secret{number % 5}@x.org", **own}
    return f"o-{number}".encode(), json.dumps(document).encode()


@pytest.fixture
def topic(kafka_secured: KafkaCluster, fresh_name: Callable[[str], str]) -> str:
    name = fresh_name("orders") + ".landing"
    kafka_secured.create_topic(name, 2)
    producer = Producer(kafka_secured.client_config(**{"transactional.id": name}))
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(RECORDS):
        key, value = order(number)
        producer.produce(name, value, key, partition=number % 2)
    producer.commit_transaction(30)
    # A commit returns before its markers stand in the partitions.
    ends = [RECORDS // 2 + 1] * 2
    wait_until(lambda: [kafka_secured.log_ends(name, number)[1] for number in (0, 1)] == ends, "markers stand", 30)
    return name


@pytest.fixture
def properties(kafka_secured: KafkaCluster, topic: str, fresh_name: Callable[[str], str], tmp_path: Path) -> Path:
    user = fresh_name("reader")
    kafka_secured.add_user(user)
    kafka_secured.allow(user, "READ", "TOPIC", topic)
    return kafka_secured.client_properties(user, tmp_path / "client.properties")


def state(cluster: KafkaCluster, topic: str) -> object:
    groups = sorted(group.group_id for group in cluster.admin().list_consumer_groups().result(30).valid)
    return groups, [cluster.log_ends(topic, number) for number in (0, 1)]


def held(document: bytes) -> int:
    (checks,) = compile_contract(read_contract(document, "c")).checks
    keys, values = zip(*map(order, range(RECORDS)), strict=True)
    return len(build_judge(checks).judge(list(keys), list(values), 0))


def test_a_contract_from_a_topic(
    kafka_secured: KafkaCluster, topic: str, properties: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = state(kafka_secured, topic)
    cluster = ["--bootstrap", kafka_secured.bootstrap, "--client-config", str(properties)]
    out = tmp_path / "orders.odcs.yaml"
    assert main.execute(["contract", "infer", "--topic", topic, *cluster, "-o", str(out)]) == 0
    text = out.read_text()
    assert f"from {RECORDS:,} records" in capfd.readouterr().out
    assert "type tells 2 variants apart" in text
    assert "classification: confidential" in text
    assert "secret" not in text
    assert "property: key" in text
    assert "the same as id" in text
    assert held(out.read_bytes()) == 0
    assert state(kafka_secured, topic) == before
    assert main.execute(["contract", "infer", "--topic", topic + "x", *cluster]) == 2


def test_init_learns_from_the_topic_that_was_chosen(
    kafka_secured: KafkaCluster, topic: str, properties: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["init", "--bootstrap", kafka_secured.bootstrap, "--client-config", str(properties)]
    assert main.execute([*arguments, "--directory", str(tmp_path), "--stream", topic, "--yes"]) == 0
    (contract,) = (tmp_path / "contracts").iterdir()
    text = contract.read_text()
    assert text.startswith(f"# Drafted from {RECORDS:,} records of {topic}.")
    assert f"physicalName: {topic.removesuffix('.landing')}\n" in text
    assert "required: true" in text
    assert held(contract.read_bytes()) == 0
    capfd.readouterr()
