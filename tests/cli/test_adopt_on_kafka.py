"""Dead letters without coordinates, and those of a site's own making, adopted on real Kafka.

Real writers of the other conventions are in `tests/foreign`. Headers of Confluent's rules are as `DlqAction` of
confluent-kafka 2.16 writes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Message, Producer

from watermaster.cli import main
from watermaster.cli.errors import ExitCode
from watermaster.stream.coordinates import decode_coordinates
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

Headers = list[tuple[str, str | bytes | None]]
CARD = b'{"card":"4111-2222"}'


class Desk:
    """Topics of one test, and an operator."""

    def __init__(self, cluster: KafkaCluster, name: str, directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.cluster, self.name, self._capfd = cluster, name, capfd
        self.config = directory / "watermaster.yaml"
        self.config.write_text(yaml.safe_dump({"clusters": {"test": {"bootstrap": cluster.bootstrap}}}))

    def topic(self, role: str, partitions: int = 1) -> str:
        self.cluster.create_topic(f"{self.name}.{role}", partitions)
        return f"{self.name}.{role}"

    def write(self, topic: str, partition: int, headers: Headers, value: bytes = CARD) -> None:
        producer = Producer(self.cluster.client_config())
        producer.produce(topic, value, b"key", partition, headers=headers)
        assert producer.flush(30) == 0

    def read(self, topic: str) -> list[Message]:
        return read_topic(self.cluster.client_config(), topic)

    def say(self, *arguments: str, code: int = ExitCode.OK) -> str:
        self._capfd.readouterr()
        got = main.execute(["quarantine", *arguments, "--config", str(self.config)])
        written = self._capfd.readouterr()
        assert got == code, written.err
        return written.out

    def run(self, *arguments: str, code: int = ExitCode.OK) -> Any:
        written = self.say(*arguments, "--output", "json", code=code)
        return json.loads(written) if written else None


@pytest.fixture
def desk(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Desk:
    return Desk(kafka, fresh_name("adopt"), tmp_path, capfd)


def rule_headers(topic: str, text: str) -> Headers:
    return [
        ("trace", b"abc"),
        ("__rule.name", b"cardIsMasked"),
        ("__rule.mode", b"WRITE"),
        ("__rule.subject", b"s-value"),
        ("__rule.topic", topic.encode()),
        ("__rule.exception", text.encode()),
    ]


def test_letters_of_rules_name_their_topic_and_no_offset(desk: Desk) -> None:
    letters, orders, bills = desk.topic("rules", 3), desk.topic("orders"), desk.topic("bills")
    for partition in range(3):
        text = "4111-2222 is no masked card" if partition else "org.acme.RuleException: 4111-2222"
        desk.write(letters, partition, rule_headers(orders if partition else bills, text))
    options = ["adopt", letters, "--name", desk.name]
    for source in (orders, bills):
        options += ["--source", source, "--target", desk.topic(source.rpartition(".")[2] + ".retry")]
    look = desk.run(*options, "--yes")
    assert (look["dialects"], look["without_coordinates"]) == ({"rule": 3}, 3)
    assert look["sources"] == {orders: 2, bills: 1}
    assert look["contracts"][orders].startswith("no contract")
    here = ("--quarantine", desk.name)
    said = [desk.say(*command, *here) for command in (("groups",), ("list",), ("show", "0:0"), ("show", "2:0"))]
    assert not [text for text in said if "4111" in text], "nobody has said what of it may be shown"
    assert "a rule of the schema registry says no" in said[0]
    (listed,) = desk.run("list", "--stream", bills, *here)["records"]
    assert (listed["source"], listed["broken"][0]["rule"]) == (bills, "cardIsMasked")
    done = desk.run("replay", "--all", "--yes", "--why", "the rule was wrong", *here)
    assert [(plan["activation"], plan["contract"], plan["passing"]) for plan in done["plans"]] == [
        (0, "", 2),
        (0, "", 1),
    ]
    for topic, partitions in ((f"{orders}.retry", [1, 2]), (f"{bills}.retry", [0])):
        written = desk.read(topic)
        assert [message.value() for message in written] == [CARD] * len(partitions)
        assert all((message.headers() or [])[0] == ("trace", b"abc") for message in written)
        stamps = [decode_coordinates((message.headers() or [])[-1][1]) for message in written]
        assert sorted(stamp.partition for stamp in stamps if stamp is not None) == partitions
    assert desk.run("ledger", *here)["troubles"] == []


def test_a_topic_of_a_sites_own_making_is_read_by_a_mapping(desk: Desk) -> None:
    letters, source, target = desk.topic("errors"), desk.topic("source", 2), desk.topic("retry", 2)
    for number in range(2):  # numbers as binary, as Java's ByteBuffer writes them
        place: Headers = [("src", source), ("part", (1).to_bytes(4, "big")), ("off", number.to_bytes(8, "big"))]
        desk.write(letters, 0, [("own", b"x"), *place, ("why", "TimeoutError: 4111"), ("retries", b"3")])
    desk.write(letters, 0, [])
    options = ("adopt", letters, "--name", desk.name, "--source", source, "--target", target)
    look = desk.run(*options)
    assert (look["dialects"], look["without_coordinates"]) == ({"plain": 3}, 3)
    (note,) = [finding["message"] for finding in look["findings"] if "no known convention" in finding["message"]]
    assert all(name in note for name in ("src", "part", "off", "retries"))
    assert "4111" not in json.dumps(look)
    mapping = [f"--map={text}" for text in ("topic=src", "partition=part", "offset=off", "exception=why")]
    desk.run(*options, "--map", "offset", code=ExitCode.USAGE)
    look = desk.run(*options, *mapping, "--yes")
    assert (look["sources"], look["without_coordinates"], look["originals"]) == ({source: 2}, 1, 0)
    here = ("--quarantine", desk.name)
    titles = {group["title"] for group in desk.run("groups", *here)["groups"]}
    assert titles == {"TimeoutError", "no reason given"}
    assert desk.run("replay", "--all", "--yes", *here)["done"]["fates"] == {"passes": 3}
    own = [(message.partition(), [name for name, _ in message.headers() or []]) for message in desk.read(target)]
    mapped = (1, ["own", "retries", "__watermaster"])
    assert own == [(0, ["__watermaster"]), mapped, mapped]


def test_what_cannot_be_replayed_is_said_and_can_be_discarded(desk: Desk) -> None:
    """A share group that copies no records, what is no letter, a compacted topic, and a target that is not there."""
    source, letters = desk.topic("source"), desk.topic("dlq")
    names = {"topic": source, "partition": "0", "offset": "5", "group": "workers", "delivery.count": "3"}
    headers: Headers = [(f"__dlq.errors.{name}", value.encode()) for name, value in names.items()]
    producer = Producer(desk.cluster.client_config())
    producer.produce(letters, None, None, 0, headers=headers)
    producer.produce(letters, b"v", b"k", 0, headers=headers[:1])
    assert producer.flush(30) == 0
    desk.cluster.set_topic_configs(letters, {"cleanup.policy": "compact"})
    options = ("adopt", letters, "--name", desk.name, "--source", source, "--target", f"{desk.name}.nowhere")
    look = desk.run(*options, code=ExitCode.FINDINGS)
    assert (look["without_payload"], look["holders"]) == (1, {"workers": 1})
    assert look["unread"] == {"the headers name no valid topic, partition and offset": 1}
    said = desk.say(*options, "--yes", code=ExitCode.FINDINGS)
    assert all(words in said for words in ("is compacted", "neither key nor value", "problem: the target"))
    here = ("--quarantine", desk.name)
    desk.run("replay", "--all", "--yes", *here, code=ExitCode.USAGE)
    desk.topic("nowhere")
    assert desk.run("replay", "--all", "--yes", *here)["done"]["fates"] == {"elsewhere": 1}
    assert desk.run("discard", "--all", "--why", "test", "--yes", *here)["done"]["fates"] == {"chosen": 1}
    ledger = desk.run("ledger", *here)
    assert (ledger["unread"], ledger["rows"][0]["discarded"], ledger["troubles"]) == (1, 1, [])
