"""Plans carried out on real Kafka: what was planned is there afterwards, and the next plan is empty."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.observed import Unseen
from watermaster.runtime.topic_acl import gate_acls, missing_acls
from watermaster.runtime.topic_needs import LONG_MAX
from watermaster.runtime.topic_plan import AddPartitions, AlterSettings, CreateTopic, TopicPlan, plan_topics
from watermaster.runtime.topic_state import ClusterTopics
from watermaster.testing.kafka import KafkaCluster

pytestmark = pytest.mark.kafka


class Rig:
    """A gate of fresh names, planned for a cluster."""

    def __init__(self, cluster: KafkaCluster, name: str, principal: str = "admin") -> None:
        stream = StreamConfiguration(f"{name}.in", f"{name}.out", "c.odcs.yaml")
        self.gate = GateConfiguration(name, "c", (stream,), control=f"{name}.control")
        self.admin = KafkaTopicAdmin(cluster.client_config(principal))

    def look(self) -> ClusterTopics:
        stream = self.gate.streams[0]
        names = [
            stream.landing,
            stream.trusted,
            stream.quarantine,
            self.gate.ledger,
            self.gate.control,
            self.gate.holds,
        ]
        return self.admin.look(names)

    def plan(self) -> TopicPlan:
        return plan_topics(self.gate, self.look())

    def apply(self) -> None:
        for action in self.plan().actions:
            assert self.admin.apply(action) is None


def test_a_plan_is_carried_out_and_the_next_one_is_empty(kafka: KafkaCluster, fresh_name: Callable[[str], str]) -> None:
    rig = Rig(kafka, fresh_name("g"))
    kafka.create_topic(f"{rig.gate.name}.in", 3, configs={"max.message.bytes": 2_000_000, "retention.ms": 86_400_001})
    first = rig.plan()
    assert [type(action) for action in first.actions] == [CreateTopic] * 5
    rig.apply()
    assert rig.plan().actions == ()
    trusted = kafka.topic_configs(f"{rig.gate.name}.out")
    assert trusted["max.message.bytes"] == "2001024"
    assert trusted["message.timestamp.after.max.ms"] == str(LONG_MAX)
    assert trusted["retention.ms"] == "86400001", "as the landing topic's owner chose it"
    for action in first.actions:
        assert rig.admin.apply(action) is None, "created by somebody else meanwhile: nothing to do"


def test_drift_and_growth_are_mended(kafka: KafkaCluster, fresh_name: Callable[[str], str]) -> None:
    rig = Rig(kafka, fresh_name("g"))
    landing, trusted, quarantine = f"{rig.gate.name}.in", f"{rig.gate.name}.out", rig.gate.streams[0].quarantine
    kafka.create_topic(landing, 2)
    rig.apply()
    kafka.add_partitions(landing, 3)
    kafka.set_topic_configs(trusted, {"message.timestamp.type": "LogAppendTime", "segment.ms": 60_000})
    kafka.set_topic_configs(quarantine, {"cleanup.policy": "compact"})
    actions = rig.plan().actions
    assert {type(action) for action in actions} == {AddPartitions, AlterSettings}
    rig.apply()
    assert rig.plan().actions == ()
    look = rig.look().topics
    assert [getattr(look[name], "partitions", None) for name in (trusted, quarantine, rig.gate.ledger)] == [3, 3, 2]
    settings = kafka.topic_configs(trusted)
    assert (settings["message.timestamp.type"], settings["segment.ms"]) == ("CreateTime", "60000")


def test_a_cluster_without_acls_says_so(kafka: KafkaCluster, fresh_name: Callable[[str], str]) -> None:
    rig = Rig(kafka, fresh_name("g"))
    assert isinstance(rig.admin.acls(), Unseen)
    refused = rig.admin.allow("User:g", gate_acls(rig.gate))
    assert {fault.code for fault in refused.values() if fault is not None} == {"WM-TOPICS-NO-ACLS"}


def test_acls_are_created_seen_and_not_doubled(kafka_secured: KafkaCluster, fresh_name: Callable[[str], str]) -> None:
    rig = Rig(kafka_secured, fresh_name("g"))
    rules, principal = gate_acls(rig.gate), f"User:{fresh_name('who')}"
    for _ in range(2):
        assert set(rig.admin.allow(principal, rules).values()) == {None}
    entries = rig.admin.acls()
    assert not isinstance(entries, Unseen)
    assert missing_acls(rules, entries, principal) == ()
    assert sum(entry.principal == principal for entry in entries) == len(rules)


def test_who_may_little_sees_little_and_is_told_what_to_do(
    kafka_secured: KafkaCluster, fresh_name: Callable[[str], str]
) -> None:
    name, user = fresh_name("g"), fresh_name("little")
    kafka_secured.add_user(user)
    kafka_secured.create_topic(f"{name}.in", 2)
    kafka_secured.allow(user, "READ", "TOPIC", f"{name}.in")
    rig = Rig(kafka_secured, name, user)
    look = rig.look()
    assert set(look.unseen_settings) == {f"{name}.in"}
    assert isinstance(look.topics[f"{name}.out"], Unseen), "denied and absent look the same, and neither is touched"
    assert isinstance(rig.admin.acls(), Unseen)
    action = Rig(kafka_secured, name).plan().actions[0]
    fault = rig.admin.apply(action)
    assert fault is not None
    assert (fault.code, "--format commands" in fault.hint) == ("WM-TOPICS-DENIED", True)
