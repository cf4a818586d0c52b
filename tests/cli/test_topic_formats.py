"""The same plan as commands and as Strimzi resources."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from watermaster.cli.topic_commands import Connection, acl_commands, topic_commands
from watermaster.cli.topic_strimzi import resource_name, strimzi_documents
from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.topic_acl import gate_acls
from watermaster.runtime.topic_plan import AddPartitions, AlterSettings, SettingChange, TopicPlan, plan_topics
from watermaster.runtime.topic_state import ClusterTopics, TopicState

GATE = GateConfiguration("g", "c", (StreamConfiguration("Shop_Orders", "orders", "c.odcs.yaml"),))
LANDING = TopicState("Shop_Orders", 4, 3, {"cleanup.policy": "compact,delete"})
PLAN = plan_topics(GATE, ClusterTopics(3, {"Shop_Orders": LANDING}))
CONNECTION = Connection("h:9092", Path("/etc/my kafka/admin.properties"))


def test_commands_create_the_topics() -> None:
    create = shlex.split(next(topic_commands(PLAN, CONNECTION)))
    assert create[:5] == [
        "kafka-topics.sh",
        "--bootstrap-server",
        "h:9092",
        "--command-config",
        "/etc/my kafka/admin.properties",
    ]
    assert create[5:13] == [
        "--create",
        "--if-not-exists",
        "--topic",
        "orders",
        "--partitions",
        "4",
        "--replication-factor",
        "3",
    ]
    assert "cleanup.policy=compact,delete" in create[create.index("--config") :]


def test_commands_alter_with_brackets_around_commas() -> None:
    change = SettingChange("cleanup.policy", "delete", "compact,delete", "why")
    other = SettingChange("max.message.bytes", "1", "2", "why")
    plan = TopicPlan("g", 3, (), (AddPartitions("t", 1, 2), AlterSettings("t", (change, other))), ())
    grow, alter = topic_commands(plan, Connection("h:9092", None))
    assert grow == "kafka-topics.sh --bootstrap-server h:9092 --alter --topic t --partitions 2"
    assert shlex.split(alter)[-1] == "cleanup.policy=[compact,delete],max.message.bytes=2"


@pytest.mark.parametrize("principal", ["User:gate", "User:CN=gate,O=Big Co", "User:it's; rm -rf /"])
def test_commands_grant_and_survive_any_principal(principal: str) -> None:
    commands = [shlex.split(line) for line in acl_commands(gate_acls(GATE), principal, CONNECTION)]
    assert len(commands) == len(gate_acls(GATE))
    assert {command[command.index("--allow-principal") + 1] for command in commands} == {principal}
    assert commands[-1][-5:] == ["Write", "--transactional-id", "g.", "--resource-pattern-type", "prefixed"]


def test_strimzi_resources() -> None:
    documents = strimzi_documents(PLAN.topics, gate_acls(GATE), "User:gate", "my-cluster")
    assert list(yaml.safe_load_all(yaml.safe_dump_all(documents))) == documents
    topics = {document["metadata"]["name"]: document for document in documents if document["kind"] == "KafkaTopic"}
    assert {document["apiVersion"] for document in documents} == {"kafka.strimzi.io/v1"}
    assert {document["metadata"]["labels"]["strimzi.io/cluster"] for document in documents} == {"my-cluster"}
    trusted = topics["orders"]["spec"]
    assert (trusted["partitions"], trusted["replicas"]) == (4, 3)
    assert trusted["config"]["message.timestamp.after.max.ms"] == 2**63 - 1
    assert trusted["config"]["message.timestamp.type"] == "CreateTime"
    renamed = next(document["spec"] for name, document in topics.items() if name.startswith("dlq."))
    assert renamed["topicName"] == "dlq.Shop_Orders", "not a Kubernetes name, so the topic's own is given"
    user = documents[-1]
    assert (user["kind"], user["metadata"]["name"]) == ("KafkaUser", "gate")
    acls = user["spec"]["authorization"]["acls"]
    assert {
        "resource": {"type": "topic", "name": "watermaster.ledger.g", "patternType": "literal"},
        "operations": ["Write", "Read"],
    } in acls
    assert {
        "resource": {"type": "transactionalId", "name": "g.", "patternType": "prefix"},
        "operations": ["Write"],
    } in acls


@pytest.mark.parametrize(
    ("name", "kept"),
    [("orders", True), ("dlq.orders-2", True), ("Orders", False), ("a_b", False), ("a..b", False), ("-a", False)],
)
def test_kubernetes_names(name: str, kept: bool) -> None:
    made = resource_name(name)
    assert (made == name) is kept
    assert all(part and part[0].isalnum() and part[-1].isalnum() for part in made.split("."))


def test_two_topics_never_become_one_resource() -> None:
    assert len({resource_name(name) for name in ("a_b", "a-b", "A-b", "a.b", "x" * 249, "x" * 248 + "_")}) == 6
