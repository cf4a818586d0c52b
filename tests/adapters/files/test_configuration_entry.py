"""An adopted quarantine in `watermaster.yaml`: read, refused where it contradicts, added beside what people wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from watermaster.adapters.files.configuration_entry import add_quarantine
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.quarantine.letter import Dialect, PlainMapping
from watermaster.runtime.configuration import QuarantineConfiguration, SourceConfiguration
from watermaster.stream.fault import UsageFault

BASE = """\
# the shop
clusters: {primary: {bootstrap: "localhost:9092"}}
gates:
  orders:
    cluster: primary
    streams:
      - {landing: orders.landing, trusted: orders, contract: orders.odcs.yaml}  # since 2024
"""
SINK = QuarantineConfiguration(
    "sink", "primary", "dlq-sink", (SourceConfiguration("orders", "orders.sink.retry"),), Dialect.CONNECT
)
PLAIN = QuarantineConfiguration(
    "legacy",
    "primary",
    "errors",
    (SourceConfiguration("payments", "payments.retry", "payments.odcs.yaml"),),
    mapping=PlainMapping(topic="src", offset="o", names={"why": "ours"}),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "watermaster.yaml"
    path.write_text(BASE)
    return path


def test_entries_are_added_and_everything_else_stays(file: Path) -> None:
    add_quarantine(file, SINK)
    add_quarantine(file, PLAIN)
    assert dict(load_configuration(file).quarantines) == {"sink": SINK, "legacy": PLAIN}
    assert file.read_text().startswith(BASE)
    assert list(file.parent.iterdir()) == [file], "nothing is left behind"


@pytest.mark.parametrize(
    "there",
    [
        "quarantines: # by hand\n    legacy:\n        {cluster: primary, topic: errors}\n",
        "quarantines:\n\n  # why\n  legacy: {cluster: primary, topic: errors}",
    ],
)
def test_the_indentation_that_is_there_is_kept(file: Path, there: str) -> None:
    file.write_text(BASE + there)
    add_quarantine(file, SINK)
    assert load_configuration(file).quarantines["sink"] == SINK


def test_a_file_that_it_cannot_be_added_to_stays_as_it_is(file: Path) -> None:
    file.write_text(BASE + "quarantines: {legacy: {cluster: primary, topic: errors}}\n")
    before = file.read_bytes()
    with pytest.raises(UsageFault):
        add_quarantine(file, SINK)
    assert file.read_bytes() == before


ENTRY = """\
quarantines:
  q:
    cluster: {cluster}
    topic: {topic}
    sources: [{{topic: {source}, target: {target}{more}}}]
"""


@pytest.mark.parametrize(
    ("changed", "code", "line"),
    [
        ({"cluster": "nowhere"}, "WM-CONFIG-CLUSTER", 10),
        ({"topic": "dlq.orders.landing"}, "WM-CONFIG-TOPIC-ROLE", 11),
        ({"target": "payments"}, "WM-CONFIG-TOPIC-ROLE", 12),
        ({"target": "letters"}, "WM-CONFIG-TOPIC-ROLE", 12),
        ({"target": "orders.landing"}, "WM-CONFIG-TOPIC-ROLE", 12),
        ({"target": "watermaster.control"}, "WM-CONFIG-TOPIC-ROLE", 12),
        ({"source": "orders", "more": ", contract: a.odcs.yaml"}, "WM-CONFIG-CONTRACT-TWICE", 12),
        ({"more": ", contract: ../a.odcs.yaml"}, "WM-CONFIG-CONTRACT-PATH", 12),
        ({"more": ", contrct: a"}, "WM-CONFIG-KEY", 12),
    ],
)
def test_a_contradiction_is_refused_with_its_line(file: Path, changed: dict[str, str], code: str, line: int) -> None:
    said = {"cluster": "primary", "topic": "letters", "source": "payments", "target": "retry", "more": "", **changed}
    file.write_text(BASE + ENTRY.format(**said))
    with pytest.raises(UsageFault) as raised:
        load_configuration(file)
    assert raised.value.code == code
    assert f"watermaster.yaml:{line}:" in raised.value.message


def test_two_that_share_a_topic_or_a_name_are_refused(file: Path) -> None:
    twice = "quarantines:\n  a: {cluster: primary, topic: letters}\n  b: {cluster: primary, topic: letters}\n"
    for text in (twice, twice.replace("  a:", "  orders:").replace("b: {cluster: primary, topic: letters}", "")):
        file.write_text(BASE + text)
        with pytest.raises(UsageFault):
            load_configuration(file)
