"""The second client on real Kafka: the same login as everything else, and what it may not see is said."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from watermaster.adapters.kafka import second_client
from watermaster.adapters.kafka.broker_versions import NEWEST, read_broker_versions
from watermaster.adapters.kafka.connect_check import connect_check
from watermaster.adapters.kafka.connection import client_settings
from watermaster.adapters.kafka.log_directories import read_log_directories
from watermaster.adapters.kafka.second_settings import second_settings
from watermaster.adapters.kafka.transaction_holders import read_holders
from watermaster.monitor.kafka_release import BrokerVersion, judge_versions
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.observed import Unseen
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault
from watermaster.testing.account import ADMIN
from watermaster.testing.client_settings import PropertiesStyle
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic

kafka_only = pytest.mark.kafka


def settings_for(
    cluster: KafkaCluster, path: Path, principal: str = ADMIN, mechanism: str = "SCRAM-SHA-512", style: str = "java"
) -> dict[str, Any]:
    file = cluster.client_properties(principal, path / "client.properties", style, mechanism=mechanism)
    bootstrap = cluster.access(principal, mechanism).bootstrap
    return client_settings(ClusterConfiguration("c", bootstrap, client_config=file))


def open_transaction(cluster: KafkaCluster, topic: str, name: str) -> Producer:
    producer = Producer(cluster.client_config(**{"transactional.id": name, "transaction.timeout.ms": 600_000}))
    producer.init_transactions(60)
    producer.begin_transaction()
    producer.produce(topic, b"record", partition=0)
    assert producer.flush(30) == 0
    return producer


@kafka_only
def test_what_lies_in_a_directory_and_what_its_disk_has_left(kafka: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(kafka)
    settings = client_settings(ClusterConfiguration("c", kafka.bootstrap))
    unseen: list[Unseen] = []
    (before,) = read_log_directories(settings, [1], unseen)
    producer = Producer(kafka.client_config(**{"compression.type": "none"}))
    producer.produce(topic, bytes(500_000))
    assert producer.flush(30) == 0
    (after,) = read_log_directories(settings, [1], unseen)
    disk = shutil.disk_usage(after.path)
    assert unseen == []
    assert (after.broker, after.total, after.offline) == (1, disk.total, False)
    assert after.stored is not None
    assert before.stored is not None
    assert after.stored - before.stored >= 500_000
    # Others write to the same disk meanwhile.
    assert after.usable == pytest.approx(disk.free, rel=0.05)


@kafka_only
@pytest.mark.parametrize("style", [PropertiesStyle.JAVA.value, PropertiesStyle.LIBRDKAFKA.value])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN", "mTLS"])
def test_each_login(kafka_secured: KafkaCluster, tmp_path: Path, mechanism: str, style: str) -> None:
    unseen: list[Unseen] = []
    found = read_log_directories(settings_for(kafka_secured, tmp_path, ADMIN, mechanism, style), [1], unseen)
    assert (len(found), unseen) == (1, [])


@kafka_only
def test_a_key_that_stands_in_the_settings(kafka_secured: KafkaCluster, tmp_path: Path) -> None:
    settings = settings_for(kafka_secured, tmp_path, ADMIN, "mTLS", "librdkafka")
    pem = Path(settings.pop("ssl.certificate.location")).read_text()
    del settings["ssl.key.location"]
    begin = pem.index("-----BEGIN CERTIFICATE")
    key, chain = (pem[:begin], pem[begin:]) if begin else pem.split("-----END CERTIFICATE-----\n", 1)[::-1]
    settings |= {"ssl.key.pem": key, "ssl.certificate.pem": chain}
    unseen: list[Unseen] = []
    assert len(read_log_directories(settings, [1], unseen)) == 1, unseen


@kafka_only
def test_who_holds_a_transaction_as_far_as_this_login_may_know(
    kafka_secured: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    topic, name, reader = fresh_topic(kafka_secured), fresh_name("writer"), fresh_name("reader")
    source = TopicPartition(topic, 0)
    kafka_secured.add_user(reader)
    limited = settings_for(kafka_secured, tmp_path, reader)
    producer = open_transaction(kafka_secured, topic, name)

    denied = read_holders(limited, {source: 1}, [1])[source]
    assert isinstance(denied, Unseen)
    assert denied.code == "WM-KAFKA-DENIED-TOPIC"

    kafka_secured.allow(reader, "READ", "TOPIC", topic)
    unnamed = read_holders(limited, {source: 1}, [1])[source]
    assert not isinstance(unnamed, Unseen)
    assert [holder.transactional_id for holder in unnamed] == [None]

    kafka_secured.allow(reader, "DESCRIBE", "TRANSACTIONAL_ID", name)
    named = read_holders(limited, {source: 1}, [1])[source]
    assert not isinstance(named, Unseen)
    assert [(each.producer_id, each.transactional_id, each.timeout_ms) for each in named] == [
        (unnamed[0].producer_id, name, 600_000)
    ]
    producer.abort_transaction(60)
    assert read_holders(limited, {source: 1}, [1])[source] == ()


@kafka_only
def test_directories_that_this_login_may_not_see(
    kafka_secured: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    reader = fresh_name("reader")
    kafka_secured.add_user(reader)
    settings = settings_for(kafka_secured, tmp_path, reader)
    unseen: list[Unseen] = []
    assert read_log_directories(settings, [1], unseen) == ()
    assert [(each.what, each.code) for each in unseen] == [
        ("the log directories of broker 1", "WM-KAFKA-DENIED-CLUSTER")
    ]
    kafka_secured.allow(reader, "DESCRIBE", "BROKER", "kafka-cluster")
    assert len(read_log_directories(settings, [1], [])) == 1


@kafka_only
def test_the_version_of_each_broker(kafka_three: KafkaCluster, kafka_secured: KafkaCluster, tmp_path: Path) -> None:
    for cluster, settings in (
        (kafka_three, client_settings(ClusterConfiguration("c", kafka_three.bootstrap))),
        (kafka_secured, settings_for(kafka_secured, tmp_path)),
    ):
        unseen: list[Unseen] = []
        brokers = connect_check(settings).brokers
        found = read_broker_versions(settings, brokers, unseen)
        assert unseen == []
        # The kit's Kafka is newer than what can be told apart.
        assert found == tuple(BrokerVersion(broker.node, NEWEST, exact=False) for broker in cluster.brokers)
        assert judge_versions(found) == []


@kafka_only
def test_a_password_that_is_refused_is_no_answer(
    kafka_secured: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    user = fresh_name("user")
    kafka_secured.add_user(user)
    settings = settings_for(kafka_secured, tmp_path, user) | {"sasl.password": "wrong"}
    threads = threading.active_count()
    unseen: list[Unseen] = []
    assert read_log_directories(settings, [1], unseen) == ()
    assert len(unseen) == 1
    assert "wrong" not in str(unseen)
    assert threading.active_count() <= threads


@pytest.mark.parametrize("listening", [False, True], ids=["nothing listens", "nobody answers"])
def test_no_first_contact(monkeypatch: pytest.MonkeyPatch, listening: bool) -> None:
    monkeypatch.setattr(second_client, "ANSWER_TIMEOUT_S", 1.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        settings = client_settings(ClusterConfiguration("c", f"127.0.0.1:{silent.getsockname()[1]}"))
        threads = threading.active_count()
        unseen: list[Unseen] = []
        assert read_log_directories(settings, [1, 2], unseen) == ()
    assert [each.code for each in unseen] == ["WM-KAFKA-TIMEOUT"] * 2
    assert threading.active_count() <= threads


TLS = {"security.protocol": "ssl", "bootstrap.servers": "b:9093", "client.id": "watermaster"} | {
    "ssl.endpoint.identification.algorithm": "https",
    "enable.ssl.certificate.verification": True,
}
SASL = TLS | {"security.protocol": "sasl_ssl"}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (SASL | {"sasl.mechanism": "OAUTHBEARER"}, "OAUTHBEARER is not translated"),
        (TLS | {"ssl.keystore.location": "client.p12"}, "a PKCS12 key store"),
        (TLS | {"ssl.ca.location": "/does/not/exist"}, "cannot be read"),
        (TLS | {"ssl.certificate.pem": "SECRET", "ssl.key.pem": "SECRET"}, "cannot be read"),
        (TLS | {"ssl.certificate.pem": "SECRET", "ssl.key.location": "key.pem"}, "cannot be read"),
    ],
)
def test_what_has_no_words_is_refused_and_never_weakened(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageFault, match=why) as caught:
        second_settings(settings)
    assert caught.value.code == "WM-CLIENT-SECOND"
    assert "SECRET" not in str(caught.value)


def test_certificates_and_names_are_checked_unless_the_configuration_says_otherwise() -> None:
    def checks(settings: dict[str, Any]) -> tuple[bool, ssl.VerifyMode]:
        context = second_settings(settings)["ssl_context"]
        return context.check_hostname, context.verify_mode

    assert checks(TLS) == (True, ssl.CERT_REQUIRED)
    assert checks(TLS | {"ssl.endpoint.identification.algorithm": "none"}) == (False, ssl.CERT_REQUIRED)
    assert checks(TLS | {"enable.ssl.certificate.verification": "false"}) == (False, ssl.CERT_NONE)
