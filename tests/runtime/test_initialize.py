"""`init` without a cluster: rows, choices, and files that our own readers accept."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.observers import FixedObserver, sample, topic

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.contract.document import read_contract
from watermaster.runtime.configuration import ClusterConfiguration, Environment
from watermaster.runtime.initialize import InitialLook, choose, plan_files, take_look, trusted_names
from watermaster.runtime.observed import TopicSample, Unseen
from watermaster.runtime.value_format import ValueFormat
from watermaster.stream.fault import UsageFault

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
