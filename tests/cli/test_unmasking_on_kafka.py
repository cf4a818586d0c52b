"""Masked values are shown to nobody of whom it is not written down first; Kafka's permissions say who may at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Producer
from tests.faults.test_operator_acls import Bureau

from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.cli import main
from watermaster.cli.errors import ExitCode
from watermaster.runtime.crash_points import VARIABLE, CrashPoint
from watermaster.runtime.topic_acl import AclRule, operator_acls, unmask_acls
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - {name: id, logicalType: integer, required: true, classification: restricted}
"""
CANARY = "4111222"
WHY = ("--why", "ticket 4711")


class Clerk:
    """A person with an operator's permissions, and what they get to see."""

    def __init__(self, bureau: Bureau, capfd: pytest.CaptureFixture[str]) -> None:
        self.bureau, self._capfd = bureau, capfd
        self.audit = f"{bureau.name}.audit"
        for principal in (bureau.name, "admin"):
            config = bureau.config.with_name(f"{principal}.yaml")
            document = yaml.safe_load(config.read_text())
            document["clusters"]["test"]["audit"] = self.audit
            config.write_text(yaml.safe_dump(document))
        bureau.hold(b'{"id":%s}' % CANARY.encode())
        self.grant(*operator_acls(bureau.gate))
        wait_until(lambda: self.run("groups")[0] == ExitCode.OK, "everything is allowed", timeout_s=60)

    def grant(self, *rules: AclRule) -> None:
        granted = KafkaTopicAdmin(self.bureau.cluster.client_config()).allow(f"User:{self.bureau.name}", rules)
        assert set(granted.values()) == {None}

    def run(self, *command: str, principal: str = "") -> tuple[int, str]:
        """Exit code, and all that was said."""
        self._capfd.readouterr()
        config = self.bureau.config.with_name(f"{principal or self.bureau.name}.yaml")
        code = main.execute(["quarantine", *command, "--config", str(config)])
        written = self._capfd.readouterr()
        return code, written.out + written.err

    def chain(self, code: int = ExitCode.OK) -> Any:
        """What is written down, as an administrator reads it."""
        got, written = self.run("unmasked", "--output", "json", principal="admin")
        assert got == code, written
        return json.loads(written)

    def start(self, *look: str, **environment: str) -> subprocess.Popen[str]:
        """The same in a process of its own."""
        command = [sys.executable, "-m", "watermaster", "quarantine", *look, "--unmask", *WHY]
        return subprocess.Popen(
            [*command, "--config", str(self.bureau.config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )


@pytest.fixture
def clerk(
    kafka_secured: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Clerk:
    return Clerk(Bureau(kafka_secured, fresh_name("clerk"), tmp_path, capfd, CONTRACT), capfd)


def test_nothing_is_shown_that_is_not_written_down_first(clerk: Clerk, tmp_path: Path) -> None:
    show = ("show", "0:0")
    # Denied: not asked for, no reason, no topic, no permission.
    assert CANARY not in clerk.run(*show)[1]
    refused = [clerk.run(*show, "--unmask"), clerk.run(*show, "--unmask", *WHY)]
    assert "not there, so nobody can unmask" in clerk.run("unmasked", principal="admin")[1]
    assert clerk.run("unmasked", "--yes", principal="admin")[0] == ExitCode.OK
    assert clerk.bureau.cluster.topic_configs(clerk.audit)["retention.ms"] == "-1"
    refused.append(clerk.run(*show, "--unmask", *WHY))
    file = tmp_path / "held.jsonl"
    refused.append(clerk.run("export", str(file), "--unmask", *WHY))
    assert all(code != ExitCode.OK and CANARY not in said for code, said in refused), refused
    assert not file.exists()
    assert clerk.chain()["count"] == 0
    # Allowed, and written down.
    clerk.grant(*unmask_acls(clerk.audit))
    wait_until(lambda: CANARY in clerk.run(*show, "--unmask", *WHY)[1], "the permission has reached the broker")
    (event,) = clerk.chain()["events"]
    assert (event["principal"], event["quarantine"]) == (f"User:{clerk.bureau.name}", clerk.bureau.name)
    assert (event["why"], event["record"].split()[3:6]) == ("ticket 4711", ["0", "0", "0"])
    assert clerk.run("export", str(file), "--unmask", "--rule", "old", *WHY)[0] == ExitCode.OK
    assert CANARY in json.loads(file.read_text())["value"]
    event = clerk.chain()["events"][-1]
    assert (event["number"], event["chosen"]["rules"]) == (2, ["old"])
    assert event["chosen"]["below"] == {clerk.bureau.stream.quarantine: [1]}
    assert CANARY not in json.dumps(clerk.chain()), "the events hold no value"


def test_killed_at_once_and_forged(clerk: Clerk, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    clerk.bureau.hold(b'{"id":%s,"text":"%s"}' % (CANARY.encode(), b"x" * 100_000))  # more than a file keeps in memory
    assert clerk.run("unmasked", "--yes", principal="admin")[0] == ExitCode.OK
    clerk.grant(*unmask_acls(clerk.audit))
    wait_until(lambda: CANARY in clerk.run("show", "0:0", "--unmask", *WHY)[1], "the permission has reached the broker")
    before = clerk.chain()["count"]
    looks = (("show", "0:0"), ("export", str(folder / "held.jsonl")))
    for look in looks:
        for point in (CrashPoint.AFTER_PRODUCE, CrashPoint.BEFORE_COMMIT, CrashPoint.AFTER_COMMIT):
            process = clerk.start(*look, **{VARIABLE: f"{point.value}:1"})
            said, _ = process.communicate(timeout=120)
            left = [path.read_text() for path in folder.rglob("*") if path.is_file()]
            assert (process.returncode, CANARY in said) == (-signal.SIGKILL, False), (look, point)
            assert CANARY not in "".join(left), (look, point)
    assert clerk.chain()["count"] == before + len(looks), "one of each died behind its commit"
    together = [clerk.start("show", "0:0") for _ in range(3)]
    for process in together:
        said, errors = process.communicate(timeout=180)
        assert (process.returncode, CANARY in said) == (0, True), errors
    chain = clerk.chain()
    assert [event["number"] for event in chain["events"]] == list(range(1, before + len(looks) + 4))
    assert chain["problems"] == []
    # Whoever writes there by hand is found out, and stops everybody.
    producer = Producer(clerk.bureau.cluster.client_config())
    producer.produce(clerk.audit, b"{}", b"99", partition=0)
    assert producer.flush(30) == 0
    assert "somebody else has written it" in clerk.chain(ExitCode.FINDINGS)["problems"][0]
    code, said = clerk.run("show", "0:0", "--unmask", *WHY)
    assert (code != ExitCode.OK, CANARY in said) == (True, False)
    assert "WM-UNMASK-CHAIN" in said
