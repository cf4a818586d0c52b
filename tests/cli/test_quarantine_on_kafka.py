"""`quarantine` as an operator uses it, on real Kafka: look, replay under each order policy, discard, and the ledger."""

from __future__ import annotations

import base64
import getpass
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests.faults.rig import GateRig

from watermaster.cli import main
from watermaster.cli.errors import ExitCode
from watermaster.stream.coordinates import decode_coordinates
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

GOOD = b'{"id":%d,"customer":"c-1","price":1}'
DEAR = b'{"id":%d,"customer":"c-1","price":1500}'
NAMELESS = b'{"id":%d,"customer":"nobody","price":1}'


class Operator:
    """Runs commands on a rig and reads their JSON."""

    def __init__(self, rig: GateRig, capfd: pytest.CaptureFixture[str]) -> None:
        self.rig, self._capfd = rig, capfd

    def run(self, *arguments: str, code: int = ExitCode.OK) -> Any:
        written = self.say(*arguments, "--output", "json", code=code)
        return json.loads(written) if written else None

    def say(self, *arguments: str, code: int = ExitCode.OK) -> str:
        self._capfd.readouterr()
        got = main.execute(["quarantine", *arguments, "--config", str(self.rig.config)])
        written = self._capfd.readouterr()
        assert got == code, written.err
        return written.out

    def states(self) -> Counter[str]:
        """How many records are in each state, by the ledger, which must close."""
        found: Counter[str] = Counter()
        for row in self.run("ledger"):
            assert row["closes"], row
            found.update({s: row[s] for s in ("open", "fixed", "replayed", "discarded", "expired") if row[s]})
        return found


def attempts(rig: GateRig, topic: str) -> Counter[int]:
    """How many records of each attempt a topic holds."""
    stamps = [dict(m.headers() or [])["__watermaster"] for m in read_topic(rig.cluster.client_config(), topic)]
    return Counter(place.attempt for place in map(decode_coordinates, stamps) if place is not None)


@pytest.fixture
def operator(kafka: KafkaCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str], request: Any) -> Operator:
    """Eight records are too dear (of one a newer version has passed), three name no customer; the rest has passed."""
    rig = GateRig(kafka, tmp_path, "operator", partitions=2)
    rig.write_contract("1.0.0", budget=1.0)
    rig.activate()
    for number in range(7):
        rig.produce_one(DEAR % number, key=b"dear-%d" % number, partition=number % 2)
    rig.produce_one(DEAR % 7, key=b"twice")
    for number in range(3):
        rig.produce_one(NAMELESS % (10 + number), key=b"nameless")
    rig.produce_one(GOOD % 20, key=b"twice")
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    return Operator(rig, capfd)


