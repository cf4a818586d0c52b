"""The auditor on real Kafka, over a small history that a transactional producer writes here by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.audit_reader import KafkaAuditReader
from watermaster.auditor.finding import AuditVerdict, FindingKind
from watermaster.auditor.report import AuditMode, AuditReport
from watermaster.auditor.sample import Sample
from watermaster.cli.main import execute
from watermaster.runtime.audit import Auditor, describe_gate
from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.stream.fault import UsageFault
from watermaster.testing.audit import assert_exactly_once
from watermaster.testing.kafka import KafkaCluster

K = FindingKind
TIMEOUT_S = 30


@dataclass
class HandGate:
    """A gate by hand: one transaction for each call, honest unless a test lies to it."""

    cluster: KafkaCluster
    gate: GateConfiguration
    position: dict[int, int] = field(default_factory=dict)
    topic_id: str = ""
    activation: int = 1

    def __post_init__(self) -> None:
        self.landing, self.trusted = self.gate.streams[0].landing, self.gate.streams[0].trusted
        self.quarantine = self.gate.streams[0].quarantine
        described = self.cluster.admin().describe_cluster().result()
        self.cluster_id = described.cluster_id
        reader = KafkaAuditReader(self.cluster.client_config())
        self.topic_id = reader.topics([self.landing])[self.landing].topic_id
        reader.close()
        self.producer = self.open_producer(self.gate.name)
        self.source = self.open_producer(f"source-{self.gate.name}")

    def open_producer(self, transactional_id: str) -> Producer:
        producer = Producer({**self.cluster.client_config(), "transactional.id": transactional_id, "linger.ms": 0})
        producer.init_transactions(TIMEOUT_S)
        return producer

    def write_landing(self, partition: int, count: int, *, commit: bool = True) -> None:
        producer = self.source
        producer.begin_transaction()
        for at in range(count):
            headers = [("h", b"%d" % at), ("h", None), ("__watermaster", b"forged")]
            producer.produce(
                self.landing, b"v%d" % at, b"k%d" % at, partition, timestamp=1_700_000_000_000 + at, headers=headers
            )
        producer.flush(TIMEOUT_S)
        if commit:
            producer.commit_transaction(TIMEOUT_S)
        else:
            producer.abort_transaction(TIMEOUT_S)

    def read_landing(self, partition: int, start: int) -> Iterator[Any]:
        consumer = Consumer(
            {**self.cluster.client_config(), "group.id": "hand", "enable.partition.eof": True,
             "auto.offset.reset": "earliest", "enable.auto.commit": False, "fetch.wait.max.ms": 20}
        )  # fmt: skip
        consumer.assign([KafkaTopicPartition(self.landing, partition, start)])
        end = self.cluster.log_ends(self.landing, partition)[1]
        while (message := consumer.poll(TIMEOUT_S)) is not None:
            if message.error() is None:
                yield message
            elif message.offset() >= end:
                break  # an earlier end only says that the last markers are not in yet
        self.end = message.offset()
        consumer.close()

    def stamp(self, partition: int, offset: int) -> tuple[str, bytes]:
        text = f"1 {self.cluster_id} {self.topic_id} {partition} {offset} 0 0 {self.activation}"
        return "__watermaster", text.encode()

    def transfer(self, partition: int, *, lose: int = -1, value: bytes | None = None, commit: bool = True) -> None:
        """Move everything that is there: each tenth record is held, each seventh dropped."""
        start = self.position.get(partition, 0)
        records = list(self.read_landing(partition, start))
        consumer = Consumer({**self.cluster.client_config(), "group.id": self.gate.group_id})
        dropped, held = [], 0
        self.producer.begin_transaction()
        for at, record in enumerate(records):
            originals = [header for header in record.headers() if header[0] != "__watermaster"]
            stamp, timestamp = self.stamp(partition, record.offset()), record.timestamp()[1]
            if at % 10 == 3:
                held += 1
                facts = [("__watermaster.original_headers", b"%d" % len(originals)), stamp]
                self.producer.produce(
                    self.quarantine, record.value(), record.key(), partition, timestamp=timestamp,
                    headers=originals + facts,
                )  # fmt: skip
            elif at % 7 == 5:
                dropped.append(record.offset())
            elif at != lose:
                body = record.value() if value is None or at else value
                self.producer.produce(
                    self.trusted, body, record.key(), partition, timestamp=timestamp, headers=[*originals, stamp]
                )
        self.write_ledger(partition, start, self.end, len(records), held, dropped)
        offsets = [KafkaTopicPartition(self.landing, partition, self.end)]
        self.producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), TIMEOUT_S)
        consumer.close()
        if commit:
            self.producer.commit_transaction(TIMEOUT_S)
            self.position[partition] = self.end
        else:
            self.producer.flush(TIMEOUT_S)
            self.producer.abort_transaction(TIMEOUT_S)

    def write_ledger(self, partition: int, start: int, end: int, read: int, held: int, dropped: list[int]) -> None:
        entry = {
            "v": 1, "gate": self.gate.name, "cluster": self.cluster_id, "topic": self.landing,
            "topic_id": self.topic_id, "partition": partition, "from": start, "to": end,
            "activation": self.activation, "contract": "sha256:0", "now_ms": 1, "in": read, "held": held,
            "passed": read - held - len(dropped), "dropped": len(dropped),
            "dropped_offsets": [[offset, offset] for offset in dropped], "gaps": [],
        }  # fmt: skip
        self.producer.produce(self.gate.ledger, json.dumps(entry), f"{self.landing}/{partition}", partition % 2)

    def audit(self, mode: AuditMode = AuditMode.FULL) -> AuditReport:
        reader = KafkaAuditReader(self.cluster.client_config())
        try:
            return Auditor(reader, describe_gate(reader, self.gate), Sample(mode, 0.5), settle_s=0.2).round()
        finally:
            reader.close()


@pytest.fixture
def hand(kafka: KafkaCluster, fresh_name: Any) -> HandGate:
    keep = {"retention.ms": -1}  # the records' timestamps are old, and old records can expire at once
    landing = kafka.create_topic(fresh_name("landing"), 2, configs=keep)
    trusted = kafka.create_topic(fresh_name("trusted"), 2, configs=keep)
    gate = GateConfiguration(fresh_name("gate"), "test", (StreamConfiguration(landing, trusted, "c"),))
    kafka.create_topic(gate.streams[0].quarantine, 2, configs=keep)
    kafka.create_topic(gate.ledger, 2)
    return HandGate(kafka, gate)


def busy(hand: HandGate) -> HandGate:
    """Markers, an aborted source transaction, an aborted transfer, several entries on two partitions."""
    hand.write_landing(0, 50)
    hand.transfer(0, commit=False)
    hand.transfer(0)
    hand.write_landing(0, 20, commit=False)
    hand.write_landing(0, 700)
    hand.activation = 2
    hand.transfer(0)
    hand.write_landing(1, 40)
    hand.transfer(1)
    return hand


def kinds(report: AuditReport) -> set[FindingKind]:
    found = {finding.kind for partition in report.partitions for finding in partition.findings}
    return found | {finding.kind for finding in report.findings}


@pytest.mark.parametrize("mode", list(AuditMode))
def test_an_honest_history_with_markers_and_aborts_is_proved(hand: HandGate, mode: AuditMode) -> None:
    report = busy(hand).audit(mode)
    assert kinds(report) == set()
    assert report.verdict is AuditVerdict.OK
    first = report.partitions[0]
    assert (first.begin, first.end, first.read, first.entries) == (0, hand.position[0], 750, 2)
    if mode is AuditMode.FULL:
        assert first.compared == first.passed + first.held
    if mode is AuditMode.COUNTS:
        assert first.holes >= 22  # the aborted transaction and the markers
    assert report.cost.records > 0
    assert report.cost.payload_bytes > 0


@pytest.mark.parametrize("mode", list(AuditMode))
def test_a_lost_record_is_fetched_from_landing(hand: HandGate, mode: AuditMode) -> None:
    busy(hand)
    hand.write_landing(1, 30)
    hand.transfer(1, lose=11)
    report = hand.audit(mode)
    assert kinds(report) == {K.LOST}
    assert report.partitions[1].findings[0].examples[0].source_offset == 41 + 11


def test_an_altered_value_and_a_foreign_record_fail(hand: HandGate) -> None:
    busy(hand)
    hand.write_landing(1, 30)
    hand.transfer(1, value=b"other")
    intruder = Producer(hand.cluster.client_config())
    intruder.produce(hand.trusted, b"v", b"k", 0)
    intruder.flush(TIMEOUT_S)
    report = hand.audit()
    assert kinds(report) == {K.ALTERED_VALUE, K.FOREIGN}
    assert kinds(hand.audit(AuditMode.COUNTS)) == {K.FOREIGN}


def test_a_record_in_another_partition_is_not_called_lost(hand: HandGate) -> None:
    busy(hand)
    hand.write_landing(0, 1)
    start = hand.position[0]
    record = next(iter(list(hand.read_landing(0, start))))
    consumer = Consumer({**hand.cluster.client_config(), "group.id": hand.gate.group_id})
    hand.producer.begin_transaction()
    headers = [*record.headers()[:2], hand.stamp(0, start)]
    hand.producer.produce(
        hand.trusted, record.value(), record.key(), 1, timestamp=record.timestamp()[1], headers=headers
    )
    hand.write_ledger(0, start, hand.end, 1, 0, [])
    offsets = [KafkaTopicPartition(hand.landing, 0, hand.end)]
    hand.producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), TIMEOUT_S)
    hand.producer.commit_transaction(TIMEOUT_S)
    consumer.close()
    for mode in AuditMode:
        assert kinds(hand.audit(mode)) == {K.WRONG_PARTITION}


def test_an_offset_committed_by_hand_is_found(hand: HandGate) -> None:
    busy(hand)
    hand.write_landing(1, 30)
    consumer = Consumer({**hand.cluster.client_config(), "group.id": hand.gate.group_id})
    consumer.commit(offsets=[KafkaTopicPartition(hand.landing, 1, hand.position[1] + 10)], asynchronous=False)
    assert kinds(hand.audit()) == {K.LEDGER_HOLE}
    consumer.commit(offsets=[KafkaTopicPartition(hand.landing, 1, 5)], asynchronous=False)
    assert kinds(hand.audit()) == {K.COMMIT_MISMATCH}
    consumer.close()


@pytest.mark.parametrize("mode", list(AuditMode))
def test_what_was_deleted_from_landing_is_unverifiable(hand: HandGate, mode: AuditMode) -> None:
    busy(hand)
    hand.cluster.delete_records(hand.landing, 0, 400)
    report = hand.audit(mode)
    assert kinds(report) == {K.SOURCE_GONE}
    assert report.verdict is AuditVerdict.UNVERIFIABLE
    assert report.partitions[1].verdict is AuditVerdict.OK


def test_what_was_deleted_from_the_outputs_is_unverifiable(hand: HandGate) -> None:
    busy(hand)
    hand.cluster.delete_records(hand.trusted, 0, 300)
    assert kinds(hand.audit()) == {K.OUTPUT_GONE}


def test_what_was_deleted_from_the_ledger_is_unverifiable(hand: HandGate) -> None:
    busy(hand)
    hand.cluster.delete_records(hand.gate.ledger, 0, 3)
    assert kinds(hand.audit()) == {K.LEDGER_GONE}


def test_a_topic_of_the_same_name_is_another_topic(hand: HandGate) -> None:
    busy(hand)
    hand.cluster.delete_topic(hand.landing)
    hand.cluster.create_topic(hand.landing, 2)
    report = hand.audit()
    assert K.EARLIER_TOPIC in kinds(report)
    assert report.verdict is not AuditVerdict.OK


def test_rounds_go_on_where_the_last_one_ended(hand: HandGate) -> None:
    reader = KafkaAuditReader(hand.cluster.client_config())
    auditor = Auditor(reader, describe_gate(reader, hand.gate), Sample(AuditMode.FULL), settle_s=0.2)
    assert auditor.round().verdict is AuditVerdict.UNVERIFIABLE  # nothing committed yet
    for expected in (50, 100, 150):
        hand.write_landing(0, 50)
        hand.transfer(0)
        report = auditor.round()
        assert (report.verdict, report.partitions[0].read) == (AuditVerdict.OK, expected)
    hand.write_landing(0, 50)
    hand.transfer(0, lose=1)
    assert kinds(auditor.round()) == {K.LOST}
    reader.close()


def test_a_gate_whose_topics_are_missing_is_a_usage_fault(hand: HandGate) -> None:
    reader = KafkaAuditReader(hand.cluster.client_config())
    with pytest.raises(UsageFault, match="no-such-ledger"):
        describe_gate(reader, replace(hand.gate, ledger="no-such-ledger"))
    reader.close()


# --- the command and the assertion ----------------------------------------------------------------------------------


@pytest.fixture
def configured(hand: HandGate, tmp_path: Path) -> Path:
    stream = hand.gate.streams[0]
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "c").touch()
    config = tmp_path / "watermaster.yaml"
    config.write_text(
        f"clusters:\n  local:\n    bootstrap: {hand.cluster.bootstrap}\n"
        f"contracts: contracts\nstate_directory: state\n"
        f"gates:\n  {hand.gate.name}:\n    cluster: local\n    streams:\n"
        f"      - landing: {stream.landing}\n        trusted: {stream.trusted}\n        contract: c\n"
    )
    return config


def verify(config: Path, *more: str) -> int:
    return execute(["gate", "verify", "--config", str(config), "--settle", "0.2", *more])


def test_the_command_says_proved_disproved_or_unprovable(
    hand: HandGate, configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(configured) == 4
    assert "nothing_judged" in capsys.readouterr().out
    busy(hand)
    assert verify(configured) == 0
    shown = capsys.readouterr().out
    assert "OK (full)" in shown
    assert "s of CPU" in shown
    hand.write_landing(1, 30)
    hand.transfer(1, lose=11)
    assert verify(configured, hand.gate.name, "--mode", "counts", "--output", "json") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["verdict"], report["mode"]) == ("failed", "counts")
    assert report["partitions"][1]["findings"][0]["kind"] == "lost"
    assert report["cost"]["records"] > 0


def test_an_unknown_gate_is_a_usage_fault(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(configured, "no-such-gate") == 2
    assert "no-such-gate" in capsys.readouterr().err


def test_the_assertion_lists_every_finding(hand: HandGate) -> None:
    busy(hand)
    reader = KafkaAuditReader(hand.cluster.client_config())
    assert assert_exactly_once(reader, hand.gate, settle_s=0.2).verdict is AuditVerdict.OK
    hand.write_landing(1, 30)
    hand.transfer(1, lose=11)
    with pytest.raises(AssertionError, match=r"lost × 1: offset 52"):
        assert_exactly_once(reader, hand.gate, settle_s=0.2)
    reader.close()
