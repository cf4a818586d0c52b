"""`init` without a cluster: rows, choices, and files that our own readers accept."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.observers import FixedObserver, sample, topic
from tests.runtime.schema_world import DOWN, JSON_ID, LONG_ID, PROTOBUF_ID, avro, frame, order, registry, shelf_of

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.memory.registry import MemoryRegistry
from watermaster.contract.checks import Encoding
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.gate.schema import Schema, SchemaId
from watermaster.runtime.configuration import ClusterConfiguration, Environment
from watermaster.runtime.contract_inference import Learning, SampleBlock, Written
from watermaster.runtime.initial_registry import ASKING_S_MAX, BriefRegistry, RegistryReads
from watermaster.runtime.initialize import (
    FAULTS_MAX,
    RECORDS_PER_TOPIC,
    InitialLook,
    Learnt,
    choose,
    plan_files,
    take_look,
    trusted_names,
)
from watermaster.runtime.observed import SampledRecord, TopicSample, Unseen
from watermaster.runtime.value_format import ValueFormat
from watermaster.stream.fault import UsageFault, WorldFault

DENIED = Unseen("records of topic secret", "not allowed.", "WM-KAFKA-DENIED-TOPIC")


def look() -> InitialLook:
    observer = FixedObserver(
        [
            topic("orders.landing", (0, 10), (5, 10)),
            topic("clicks", (0, 1)),
            topic("words", (0, 1)),
            topic("quiet", (3, 3)),
            topic("secret", (0, 1)),
            topic("blind", (None, None)),
            topic("__consumer_offsets", (0, 5)),
            topic("evil\n    - x", (0, 1)),
        ],
        samples=[
            sample("orders.landing", b'{"id": 1}', b'{"id": 2, "note": "x"}'),
            sample("clicks", b'{"a": 1}'),
            sample("words", b"hello"),
            sample("evil\n    - x", b"{}"),
            TopicSample("secret", unseen=DENIED),
        ],
    )
    return take_look(observer)


def test_rows() -> None:
    rows = {row.topic: row for row in look().rows}
    assert {name: row.guess.format for name, row in rows.items()} == {
        "orders.landing": ValueFormat.JSON,
        "clicks": ValueFormat.JSON,
        "words": ValueFormat.TEXT,
        "quiet": ValueFormat.EMPTY,
        "secret": ValueFormat.UNREADABLE,
        "blind": ValueFormat.UNREADABLE,
        "__consumer_offsets": ValueFormat.INTERNAL,
        "evil\n    - x": ValueFormat.JSON,
    }
    assert rows["orders.landing"].records == 15
    assert rows["orders.landing"].estimated_bytes == round(15 * (9 + 22) / 2)
    assert rows["secret"].unseen == DENIED
    assert [row.topic for row in look().enforceable] == ["clicks", "orders.landing"]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("nope", "does not exist"),
        ("words", "look like: text"),
        ("secret", "not allowed"),
        ("evil\n    - x", "look like"),
    ],
)
def test_a_choice_that_cannot_be_taken_says_why(wanted: str, reason: str) -> None:
    with pytest.raises(UsageFault, match=reason) as caught:
        choose(look(), [wanted])
    assert caught.value.code == "WM-INIT-STREAM"


def test_a_choice_twice_is_one() -> None:
    assert choose(look(), ["clicks", "clicks"]) == ("clicks",)


@pytest.mark.parametrize("topics", [(), ("clicks",), ("orders.landing", "clicks")])
def test_files_are_read_back(tmp_path: Path, topics: tuple[str, ...]) -> None:
    cluster = ClusterConfiguration("primary", "k:1,[::1]:2", Environment.PRODUCTION, allow_plaintext=True)
    files = plan_files(look(), cluster, "client.properties", topics)
    path = tmp_path / "watermaster.yaml"
    path.write_text(files.texts["watermaster.yaml"])
    configuration = load_configuration(path, {})
    read = configuration.clusters["primary"]
    assert (read.bootstrap, read.environment, read.allow_plaintext) == ("k:1,[::1]:2", Environment.PRODUCTION, True)
    assert read.client_config == tmp_path / "client.properties"
    streams = [stream for gate in configuration.gates.values() for stream in gate.streams]
    assert tuple(stream.landing for stream in streams) == topics
    for stream in streams:
        text = files.texts[f"contracts/{stream.contract}"]
        assert read_contract(text.encode(), stream.contract).problems == ()
    assert len(files.texts) == 1 + len(topics)


@pytest.mark.parametrize(
    ("topics", "existing", "trusted"),
    [
        (["orders.landing"], [], ["orders"]),
        (["orders"], ["orders"], ["orders.trusted"]),
        (["a_raw", ".raw"], [], ["a", ".raw.trusted"]),
        (["orders.landing"], ["orders"], ["orders.landing.trusted"]),
        (["a.raw", "a.landing"], [], ["a", "a.landing.trusted"]),
        (["a", "a.trusted"], ["a", "a.trusted"], ["a.trusted.trusted", "a.trusted.trusted.trusted"]),
    ],
)
def test_trusted_names_are_nobodys_yet(topics: list[str], existing: list[str], trusted: list[str]) -> None:
    assert list(trusted_names(topics, existing).values()) == trusted


def framed_look(known: MemoryRegistry | None) -> InitialLook:
    """Topics of every framed kind, with a registry or without."""
    samples = [
        sample("avro.landing", order(1), order(2, "x")),
        sample("framed", frame(JSON_ID, b'{"a": 1}')),
        sample("proto", frame(PROTOBUF_ID, b"\0\x08\x01")),
        sample("lost", frame(77, b"\x06abc")),
        sample("plain", b'{"a": 1}'),
        sample("dlq.x", order(1)),
    ]
    (_, value) = keyed = (avro(LONG_ID, "long", 7), b'{"id": 7}')
    samples.append(TopicSample("keyed", (SampledRecord(0, 0, 0, *keyed, None, len(value)),)))
    observer = FixedObserver([topic(each.topic, (0, len(each.records))) for each in samples], samples=samples)
    return take_look(observer) if known is None else take_look(observer, RegistryReads(shelf_of(known)))


def test_a_registry_tells_how_topics_are_written() -> None:
    rows = {row.topic: row for row in framed_look(registry()).rows}
    assert {name: row.written for name, row in rows.items()} == {
        "avro.landing": Written(Encoding.AVRO),
        "framed": Written(Encoding.JSON_SCHEMA),
        "keyed": Written(Encoding.JSON, Encoding.AVRO),
        "plain": Written(),
        "proto": None,
        "lost": None,
        "dlq.x": None,
    }
    codes = {name: row.unseen.code for name, row in rows.items() if row.unseen}
    assert codes == {"proto": "WM-SCHEMA-KIND", "lost": "WM-SCHEMA-UNKNOWN"}


def test_without_a_registry_framed_topics_are_named_and_its_option_is() -> None:
    look = framed_look(None)
    assert [row.topic for row in look.enforceable] == ["keyed", "plain"]
    assert look.framed == 4
    with pytest.raises(UsageFault) as caught:
        choose(look, ["avro.landing"])
    assert "--registry" in caught.value.hint
    with pytest.raises(UsageFault, match="registry does not know"):
        choose(framed_look(registry()), ["lost"])


def test_a_registry_that_is_down_takes_no_other_topic_with_it() -> None:
    down = registry()
    down.fault = DOWN
    look = framed_look(down)
    assert [row.topic for row in look.enforceable] == ["keyed", "plain"]
    codes = {row.topic: row.unseen.code for row in look.rows if row.unseen}
    assert codes == dict.fromkeys(("avro.landing", "framed", "proto", "lost"), DOWN.code)


def test_framed_topics_are_written_with_their_registry(tmp_path: Path) -> None:
    topics = ("avro.landing", "framed", "keyed", "plain")
    cluster = ClusterConfiguration("primary", "k:1")
    settings = {"url": "https://registry:8081/a b", "user": "no", "password_file": "r.password", "timeout_ms": 900}
    files = plan_files(framed_look(registry()), cluster, None, topics, registry=settings)
    path = tmp_path / "watermaster.yaml"
    path.write_text(files.texts["watermaster.yaml"])
    configuration = load_configuration(path, {})
    assert configuration.clusters["primary"].registry == "main"
    read = configuration.registries["main"]
    assert (read.url, read.user, read.timeout_ms) == ("https://registry:8081/a b", "no", 900)
    assert read.password_file == tmp_path / "r.password"
    drafted = {}
    for stream in configuration.gates["main"].streams:
        compiled = compile_contract(read_contract(files.texts[f"contracts/{stream.contract}"].encode(), "c"))
        assert compiled.problems == ()
        drafted[stream.landing] = Written(compiled.checks[0].encoding, compiled.checks[0].key.encoding)
    assert drafted == {
        "avro.landing": Written(Encoding.AVRO),
        "framed": Written(Encoding.JSON_SCHEMA),
        "keyed": Written(Encoding.JSON, Encoding.AVRO),
        "plain": Written(),
    }
    assert "# encoding: json, key.encoding: avro" in files.texts["watermaster.yaml"]


def full_look(*names: str) -> InitialLook:
    """Topics of which there is more than the look saw."""
    values = [b'{"id": 1}'] * RECORDS_PER_TOPIC
    topics = [topic(name, (0, 1000)) for name in names]
    return take_look(FixedObserver(topics, samples=[sample(name, *values) for name in names]))


def test_a_topic_that_cannot_be_read_on_is_drafted_from_the_look() -> None:
    learning = Learning()
    learning.take(SampleBlock([b'{"more": 1}'] * 50))

    def learn(name: str) -> Learnt:
        if name == "b":
            raise DOWN
        return Learnt(learning.summary, Written())

    files = plan_files(full_look("a", "b", "c"), ClusterConfiguration("c", "k:1"), None, ("a", "b", "c"), learn)
    assert "from 50 records" in files.texts["contracts/a.trusted.odcs.yaml"]
    assert f"from {RECORDS_PER_TOPIC} records" in files.texts["contracts/b.trusted.odcs.yaml"]
    assert "from 50 records" in files.texts["contracts/c.trusted.odcs.yaml"]
    assert files.remarks == (f"b: drafted from {RECORDS_PER_TOPIC} records: {DOWN.message}",)


def test_a_cluster_that_goes_away_while_topics_are_read_is_a_fault() -> None:
    asked = []

    def learn(name: str) -> Learnt:
        asked.append(name)
        raise DOWN

    with pytest.raises(WorldFault):
        plan_files(full_look(*"abcd"), ClusterConfiguration("c", "k:1"), None, tuple("abcd"), learn)
    assert len(asked) == FAULTS_MAX


class SlowRegistry:
    """Implements `SchemaRegistry`: every question takes five seconds."""

    def __init__(self, clock: MemoryClock, fault: WorldFault | None) -> None:
        self._clock = clock
        self._fault = fault
        self.asked = 0

    def schema(self, schema_id: SchemaId) -> Schema | None:
        self.asked += 1
        self._clock.sleep(5)
        if self._fault is not None:
            raise self._fault
        return None


@pytest.mark.parametrize(("fault", "code"), [(None, "WM-REGISTRY-SLOW"), (DOWN, DOWN.code)])
def test_a_slow_registry_is_not_asked_for_long(fault: WorldFault | None, code: str) -> None:
    clock = MemoryClock()
    slow = SlowRegistry(clock, fault)
    brief = BriefRegistry(slow, clock)
    codes = set()
    for number in range(1, 200):
        try:
            brief.schema(number)
        except WorldFault as raised:
            codes.add(raised.code)
    assert slow.asked == ASKING_S_MAX / 5
    assert codes == {code}
