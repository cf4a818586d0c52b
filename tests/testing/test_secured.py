"""A secured cluster lets in whom it should, and nobody else."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.reading import read_topic
from watermaster.testing.tls import Authority
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka
FreshName = Callable[[str], str]
QUIET = {"log_level": 0}


def refusals(config: dict[str, Any]) -> set[str]:
    """The errors by which a login fails; none if it succeeds."""
    errors: set[str] = set()
    client = AdminClient({**config, **QUIET, "error_cb": lambda error: errors.add(error.name())})
    try:
        client.list_topics(timeout=2)
    except KafkaException as error:
        client.poll(0)
        return errors | {error.args[0].name()}
    return set()


def send(config: dict[str, Any], topic: str) -> list[str]:
    failures: list[str] = []
    producer = Producer({**config, **QUIET})
    producer.produce(topic, b"a", on_delivery=lambda error, _: failures.append(error.name()) if error else None)
    producer.flush(30)
    return failures


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN", "mTLS"])
def test_the_administrator_gets_in_each_way(
    kafka_secured: KafkaCluster, fresh_topic: FreshTopic, mechanism: str
) -> None:
    config = kafka_secured.client_config(mechanism=mechanism)
    topic = fresh_topic(kafka_secured)
    assert send(config, topic) == []
    assert [message.value() for message in read_topic(config, topic)] == [b"a"]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_a_wrong_password_is_refused(kafka_secured: KafkaCluster, mechanism: str) -> None:
    config = kafka_secured.client_config(mechanism=mechanism, **{"sasl.password": "wrong"})
    assert "_AUTHENTICATION" in refusals(config)


def test_plaintext_is_refused(kafka_secured: KafkaCluster) -> None:
    assert "_TRANSPORT" in refusals({"bootstrap.servers": kafka_secured.bootstrap})


def test_another_authority_is_not_trusted(kafka_secured: KafkaCluster, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(Authority().certificate_pem())
    assert "_SSL" in refusals(kafka_secured.client_config(**{"ssl.ca.location": str(other)}))


def test_a_client_certificate_of_another_authority_is_refused(kafka_secured: KafkaCluster, tmp_path: Path) -> None:
    forged = str(Authority().write_client(tmp_path / "forged.pem", "admin"))
    settings = {"ssl.certificate.location": forged, "ssl.key.location": forged}
    assert refusals(kafka_secured.client_config(mechanism="mTLS", **settings))


def test_what_no_acl_allows_is_denied_until_one_does(
    kafka_secured: KafkaCluster, fresh_topic: FreshTopic, fresh_name: FreshName
) -> None:
    topic, user = fresh_topic(kafka_secured), fresh_name("user")
    kafka_secured.add_user(user)
    config = kafka_secured.client_config(user)
    wait_until(lambda: not refusals(config), "the new user can log in")
    assert send(config, topic) == ["TOPIC_AUTHORIZATION_FAILED"]
    kafka_secured.allow(user, ["WRITE", "DESCRIBE"], "TOPIC", topic)
    wait_until(lambda: send(config, topic) == [], "the user may write")
    with pytest.raises(KafkaException, match=r"TOPIC_AUTHORIZATION_FAILED|GROUP_AUTHORIZATION_FAILED"):
        read_topic({**config, **QUIET}, topic)


def test_a_prefix_allows_all_names_that_begin_with_it(kafka_secured: KafkaCluster, fresh_name: FreshName) -> None:
    user, topic = fresh_name("user"), kafka_secured.create_topic(fresh_name("team-a.orders"))
    kafka_secured.add_user(user)
    kafka_secured.allow(user, "WRITE", "TOPIC", "team-a.", pattern="PREFIXED")
    wait_until(lambda: send(kafka_secured.client_config(user), topic) == [], "the user may write")


@pytest.mark.parametrize("style", ["librdkafka", "java"])
def test_a_properties_file_is_for_its_owner_alone(kafka_secured: KafkaCluster, tmp_path: Path, style: str) -> None:
    path = kafka_secured.client_properties("admin", tmp_path / "client.properties", style)
    text = path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kafka_secured.password("admin") in text
    assert ("ScramLoginModule" in text) is (style == "java")


def test_a_librdkafka_properties_file_works(kafka_secured: KafkaCluster, tmp_path: Path) -> None:
    path = kafka_secured.client_properties("admin", tmp_path / "client.properties")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not refusals(dict(line.split("=", 1) for line in lines))


def test_passwords_show_neither_in_objects_nor_in_the_list_of_processes(kafka_secured: KafkaCluster) -> None:
    password = kafka_secured.password("admin")
    shown = [repr(kafka_secured), repr(kafka_secured.access()), repr(vars(kafka_secured)["_plan"])]
    shown += [path.read_text(encoding="utf-8", errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert not any(password in text for text in shown)