def discard_in_production(operator: Operator, group: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """One person names the environment and asks, another one approves; who that was."""
    document = yaml.safe_load(operator.rig.config.read_text())
    document["clusters"]["test"]["environment"] = "production"
    operator.rig.config.write_text(yaml.safe_dump(document))
    discard = ("discard", "--group", group, "--why", "a test of the source")
    operator.run(*discard, "--yes", code=ExitCode.USAGE)
    asked = operator.run(*discard, "--yes", "--environment", "production")
    assert (asked["done"], asked["plans"][0]["matched"]) == (None, 3)
    (waiting,) = operator.run("approve")
    assert waiting["id"] == asked["request"]
    approve = ("approve", asked["request"], "--yes", "--environment", "production")
    operator.run(*approve, code=ExitCode.USAGE)  # the one who asked
    monkeypatch.setattr(getpass, "getuser", lambda: "ben")
    assert operator.run(*approve)["done"]["fates"] == {"chosen": 3}
    assert operator.run("approve") == []
    return "User:ANONYMOUS (ben)"


def test_a_day_of_an_operator(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    rig, run = operator.rig, operator.run
    # Look.
    looked = run("groups")
    dear, nameless = looked["groups"]
    (horizon,) = looked["horizons"]
    assert (horizon["open"], horizon["known"], horizon["at_ms"] > rig.began_ms) == (11, True, True)
    assert (dear["records"], nameless["records"]) == (8, 3)
    assert "cheap-enough" not in dear["title"]
    table = operator.say("groups")
    assert dear["group"][:8] in table
    assert "retention deletes none of the 11 open records" in table
    first = run("list", "--limit", "6")
    second = run("list", "--limit", "6", "--after", first["after"])
    seen = [(r["coordinates"]["partition"], r["coordinates"]["offset"]) for r in first["records"] + second["records"]]
    assert len(seen) == len(set(seen)) == 11
    assert second["after"] is None
    whole = run("show", "0:0")
    assert base64.b64decode(whole["record"]["value"]) == DEAR % 0
    assert "cheap-enough" in whole["lines"][0]["notes"][0]
    assert "▲ $.customer:pattern" in operator.say("show", "0:5")
    run("show", "0:99", code=ExitCode.USAGE)
    for name in ("held.jsonl", "held.parquet"):
        file = rig.directory / name
        assert run("export", str(file)) == {"file": str(file), "records": 11}
        assert file.stat().st_mode & 0o777 == 0o600
        run("export", str(file), code=ExitCode.USAGE)
    lines = [json.loads(line) for line in (rig.directory / "held.jsonl").read_text().splitlines()]
    assert (lines[0]["value"], lines[0]["rules"], lines[0]["masked"]) == ((DEAR % 0).decode(), ["cheap-enough"], False)
    with duckdb.connect() as database:
        rows = database.execute(f"FROM read_parquet('{rig.directory}/held.parquet')").fetchall()
        names = [column[0] for column in database.description]
    assert [dict(zip(names, row, strict=True)) for row in rows] == lines
    assert run("export", str(rig.directory / "few.jsonl"), "--rule", "cheap-enough")["records"] == 8
    assert not list(rig.directory.glob(".export-*")), "nothing is left behind"
    assert {r["group"] for r in run("list", "--rule", "cheap-enough")["records"]} == {dear["group"]}
    assert operator.states() == {"open": 11}
    # Nothing is done unless it is asked for, and nothing is chosen by default.
    run("replay", code=ExitCode.USAGE)
    (plan,) = run("replay", "--all")["plans"]
    assert (plan["matched"], plan["fates"]) == (11, {"fails": 11})
    # The guard against loops.
    failed = run("replay", "--group", nameless["group"], "--yes", "--attempts-max", "1")
    assert failed["done"]["fates"] == {"fails": 3}
    assert failed["plans"][0]["matched"] == 3, "the plan is shown with what was done"
    again = run("replay", "--group", nameless["group"], "--yes", "--attempts-max", "1")
    assert again["done"]["fates"] == {"exhausted": 3}
    # Another contract lets the dear ones pass; of one key something newer is downstream already.
    rig.write_contract("1.1.0", price_max=2_000, budget=1.0)
    rig.activate()
    (plan,) = run("replay", "--rule", "cheap-enough")["plans"]
    assert (plan["fates"], plan["stale"]) == ({"passes": 8}, 1)
    assert "newer record" in operator.say("replay", "--rule", "cheap-enough")
    skipped = run("replay", "--rule", "cheap-enough", "--partition", "0", "--order", "skip", "--yes", "--rate", "100")
    assert skipped["done"]["fates"] == {"passes": 4, "stale": 1}
    # A repair topic: none of the gate's own, and wide enough.
    for topic in (rig.landing, f"{rig.name}.nowhere", rig.cluster.create_topic(f"{rig.name}.narrow", 1)):
        run("replay", "--all", "--order", "repair", "--repair-topic", topic, "--yes", code=ExitCode.USAGE)
    repair = rig.cluster.create_topic(f"{rig.name}.repair", 2)
    stale = run(
        "replay", "--rule", "cheap-enough", "--partition", "0", "--order", "repair", "--repair-topic", repair, "--yes"
    )
    assert stale["done"]["fates"] == {"passes": 1}
    assert run("replay", "--rule", "cheap-enough", "--yes")["done"]["fates"] == {"passes": 3}
    assert attempts(rig, repair) == {1: 1}
    assert attempts(rig, rig.trusted) == {0: 1, 1: 7}
    # Given up, with a reason.
    run("discard", "--group", nameless["group"], "--yes", code=ExitCode.USAGE)
    approved_by = discard_in_production(operator, nameless["group"], monkeypatch)
    (discarded, *_) = run("list", "--state", "discarded")["records"]
    assert discarded["hold"]["why"] == "a test of the source"
    assert discarded["hold"]["by"]["principal"] == "User:ANONYMOUS"
    assert discarded["hold"]["by"]["approved_by"] == approved_by
    assert operator.states() == {"replayed": 8, "discarded": 3}
    assert run("groups") == {"groups": [], "horizons": [], "from_index": False}
    rig.assert_proved()
