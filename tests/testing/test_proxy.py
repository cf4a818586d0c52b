"""The frame proxy between a real client and a real broker."""

import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from confluent_kafka import KafkaException, Producer

from watermaster.stream.fault import UsageFault
from watermaster.testing.frame import ApiKey, Direction
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.reading import read_topic
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka
FreshName = Callable[[str], str]


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster(proxied=True) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def no_rules_left(cluster: KafkaCluster) -> Iterator[None]:
    yield
    cluster.proxy.clear()


def through_proxy(cluster: KafkaCluster, **more: Any) -> dict[str, Any]:
    quick = {"socket.timeout.ms": 1500, "reconnect.backoff.max.ms": 200, "log_level": 0}
    return cluster.client_config(**{"bootstrap.servers": cluster.proxied_bootstrap, **quick, **more})


def transactional(cluster: KafkaCluster, name: str, **more: Any) -> Producer:
    producer = Producer(through_proxy(cluster, **{"transactional.id": name, **more}))
    producer.init_transactions(30)
    return producer


def values(cluster: KafkaCluster, topic: str, isolation_level: str = "read_committed") -> list[bytes | None]:
    """Read past the proxy."""
    return [message.value() for message in read_topic(cluster.client_config(), topic, isolation_level=isolation_level)]


def send(producer: Producer, topic: str, value: bytes) -> list[str]:
    failures: list[str] = []
    producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error.name()) if error else None)
    producer.flush(60)
    return failures


