"""`gate topics` as a person runs it: plan, refusal for production, doing, and nothing left to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
import yaml

from watermaster.cli import gate_topics
from watermaster.cli.errors import ExitCode
from watermaster.stream.fault import UsageFault
from watermaster.testing.kafka import KafkaCluster

pytestmark = pytest.mark.kafka


class Desk:
    """A configuration with one gate, and the command."""

    def __init__(self, cluster: KafkaCluster, name: str, directory: Path) -> None:
        self.cluster, self.name, self.directory = cluster, name, directory
        self.landing = cluster.create_topic(f"{name}.in", 2)
        self.config = directory / "watermaster.yaml"
        self.configure("development")

    def configure(self, environment: str, principal: str = "admin") -> None:
        properties = self.cluster.client_properties(principal, self.directory / f"{principal}.properties")
        stream = {"landing": self.landing, "trusted": f"{self.name}.out", "contract": "c.odcs.yaml"}
        cluster = {"bootstrap": self.cluster.bootstrap, "environment": environment, "client_config": str(properties)}
        gate = {"cluster": "main", "control": f"{self.name}.control", "streams": [stream]}
        self.config.write_text(yaml.safe_dump({"clusters": {"main": cluster}, "gates": {self.name: gate}}))

    def run(self, *arguments: str) -> int:
        app = typer.Typer()
        app.callback()(lambda: None)
        gate_topics.register(app)
        command = typer.main.get_command(app)
        result = command.main(["topics", "--config", str(self.config), *arguments], standalone_mode=False)
        return result if isinstance(result, int) else 0


@pytest.fixture
def desk(kafka_secured: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path) -> Desk:
    return Desk(kafka_secured, fresh_name("g"), tmp_path)


def test_a_plan_changes_nothing_and_yes_carries_it_out_once(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run() == ExitCode.OK
    plan = capsys.readouterr().out
    assert f"create {desk.name}.out (2 partitions, 1 copies" in plan
    assert "read_uncommitted" in plan
    who = f"User:{desk.name}"
    assert desk.run("--yes", "--with-acls", "--principal", who) == ExitCode.OK
    done = capsys.readouterr().out
    assert done.count("done: create") == 5
    assert done.count(f"done: allow {who}") == 8
    assert desk.run("--yes", "--with-acls", "--principal", who) == ExitCode.OK
    assert "Nothing to do" in capsys.readouterr().out
    assert desk.run("--principal", who, "--output", "json") == ExitCode.OK
    plan = json.loads(capsys.readouterr().out)
    assert (plan["actions"], plan["acls"]["missing"]) == ([], [])


def test_production_is_changed_only_by_who_names_it(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.configure("production")
    for arguments in (("--yes",), ("--yes", "--environment", "staging")):
        with pytest.raises(UsageFault) as raised:
            desk.run(*arguments)
        assert raised.value.code == "WM-ENVIRONMENT"
    assert "done" not in capsys.readouterr().out
    assert desk.run("--yes", "--environment", "production") == ExitCode.OK
    assert capsys.readouterr().out.count("done: create") == 5


def test_who_may_not_create_is_told_to_hand_it_over(
    desk: Desk, fresh_name: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    user = fresh_name("little")
    desk.cluster.add_user(user)
    for topic in (desk.landing, f"{desk.name}.out", f"dlq.{desk.landing}"):
        desk.cluster.allow(user, "DESCRIBE", "TOPIC", topic)
    desk.configure("development", user)
    assert desk.run("--yes") == ExitCode.FINDINGS
    shown = capsys.readouterr().out
    assert f"FAILED: create {desk.name}.out" in shown
    assert "--format commands" in shown
    assert "could not see the settings of" in shown


@pytest.mark.parametrize(("form", "begins"), [("commands", "kafka-topics.sh "), ("strimzi", "---\napiVersion: ")])
def test_text_for_other_tools_stands_alone_on_standard_output(
    desk: Desk, form: str, begins: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.run(desk.name, "--format", form) == ExitCode.OK
    written = capsys.readouterr()
    assert written.out.startswith(begins)
    assert "note:" not in written.out
    assert "# note:" in written.err
