"""Observing a secured cluster with READ on the landing topic and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from confluent_kafka import Producer

from watermaster.cli.cluster_choice import ClusterChoice
from watermaster.cli.errors import ExitCode
from watermaster.cli.observe import observe_command
from watermaster.cli.output import OutputFormat
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.observe import Observation, Start
from watermaster.stream.fault import UsageFault
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until
from watermaster.wiring.observe import Wanted, observe

pytestmark = pytest.mark.kafka

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: {version}
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - {{name: id, logicalType: integer, required: true, logicalTypeOptions: {{maximum: {maximum}}}}}
"""


class Source:
    """A landing topic with good and bad records, one transaction marker, and a reader who may do nothing else."""

    def __init__(self, cluster: KafkaCluster, topic: str, user: str, directory: Path) -> None:
        self.cluster, self.topic, self.user, self.directory = cluster, topic, user, directory
        cluster.create_topic(topic, 2)
        cluster.add_user(user)
        cluster.allow(user, "READ", "TOPIC", topic)
        self.contract = self.write_contract("1.0.0", 79)
        self.produce(100)

    def write_contract(self, version: str, maximum: int) -> Path:
        path = self.directory / f"orders-{version}.odcs.yaml"
        path.write_text(CONTRACT.format(version=version, maximum=maximum))
        return path

    def produce(self, count: int) -> None:
        producer = Producer(self.cluster.client_config(**{"transactional.id": f"{self.topic}.source"}))
        producer.init_transactions(30)
        producer.begin_transaction()
        for number in range(count):
            producer.produce(self.topic, b'{"id":%d}' % number, partition=number % 2)
        producer.commit_transaction(30)

    def observe(self, **more: object) -> None:
        properties = self.cluster.client_properties(self.user, self.directory / "reader.properties")
        arguments = {
            "choice": ClusterChoice(
                self.directory / "none.yaml", bootstrap=self.cluster.bootstrap, client_config=properties
            ),
            "stream": self.topic,
            "contract": self.contract,
            "start": "beginning",
            "output": OutputFormat.JSON,
        }
        observe_command(**{**arguments, **more})  # type: ignore[arg-type]


@pytest.fixture
def source(kafka_secured: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path) -> Source:
    source = Source(kafka_secured, fresh_name("orders"), fresh_name("reader"), tmp_path)
    # A commit returns before its markers stand in the partitions.
    wait_until(lambda: [source.cluster.log_ends(source.topic, p)[1] for p in range(2)] == [51, 51], "markers stand", 30)
    return source


def test_the_ledger_closes_and_no_trace_is_left(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    before = _state(source)
    source.observe()
    (stream,) = json.loads(capsys.readouterr().out)["streams"]
    assert (stream["records"], stream["held"], stream["held_per_1000"]) == (100, 20, 200.0)
    for line in stream["partitions"]:
        counts = (line["start"], line["end"], line["records"], line["held"], line["without_record"])
        assert counts == (0, 51, 50, 10, 1), "the commit marker is a hole and no record"
    (reason,) = stream["reasons"]
    assert (reason["code"], reason["records"]) == ("number.maximum", 20)
    assert reason["examples"][0]["value"] is None
    assert _state(source) == before


def _state(source: Source) -> object:
    admin = source.cluster.admin()
    groups = sorted(group.group_id for group in admin.list_consumer_groups().result(30).valid)
    ends = [source.cluster.log_ends(source.topic, number) for number in (0, 1)]
    return groups, ends, sorted(admin.list_topics(timeout=20).topics)


def test_another_contract_is_compared_on_the_same_records(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    source.observe(against=source.write_contract("2.0.0", 89))
    (stream,) = json.loads(capsys.readouterr().out)["streams"]
    changes = stream["comparison"]
    assert (changes["newly_held"], changes["newly_passed"], changes["held_by_both"]) == (0, 10, 10)


def test_only_the_last_records_and_values_on_request(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    source.observe(start="-11", show_values=True)
    (stream,) = json.loads(capsys.readouterr().out)["streams"]
    assert (stream["records"], stream["held"]) == (20, 20), "ten of each partition: the eleventh offset is the marker"
    # The first of the partition that came first.
    assert stream["reasons"][0]["examples"][0]["value"] in ('{"id":80}', '{"id":81}')


def test_what_comes_while_observing_is_seen(source: Source) -> None:
    properties = source.cluster.client_properties(source.user, source.directory / "reader.properties")
    cluster = ClusterConfiguration("c", source.cluster.bootstrap, client_config=properties)
    produced: list[int] = []
    seen = 0

    def progress(observation: Observation) -> None:
        nonlocal seen
        seen = sum(count.read for count in observation.streams[source.topic].partitions.values())
        if not produced:
            produced.append(10)
            source.produce(10)

    report = observe(
        cluster,
        (Wanted(source.topic, source.contract),),
        Start(0),
        to_end=False,
        seconds=60,
        show_values=False,
        should_stop=lambda: seen >= 10,
        on_progress=progress,
    )
    assert (report.streams[0].records, report.held) == (10, 0)


def test_a_table_for_people_and_an_exit_code_for_scripts(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as raised:
        source.observe(output=OutputFormat.TABLE, fail_on_held=True)
    assert raised.value.exit_code == ExitCode.FINDINGS
    shown = capsys.readouterr().out
    for expected in ("would hold", "number.maximum", "200.0 of 1000 records"):
        assert expected in shown
    assert any(f"{source.topic}[{partition}]@40" in shown for partition in (0, 1)), "of the partition that came first"
    assert '{"id"' not in shown


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"contract": None}, "WM-OBSERVE-STREAM"),
        ({"start": "yesterday"}, "WM-OBSERVE-FROM"),
        ({"follow": True, "seconds": 1.0}, "WM-OBSERVE-HOW-LONG"),
        ({"contract": Path("/nowhere.odcs.yaml")}, "WM-CONTRACT-FILE"),
        ({"stream": "not-to-be-seen"}, "WM-KAFKA-DENIED-TOPIC"),
    ],
)
def test_what_cannot_be_observed_is_said(source: Source, change: dict[str, object], code: str) -> None:
    with pytest.raises(UsageFault) as raised:
        source.observe(**change)
    assert raised.value.code == code