def test_metadata_leads_clients_through_the_proxy(cluster: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(cluster)
    before = cluster.proxy.seen(ApiKey.PRODUCE)
    assert send(Producer(through_proxy(cluster)), topic, b"a") == []
    assert cluster.proxy.seen(ApiKey.PRODUCE) == before + 1
    assert cluster.proxy.seen(ApiKey.PRODUCE, Direction.RESPONSE) >= 1
    assert values(cluster, topic) == [b"a"]


def test_a_held_commit_is_neither_done_nor_lost(
    cluster: KafkaCluster, fresh_topic: FreshTopic, fresh_name: FreshName
) -> None:
    topic = fresh_topic(cluster)
    producer = transactional(cluster, fresh_name("t"), **{"socket.timeout.ms": 60_000})
    producer.begin_transaction()
    assert send(producer, topic, b"a") == []
    held = cluster.proxy.hold(ApiKey.END_TXN)
    with ThreadPoolExecutor(1) as pool:
        committing = pool.submit(producer.commit_transaction, 60)
        held.wait_until_hit()
        assert values(cluster, topic) == []
        assert not committing.done()
        held.release()
        committing.result(60)
    assert values(cluster, topic) == [b"a"]


def test_a_stale_commit_arrives_after_its_client_has_gone(
    cluster: KafkaCluster, fresh_topic: FreshTopic, fresh_name: FreshName
) -> None:
    topic = fresh_topic(cluster)
    producer = transactional(cluster, fresh_name("t"))
    producer.begin_transaction()
    assert send(producer, topic, b"a") == []
    held = cluster.proxy.hold(ApiKey.END_TXN, count=1)
    # What the client sends again, on a new connection, must not be what commits.
    cluster.proxy.drop(ApiKey.END_TXN, skip=1)
    with ThreadPoolExecutor(1) as pool:
        committing = pool.submit(producer.commit_transaction, 2)
        held.wait_until_hit()
        held.cut_clients()
        assert isinstance(committing.exception(60), KafkaException)
    assert values(cluster, topic) == []
    held.release()
    wait_until(lambda: values(cluster, topic) == [b"a"], "the stale commit has reached the broker")


def test_a_dropped_request_is_sent_again_and_not_doubled(cluster: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(cluster)
    dropped = cluster.proxy.drop(ApiKey.PRODUCE, count=1)
    assert send(Producer(through_proxy(cluster, **{"enable.idempotence": True})), topic, b"a") == []
    assert dropped.hits == 1
    assert values(cluster, topic) == [b"a"]


@pytest.mark.parametrize(("idempotent", "copies"), [(True, 1), (False, 2)])
def test_a_lost_response_doubles_a_record_unless_the_producer_is_idempotent(
    cluster: KafkaCluster, fresh_topic: FreshTopic, idempotent: bool, copies: int
) -> None:
    topic = fresh_topic(cluster)
    cut = cluster.proxy.cut(ApiKey.PRODUCE, direction=Direction.RESPONSE, count=1)
    producer = Producer(through_proxy(cluster, **{"enable.idempotence": idempotent, "acks": "all"}))
    assert send(producer, topic, b"a") == []
    assert cut.hits == 1
    assert values(cluster, topic) == [b"a"] * copies


@pytest.mark.parametrize("sent_bytes", [0, 5, None])
def test_connections_are_cut_before_within_and_after_a_request(
    cluster: KafkaCluster, fresh_topic: FreshTopic, sent_bytes: int | None
) -> None:
    topic = fresh_topic(cluster)
    cut = cluster.proxy.cut(ApiKey.PRODUCE, sent_bytes=sent_bytes, count=2)
    assert send(Producer(through_proxy(cluster, **{"enable.idempotence": True})), topic, b"a") == []
    assert cut.hits == 2
    assert values(cluster, topic) == [b"a"]


def test_slices_and_delays_only_slow_things_down(cluster: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(cluster)
    sliced = cluster.proxy.slice(7, direction=None)
    late = cluster.proxy.delay(0.2, ApiKey.PRODUCE)
    assert send(Producer(through_proxy(cluster)), topic, b"a" * 500) == []
    assert sliced.hits > late.hits >= 1
    assert values(cluster, topic) == [b"a" * 500]


def test_a_black_hole_times_out(cluster: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(cluster)
    producer = Producer(through_proxy(cluster, **{"message.timeout.ms": 1500}))
    cluster.proxy.black_hole()
    assert send(producer, topic, b"a") == ["_MSG_TIMED_OUT"]
    assert values(cluster, topic) == []


def test_an_isolated_broker_is_reached_again_once_healed(cluster: KafkaCluster, fresh_topic: FreshTopic) -> None:
    topic = fresh_topic(cluster)
    producer = Producer(through_proxy(cluster, **{"message.timeout.ms": 1500}))
    assert send(producer, topic, b"a") == []
    cluster.proxy.isolate(1)
    wait_until(lambda: cluster.proxy.connections == 0, "all connections are cut")
    assert send(producer, topic, b"lost") == ["_MSG_TIMED_OUT"]
    cluster.proxy.heal(1)
    # A busy machine may reconnect later than one message's timeout, and a message that timed out may be in the log.
    wait_until(lambda: send(producer, topic, b"b") == [], "the client has found the broker again")
    assert set(values(cluster, topic)) == {b"a", b"b"}


def test_a_rewritten_request_is_judged_by_the_broker(cluster: KafkaCluster, fresh_topic: FreshTopic) -> None:
    fresh_topic(cluster)

    def ask_for_a_version_that_nobody_has(body: bytes) -> bytes:
        return body[:2] + struct.pack(">h", 999) + body[4:]

    rewritten = cluster.proxy.rewrite(ask_for_a_version_that_nobody_has, ApiKey.METADATA)
    producer = Producer(through_proxy(cluster))
    with pytest.raises(KafkaException):
        producer.list_topics(timeout=2)
    assert rewritten.hits >= 1


def test_a_cluster_without_proxy_says_so(kafka: KafkaCluster) -> None:
    with pytest.raises(UsageFault, match="WM-TESTKIT-PROXY"):
        _ = kafka.proxy


def test_encrypted_connections_cannot_be_looked_into() -> None:
    with pytest.raises(UsageFault, match="encrypted"):
        KafkaCluster(security="sasl_ssl", proxied=True)
