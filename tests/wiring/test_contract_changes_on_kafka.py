"""Contract activations beside incidents, followed from look to look on real Kafka."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer

from watermaster.contract.activation import Activation, activation_key, encode_activation
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.monitor import MonitorReport
from watermaster.runtime.observed import ObservedCluster
from watermaster.runtime.survey import Survey
from watermaster.testing.kafka import KafkaCluster
from watermaster.wiring.contract_changes import ContractChanges

pytestmark = pytest.mark.kafka

REPORT = MonitorReport(Survey(0, ObservedCluster("id", (), None), {}, {}, {}, (), None), ())
SEEN = (ClusterLook("primary", "production", REPORT, ()),)
UNSEEN = (ClusterLook("primary", "production", None, ()),)


def activate(cluster: KafkaCluster, control: str, number: int) -> None:
    activation = Activation(
        number=number, stream="orders.landing", contract=f"sha256:{number:064}", contract_id="orders",
        contract_version=f"1.{number}.0", by="ada", at_ms=1_000 * number, why="a new field" if number == 2 else "",
    )  # fmt: skip
    producer = Producer(cluster.client_config())
    producer.produce(control, encode_activation(activation), activation_key(activation))
    assert producer.flush(30) == 0


def test_activations_are_followed_where_a_cluster_answers(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    control = fresh_name("control")
    gate = GateConfiguration(
        "gate", "primary", (StreamConfiguration("orders.landing", "orders", "orders.odcs.yaml"),), control=control
    )
    configuration = Configuration(
        tmp_path / "watermaster.yaml",
        {"primary": ClusterConfiguration("primary", kafka.bootstrap)},
        tmp_path,
        tmp_path,
        gates={"gate": gate},
    )
    with closing(ContractChanges(configuration)) as changes:
        seen = changes(SEEN)
        assert seen.notes == {}, "the control topic is not there yet"
        assert len(seen.unseen) == 1, "and that is said, once for all gates that share it"
        assert control in seen.unseen[0]
        kafka.create_topic(control, 1)
        activate(kafka, control, 1)
        assert changes(UNSEEN).notes == {}, "a cluster that does not answer is not waited for"
        first = changes(SEEN).notes["primary"]
        assert [(note.pattern, note.at_ms, note.who) for note in first] == [
            ("orders.landing", 1_000, "ada"),
            ("orders", 1_000, "ada"),
        ]
        assert changes(SEEN).unseen == ()
        activate(kafka, control, 2)
        texts = [note.text for note in changes(SEEN).notes["primary"] if note.pattern == "orders"]
        assert texts == [
            "orders 1.1.0 as activation 1 of orders.landing",
            "orders 1.2.0 as activation 2 of orders.landing: a new field",
        ]
        assert len(changes(UNSEEN).notes["primary"]) == 4, "what was seen stays known"
