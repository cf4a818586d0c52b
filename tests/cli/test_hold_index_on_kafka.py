"""`quarantine groups` and `list` say from the index what they say from the topics, on real Kafka."""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.faults.rig import GateRig

from watermaster.adapters.database.engine import FILE
from watermaster.cli import main
from watermaster.cli.errors import ExitCode
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.port import reserve_port
from watermaster.testing.waiting import wait_until
from watermaster.wiring.incidents import run_monitor

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

DEAR = b'{"id":%d,"customer":"c-1","price":1500}'
NAMELESS = b'{"id":%d,"customer":"nobody","price":1}'


class Desk:
    """Commands over one cluster, with an index and without."""

    def __init__(self, rig: GateRig, capfd: pytest.CaptureFixture[str]) -> None:
        self.rig, self._capfd = rig, capfd
        self.beside = ""
        document = yaml.safe_load(rig.config.read_text())
        document["state_directory"] = "without"
        self.without = rig.directory / "without.yaml"
        self.without.write_text(yaml.safe_dump(document))

    def run(self, *arguments: str, config: Path | None = None, code: int = ExitCode.OK) -> Any:
        self._capfd.readouterr()
        got = main.execute(["quarantine", *arguments, "--config", str(config or self.rig.config), "--output", "json"])
        written = self._capfd.readouterr()
        assert got == code, written.err
        self.beside = written.err
        return json.loads(written.out) if written.out else None

    def both(self, *arguments: str) -> Any:
        """The answer of the index, which must be that of the topics."""
        told, read = self.run(*arguments), self.run(*arguments, config=self.without)
        assert (told.pop("from_index"), read.pop("from_index")) == (True, False)
        assert told == read
        return told


@pytest.fixture
def desk(kafka: KafkaCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str], request: Any) -> Desk:
    """Eight records are too dear, three name no customer."""
    rig = GateRig(kafka, tmp_path, f"index{len(request.node.name)}", partitions=2)
    rig.write_contract("1.0.0", budget=1.0)
    rig.activate()
    for number in range(8):
        rig.produce_one(DEAR % number, key=b"dear-%d" % number, partition=number % 2)
    for number in range(3):
        rig.produce_one(NAMELESS % (10 + number), key=b"nameless")
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    return Desk(rig, capfd)


def test_an_index_answers_as_the_topics_do(desk: Desk) -> None:
    rig = desk.rig
    assert desk.run("groups")["from_index"] is False
    assert not (rig.directory / "state" / "watermaster.db").exists(), "who only looks makes no database"
    rebuilt = desk.run("adopt", "--rebuild")
    assert (rebuilt["name"], rebuilt["records"]) == (rig.name, {rig.quarantine: 11})
    dear, nameless = desk.both("groups")["groups"]
    assert (dear["records"], nameless["records"]) == (8, 3)
    first = desk.both("list", "--limit", "6")
    second = desk.both("list", "--limit", "6", "--after", first["after"])
    assert len(first["records"] + second["records"]) == 11
    assert second["after"] is None
    whole = desk.run("show", "0:0")
    assert whole == desk.run("show", "0:0", config=desk.without)
    assert base64.b64decode(whole["record"]["value"]) == DEAR % 0
    desk.run("show", "0:99", code=ExitCode.USAGE)
    desk.run("discard", "--group", nameless["group"], "--why", "a test", "--yes")
    assert len(desk.both("list")["records"]) == 8
    discarded = desk.both("list", "--state", "discarded", "--rule", "$.customer:pattern")["records"]
    assert {record["hold"]["why"] for record in discarded} == {"a test"}
    rig.write_contract("1.1.0", price_max=2_000, budget=1.0)
    rig.activate()
    desk.run("replay", "--partition", "1", "--yes")
    assert desk.both("groups", "--state", "replayed")["groups"][0]["records"] == 4
    assert [group["records"] for group in desk.both("groups")["groups"]] == [4]


def test_a_quarantine_that_is_made_anew_is_read_anew_and_that_is_said(desk: Desk) -> None:
    rig = desk.rig
    desk.run("adopt", rig.name, "--rebuild")
    rig.cluster.delete_topic(rig.quarantine)
    rig.cluster.create_topic(rig.quarantine, rig.partitions)
    assert desk.both("groups")["groups"] == []
    assert f"{rig.quarantine} was made anew" not in desk.beside, "the look without an index says nothing of one"
    desk.run("list")
    assert desk.beside == ""
    rig.cluster.delete_topic(rig.quarantine)
    rig.cluster.create_topic(rig.quarantine, rig.partitions)
    desk.run("list")
    assert f"{rig.quarantine} was made anew" in desk.beside


def in_database(desk: Desk, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """The configuration names a database by a variable."""
    document = yaml.safe_load(desk.rig.config.read_text())
    document["database"] = "${env:WM_DATABASE_OF_THE_TEST}"
    desk.rig.config.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("WM_DATABASE_OF_THE_TEST", address)


def test_of_a_team_an_index_is_kept_without_being_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, postgres: str
) -> None:
    in_database(desk, monkeypatch, postgres)
    assert len(desk.both("groups")["groups"]) == 2
    assert desk.both("list", "--limit", "11")["after"] is not None


def test_without_its_database_the_topics_are_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    in_database(desk, monkeypatch, "postgresql://nobody@127.0.0.1:1/none")
    looked = desk.run("groups")
    assert (looked["from_index"], len(looked["groups"])) == (False, 2)
    assert "The topics are read instead." in desk.beside


def test_a_monitor_keeps_up_an_index_that_is_there(desk: Desk) -> None:
    rig = desk.rig
    document, port = yaml.safe_load(rig.config.read_text()), reserve_port()
    document["monitor"] = {"listen": f"127.0.0.1:{port.number}", "poll_ms": 500}
    rig.config.write_text(yaml.safe_dump(document))
    desk.run("adopt", "--rebuild")

    def indexed() -> int:
        with closing(sqlite3.connect(rig.directory / "state" / FILE)) as database:
            return int(database.execute("SELECT count(*) FROM held").fetchone()[0])

    assert indexed() == 11
    ended = threading.Event()
    watching = threading.Thread(target=run_monitor, args=(rig.config, ended.is_set, lambda _: None, ended.wait))
    watching.start()
    try:
        rig.produce_one(DEAR % 99)
        rig.start()
        rig.wait_until_drained()
        wait_until(lambda: indexed() == 12, "the monitor has indexed what is held", 120)
    finally:
        ended.set()
        watching.join()
        port.release()
    assert rig.stop() == 0
    desk.both("groups")
