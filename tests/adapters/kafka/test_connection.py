"""Settings of clients: safe defaults, and what is refused beyond loopback."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from watermaster.adapters.kafka.connection import (
    admin_settings,
    bootstrap_hosts,
    client_settings,
    consumer_settings,
    producer_settings,
)
from watermaster.adapters.kafka.faults import translate_error
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.loopback import is_loopback
from watermaster.stream.fault import Fault, InternalFault, UsageFault, WorldFault

LOOPBACK = [
    ("localhost", True),
    ("LOCALHOST", True),
    ("127.0.0.1", True),
    ("127.8.9.1", True),
    ("::1", True),
    ("[::1]", True),
    ("::ffff:127.0.0.1", True),
    ("::ffff:10.0.0.1", False),
    ("0.0.0.0", False),
    ("localhost.evil.example", False),
    ("127.0.0.1.nip.io", False),
    ("10.0.0.1", False),
    ("169.254.169.254", False),
    ("2130706433", False),
    ("", False),
]


@pytest.mark.parametrize(("host", "expected"), LOOPBACK)
def test_loopback_is_judged_by_text(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_hosts_of_a_bootstrap() -> None:
    assert bootstrap_hosts("a:1, b:2,[::1]:3") == ("a", "b", "::1")


@pytest.mark.parametrize(
    "bootstrap",
    ["host", "host:", "host:port", "host:0", "host:65536", ":9092", "SSL://host:1", "a:1,,b:2", "a b:1", "::1:9"],
)
def test_misspelt_addresses(bootstrap: str) -> None:
    with pytest.raises(UsageFault) as caught:
        client_settings(ClusterConfiguration("c", bootstrap))
    assert caught.value.code == "WM-CLIENT-ADDRESS"


PROTOCOLS = [
    ("", {}, "WM-SECURITY-PLAINTEXT"),
    ("", {"allow_plaintext": True}, "WM-SECURITY-ANONYMOUS"),
    ("", {"allow_plaintext": True, "allow_anonymous": True}, None),
    ("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN", {}, "WM-SECURITY-PLAINTEXT"),
    ("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN", {"allow_plaintext": True}, None),
    ("security.protocol=SSL", {}, "WM-SECURITY-ANONYMOUS"),
    ("security.protocol=SSL", {"allow_anonymous": True}, None),
    ("security.protocol=SSL\nssl.certificate.pem=x", {}, None),
    ("security.protocol=SASL_SSL\nsasl.mechanism=PLAIN", {}, None),
    (
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.endpoint.identification.algorithm=",
        {},
        "WM-SECURITY-UNVERIFIED",
    ),
    (
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nenable.ssl.certificate.verification=false",
        {},
        "WM-SECURITY-UNVERIFIED",
    ),
    (
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.endpoint.identification.algorithm=none",
        {"allow_unverified_tls": True},
        None,
    ),
]


@pytest.mark.parametrize(("properties", "allowed", "code"), PROTOCOLS)
@pytest.mark.parametrize("bootstrap", ["kafka.example:9092", "localhost:9092,kafka.example:9092"])
def test_beyond_loopback(
    tmp_path: Path, properties: str, allowed: dict[str, bool], code: str | None, bootstrap: str
) -> None:
    path = tmp_path / "client.properties"
    path.write_text(properties)
    cluster = ClusterConfiguration("c", bootstrap, client_config=path, **allowed)
    if code is None:
        assert client_settings(cluster)["bootstrap.servers"] == bootstrap
        return
    with pytest.raises(UsageFault) as caught:
        client_settings(cluster)
    assert caught.value.code == code


def test_loopback_needs_nothing_and_every_client_accepts_its_settings() -> None:
    settings = client_settings(ClusterConfiguration("c", "localhost:1"))
    consumer = consumer_settings(settings, "g", {"session.timeout.ms": 10_000})
    assert consumer["isolation.level"] == "read_committed"
    assert consumer["auto.offset.reset"] == "error"
    assert consumer["check.crcs"] is True
    assert consumer["enable.auto.commit"] is False
    assert consumer["allow.auto.create.topics"] is False
    assert producer_settings(settings)["enable.idempotence"] is True
    Consumer(consumer).close()
    Producer(producer_settings(settings))
    AdminClient(admin_settings(settings))


def test_client_log_lines_stay_off_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    producer = Producer(producer_settings(client_settings(ClusterConfiguration("c", "localhost:1"))))
    producer.poll(0.5)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


TRANSLATED = [
    (KafkaError.TOPIC_AUTHORIZATION_FAILED, UsageFault, "WM-KAFKA-DENIED-TOPIC"),
    (KafkaError.GROUP_AUTHORIZATION_FAILED, UsageFault, "WM-KAFKA-DENIED-GROUP"),
    (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, UsageFault, "WM-KAFKA-DENIED-TRANSACTIONAL-ID"),
    (KafkaError.CLUSTER_AUTHORIZATION_FAILED, UsageFault, "WM-KAFKA-DENIED-CLUSTER"),
    (KafkaError.UNKNOWN_TOPIC_OR_PART, UsageFault, "WM-KAFKA-UNKNOWN-TOPIC"),
    (KafkaError.COORDINATOR_LOAD_IN_PROGRESS, WorldFault, "WM-KAFKA-COORDINATOR"),
    (KafkaError.OFFSET_NOT_AVAILABLE, WorldFault, "WM-KAFKA-LEADER"),
    (KafkaError._TIMED_OUT, WorldFault, "WM-KAFKA-TIMEOUT"),
    (KafkaError._DESTROY_BROKER, WorldFault, "WM-KAFKA-UNREACHABLE"),
    (KafkaError._AUTO_OFFSET_RESET, WorldFault, "WM-KAFKA-OFFSET"),
    (KafkaError.OFFSET_OUT_OF_RANGE, WorldFault, "WM-KAFKA-OFFSET"),
    (KafkaError._TRANSPORT, WorldFault, "WM-KAFKA-ERROR"),
    (KafkaError.NOT_ENOUGH_REPLICAS, WorldFault, "WM-KAFKA-ERROR"),
]


@pytest.mark.parametrize(("code", "kind", "expected"), TRANSLATED)
def test_errors_are_translated_by_code(code: int, kind: type[Fault], expected: str) -> None:
    for error in (KafkaError(code), KafkaException(KafkaError(code))):
        fault = translate_error(error, doing="reading", resource="flights")
        assert (type(fault), fault.code) == (kind, expected)
        assert fault.hint


def test_what_is_no_client_error_is_ours() -> None:
    fault = translate_error(ValueError("canary"))
    assert isinstance(fault, InternalFault)
    assert "canary" not in str(fault)
    already = UsageFault("WM-X", "x", hint="y")
    assert translate_error(already) is already
