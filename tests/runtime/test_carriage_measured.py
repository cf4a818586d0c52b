"""How long streams take, from ledgers and landing topics that exist only as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests.runtime.surveyors import NOW, survey_of

from watermaster.gate.ledger import LedgerEntry, encode_entry
from watermaster.monitor.carriage import Carried, bucket_of
from watermaster.monitor.log import FirstUnread, NothingUnread, PartitionLog, Probe
from watermaster.runtime.carriage import LATELY_MS, PER_PARTITION_MAX, Carriage
from watermaster.runtime.configuration import Configuration, GateConfiguration, StreamConfiguration
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.monitor import MonitorReport
from watermaster.runtime.observed import ObservedTopic, SampledRecord, TopicSample, Unseen
from watermaster.runtime.survey import Place, Placement
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

LANDING = TopicPartition("orders.landing", 0)
GATE = GateConfiguration("orders", "primary", (StreamConfiguration(LANDING.topic, "orders", "orders.odcs.yaml"),))
LEDGER = TopicPartition(GATE.ledger, 0)


class World:
    """A ledger that grows, and the timestamps of the landing topic."""

    def __init__(self, kind: str = "LogAppendTime") -> None:
        self.ledger: list[SampledRecord] = []
        self.landing: dict[int, Probe | Unseen] = {}
        self.kind, self.away, self.asked = kind, False, 0
        self.restart()
        self.measure()

    def restart(self) -> None:
        configuration = Configuration(Path("watermaster.yaml"), {}, Path(), Path(), gates={"orders": GATE})
        self.carriage = Carriage(configuration, self.sample, self.probe)

    def commit(self, from_: int, to: int, wait_ms: int, *, gate: str = "orders", read: int = 1) -> None:
        entry = LedgerEntry(
            gate=gate, cluster="id", topic=LANDING.topic, topic_id="t", partition=0, from_=from_, to=to,
            activation=1, contract="c", now_ms=0, read=read, passed=read, held=0, dropped=0,
        )  # fmt: skip
        record = SampledRecord(0, len(self.ledger), NOW, b"", encode_entry(entry), [], 1)
        self.ledger.append(record)
        self.landing.setdefault(from_, FirstUnread(from_, NOW - wait_ms))

    def sample(self, cluster: str, topics: Sequence[ObservedTopic]) -> Mapping[str, TopicSample]:
        if self.away:
            raise WorldFault("WM-X", "It is away.", hint="h")
        (topic,) = topics
        assert (cluster, topic.name) == ("primary", GATE.ledger)
        return {topic.name: TopicSample(topic.name, tuple(self.ledger))}

    def probe(self, cluster: str, places: Sequence[Place]) -> Mapping[Place, Probe | Unseen]:
        assert cluster == "primary"
        self.asked += len(places)
        return {place: self.landing[place.offset] for place in places}

    def measure(self, now_ms: int = NOW) -> list[int]:
        end = len(self.ledger)
        survey = replace(
            survey_of(),
            placements={LEDGER: Placement(1, (1,), (1,))},
            logs={LEDGER: PartitionLog(0, end, end)},
            settings={LANDING.topic: {"message.timestamp.type": self.kind}},
        )
        look = ClusterLook("primary", "production", MonitorReport(survey, ()), ())
        found = self.carriage.measure(look, now_ms)
        assert found.keys() <= {LANDING.topic}
        return sorted(found.get(LANDING.topic, ()))


def test_what_was_committed_before_the_first_look_is_of_any_day() -> None:
    world = World()
    world.commit(0, 5, 40)
    assert world.measure() == [40]
    assert world.measure() == [], "it is measured once"
    world.restart()
    assert world.measure() == []
    world.commit(5, 6, 30)
    assert world.measure() == [30]


def test_only_transactions_of_this_gate_that_read_something() -> None:
    world = World()
    world.commit(0, 5, 40, gate="another")
    world.commit(5, 9, 40, read=0)
    assert world.measure() == []


def test_a_record_that_is_gone_or_has_no_time_says_nothing() -> None:
    world = World()
    for first, seen in (
        (0, FirstUnread(3, NOW)),
        (10, NothingUnread(12)),
        (20, FirstUnread(20, -1)),
        (30, Unseen("x", "y", "z")),
    ):
        world.landing[first] = seen
        world.commit(first, first + 3, 0)
    assert world.measure() == []


def test_a_producers_clock_ahead_is_no_negative_wait() -> None:
    world = World()
    world.commit(0, 1, -500)
    assert world.measure() == [0]


def test_many_transactions_cost_a_few_reads() -> None:
    world = World()
    for first in range(50):
        world.commit(first, first + 1, first)
    assert world.measure() == list(range(50 - PER_PARTITION_MAX, 50)), "the newest ones"
    assert world.asked == PER_PARTITION_MAX


def test_what_is_told_is_of_the_last_minutes() -> None:
    world = World()
    world.commit(0, 1, 40)
    world.measure()
    told = Carried("primary", "orders", LANDING.topic, appended=True, waits={bucket_of(40): 1})
    assert world.carriage.lately(NOW) == (told,)
    world.measure(NOW + LATELY_MS)
    assert world.carriage.lately(NOW + LATELY_MS) == (told,)
    world.away = True
    world.commit(1, 2, 40)
    world.measure(NOW + LATELY_MS + 1)
    assert world.carriage.lately(NOW + LATELY_MS + 1) == (), "also where nobody answers any more"


def test_the_worst_is_taken_once_and_only_where_brokers_write_the_time() -> None:
    for kind, expected in (("LogAppendTime", 70), ("CreateTime", None)):
        world = World(kind)
        world.commit(0, 1, 40)
        world.commit(1, 2, 70)
        world.measure()
        assert world.carriage.take_worst("primary", LANDING.topic) == expected
        assert world.carriage.take_worst("primary", LANDING.topic) is None
    assert world.carriage.take_worst("primary", "other") is None


def test_a_ledger_that_cannot_be_read_is_named_until_it_can() -> None:
    world = World()
    world.commit(0, 1, 40)
    world.away = True
    assert world.measure() == []
    assert list(world.carriage.unseen.values()) == ["the latency of orders: It is away."]
    world.away = False
    world.commit(1, 2, 50)
    assert world.measure() == [50]
    assert world.carriage.unseen == {}
