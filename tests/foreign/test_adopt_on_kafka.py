"""Dead letters of real writers, adopted, looked at, mended, replayed and accounted for."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Message, Producer
from tests.foreign.writers import Writers

from watermaster.cli import main
from watermaster.cli.errors import ExitCode
from watermaster.stream.coordinates import RESERVED_HEADER, decode_coordinates
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic
from watermaster.testing.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: payments
version: 1.0.0
status: active
schema:
  - name: payments
    logicalType: object
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: currency, logicalType: string, required: true, logicalTypeOptions: {pattern: "^[A-Z]{3}$"}}
"""
FIX = """fix: euro
version: 1
steps:
  - {set: $.currency, value: EUR}
"""
OWN = [("trace", b"abc"), ("nothing", None), ("trace", b"twice")]
PARTITIONS = 2
START_S = 120.0
"""Four Java programs start beside each other."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """One convention as its writer writes it: who gives up, and what of the record is kept."""

    dialect: str
    holder: str
    mendable: int
    broken: int
    keeps_headers: bool = True
    keeps_timestamp: bool = True
    exception: str = ""


FOREIGN = {
    "connect": Foreign("connect", "warehouse", 0, 3, exception="JsonEOFException"),
    "streams": Foreign("streams", "", 5, 3, exception="IllegalStateException"),
    "spring": Foreign("spring", "listener", 5, 3, exception="IllegalStateException"),
    "share-group": Foreign("share-group", "workers", 5, 3, keeps_headers=False, keeps_timestamp=False),
}
"""Connect's converter fails only on what is no JSON; the others on every value with a bad currency."""


class Site:
    """A source topic with good and bad records, four applications that fail on it, and an operator."""

    def __init__(self, cluster: KafkaCluster, directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.cluster, self.directory, self._capfd = cluster, directory, capfd
        self.config = directory / "watermaster.yaml"
        self.source = "payments"
        self.written: dict[tuple[int, int], Message] = {}
        cluster.create_topic(self.source, PARTITIONS)
        for kind in FOREIGN:
            self.cluster.create_topic(
                self.letters(kind), PARTITIONS, configs={"errors.deadletterqueue.group.enable": "true"}
            )
        (directory / "contracts").mkdir()
        (directory / "contracts" / "payments.odcs.yaml").write_text(CONTRACT)
        (directory / "euro.fix.yaml").write_text(FIX)
        self.config.write_text(f"# kept by hand\nclusters:\n  test: {{bootstrap: '{cluster.bootstrap}'}}\n")

    def letters(self, kind: str) -> str:
        return f"dlq.{kind}"

    def has_letters(self, kind: str, foreign: Foreign) -> bool:
        """Whether everything that the application cannot take has a letter."""
        found = read_topic(self.cluster.client_config(), self.letters(kind))
        return len(found) >= foreign.mendable + foreign.broken

    def produce(self) -> None:
        """Of twenty records five name a bad currency and three are not even JSON."""
        producer, began_ms = Producer(self.cluster.client_config()), time.time_ns() // 1_000_000 - 60_000
        for number in range(20):
            currency = b"bad" if number % 4 == 0 or number in (1, 2, 3) else b"USD"
            end = b"" if number in (1, 2, 3) else b"}"
            value = b'{"id":%d, "currency":"%s"%s' % (number, currency, end)
            key = None if number == 4 else b"k-%d" % number
            producer.produce(self.source, value, key, number % PARTITIONS, timestamp=began_ms + number, headers=OWN)
        assert producer.flush(30) == 0
        for message in read_topic(self.cluster.client_config(), self.source):
            self.written[message.partition() or 0, message.offset() or 0] = message

    def run(self, *arguments: str, code: int = ExitCode.OK) -> Any:
        return json.loads(self.say(*arguments, "--output", "json", code=code))

    def say(self, *arguments: str, code: int = ExitCode.OK) -> str:
        self._capfd.readouterr()
        got = main.execute(["quarantine", *arguments, "--config", str(self.config)])
        written = self._capfd.readouterr()
        assert got == code, written.err
        return written.out

    def bytes_of(self, topic: str) -> str:
        """A fingerprint of everything on a topic."""
        found = read_topic(self.cluster.client_config(), topic)
        whole = [(m.partition(), m.offset(), m.key(), m.value(), m.headers(), m.timestamp()) for m in found]
        return hashlib.sha256(repr(whole).encode()).hexdigest()


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    """One of its own: group settings of share groups are the cluster's."""
    with KafkaCluster() as started:
        yield started


@pytest.fixture
def site(cluster: KafkaCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Site:
    """All four applications have given up on everything that they cannot take."""
    site = Site(cluster, tmp_path, capfd)
    site.produce()
    writers = Writers(cluster, tmp_path)
    try:
        writers.connect("warehouse", site.source, site.letters("connect"))
        writers.streams("billing", site.source, site.letters("streams"))
        writers.spring("listener", site.source, site.letters("spring"))
        writers.share_group("workers", site.source, site.letters("share-group"))
        for kind, foreign in FOREIGN.items():
            wait_until(partial(site.has_letters, kind, foreign), f"{kind} gives up", START_S, writers.last_words)
    finally:
        writers.stop()
    return site


def test_letters_of_real_writers_are_adopted_mended_replayed_and_accounted_for(site: Site) -> None:
    for kind, foreign in FOREIGN.items():
        _adopt(site, kind, foreign)
        _look(site, kind, foreign)
        _replay(site, kind, foreign)
        _close(site, kind, foreign)
    text = site.config.read_text()
    assert text.startswith("# kept by hand\n"), "what people wrote stays"
    assert set(yaml.safe_load(text)["quarantines"]) == set(FOREIGN)


def _adopt(site: Site, kind: str, foreign: Foreign) -> None:
    topic, target = site.letters(kind), f"{kind}.repair"
    options = ("adopt", topic, "--name", kind, "--source", site.source, "--target", target)
    options += ("--contract", "payments.odcs.yaml")
    before = site.config.read_text()
    plan = site.run(*options, code=ExitCode.FINDINGS)
    count = foreign.mendable + foreign.broken
    assert plan["dialects"] == {foreign.dialect: count}
    assert (plan["looked_at"], plan["originals"], plan["without_coordinates"]) == (count, count, 0)
    assert plan["sources"] == {site.source: count}
    assert plan["holders"] == ({foreign.holder: count} if foreign.holder else {})
    assert [f["weight"] for f in plan["findings"] if "target" in f["message"]] == ["problem"]
    assert site.config.read_text() == before, "a plan writes nothing"
    site.cluster.create_topic(target, PARTITIONS)
    assert "Add --yes" in site.say(*options)
    adopted = site.run(*options, "--yes")
    assert (adopted["creates"], adopted["adopted"]) == (f"watermaster.holds.{kind}", True)
    assert site.cluster.topic_configs(f"watermaster.holds.{kind}")["cleanup.policy"] == "compact"
    again = site.run("adopt", kind)
    assert (again["configured"], again["creates"]) == (True, None)


def _look(site: Site, kind: str, foreign: Foreign) -> None:
    here = ("--quarantine", kind)
    count = foreign.mendable + foreign.broken
    groups = site.run("groups", *here)["groups"]
    assert sum(group["records"] for group in groups) == count
    assert all(foreign.exception in group["title"] for group in groups), groups
    assert {group["stream"] for group in groups} == {site.source}
    listed = site.run("list", *here)["records"]
    places = {(r["coordinates"]["partition"], r["coordinates"]["offset"]) for r in listed}
    bad = {place for place, message in site.written.items() if b"bad" in (message.value() or b"")}
    broken = {place for place in bad if not (site.written[place].value() or b"").endswith(b"}")}
    assert places == (bad if foreign.mendable else broken)
    shown = site.run("show", f"{min(broken)[0]}:{min(broken)[1]}", *here)
    assert shown["dialect"] == foreign.dialect
    assert site.run("export", str(site.directory / f"{kind}.jsonl"), *here)["records"] == count
    assert site.run("ledger", *here)["letters"] == count


def _replay(site: Site, kind: str, foreign: Foreign) -> None:
    here = ("--quarantine", kind)
    lies = site.bytes_of(site.letters(kind))
    (plan,) = site.run("replay", "--all", *here)["plans"]
    assert plan["target"] == f"{kind}.repair"
    assert plan["fates"] == {"fails": foreign.mendable + foreign.broken}, "the contract of the file judges"
    with_fix = ("replay", "--all", "--fix", str(site.directory / "euro.fix.yaml"), *here)
    expected = {fate: n for fate, n in (("passes", foreign.mendable), ("unfixed", foreign.broken)) if n}
    assert site.run(*with_fix)["plans"][0]["fates"] == expected
    assert site.run(*with_fix, "--yes")["done"]["fates"] == expected
    assert site.run(*with_fix, "--yes")["done"]["fates"].get("passes") is None, "running it twice adds nothing"
    written = read_topic(site.cluster.client_config(), f"{kind}.repair")
    assert len(written) == foreign.mendable
    for message in written:
        *headers, (name, value) = message.headers() or []
        stamp = decode_coordinates(value)
        assert name == RESERVED_HEADER
        assert stamp is not None
        source = site.written[stamp.partition, stamp.offset]
        assert message.partition() == stamp.partition
        assert message.value() == (source.value() or b"").replace(b"bad", b"EUR")
        assert message.key() == source.key()
        assert headers == (OWN if foreign.keeps_headers else [])
        assert (message.timestamp() == source.timestamp()) is foreign.keeps_timestamp
        assert (stamp.topic_id, stamp.attempt, stamp.fix) == (f"name:{site.source}", 1, "euro@1")
    assert site.bytes_of(site.letters(kind)) == lies, "the letters are never touched"


def _close(site: Site, kind: str, foreign: Foreign) -> None:
    here = ("--quarantine", kind)
    done = site.run("discard", "--all", "--why", "no JSON", "--yes", *here)["done"]["fates"]
    assert done == {"chosen": foreign.broken}
    ledger = site.run("ledger", *here)
    (row,) = ledger["rows"]
    assert (row["replayed"], row["discarded"], row["open"]) == (foreign.mendable, foreign.broken, 0)
    assert ledger["troubles"] == []
    assert "every letter that lies there is in exactly one state" in site.say("ledger", *here)
