"""The whole demonstration, as a person starts it: in a process of its own, looked at from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from watermaster.stream.fault import UsageFault
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until
from watermaster.wiring import demo_cluster
from watermaster.wiring.demo_cluster import BrokerKind, DemoOrder, open_scene

RECORDS = 5_000
PATIENCE_S = 240.0


class Run:
    """A running `watermaster demo`; everything that it starts carries a mark in its environment."""

    MARK = "WATERMASTER_TEST_MARK"

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self._mark = uuid.uuid4().hex
        environment = {**os.environ, self.MARK: self._mark, "TMPDIR": str(directory)}
        command = [sys.executable, "-c", "from watermaster.cli.main import run; run()", "demo", *arguments]
        self.process = subprocess.Popen(
            command, env=environment, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self) -> tuple[int, str, str]:
        out, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, errors

    def left_over(self) -> dict[int, str]:
        """Processes that carry the mark and still live, with their command lines."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if f"{self.MARK}={self._mark}".encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, ValueError):
                continue
        return found

    def assert_nothing_is_left(self) -> None:
        wait_until(lambda: not self.left_over(), f"nothing of the demo lives on: {self.left_over()}", 30)
        assert list(self.directory.iterdir()) == []


@pytest.fixture
def started() -> Iterator[list[Run]]:
    runs: list[Run] = []
    yield runs
    for run in runs:
        run.process.kill()
        for number in run.left_over():
            os.kill(number, signal.SIGKILL)
        run.process.communicate()


def test_once_on_the_embedded_broker(tmp_path: Path, started: list[Run]) -> None:
    started.append(Run(tmp_path, "--once", "--records", str(RECORDS)))
    code, out, errors = started[0].finish()
    assert (code, errors) == (0, "")
    for words in (
        "embedded", "--kafka real", "activation 1", "The ledger closes", "$.tailnum:pattern", "One held record",
        "5\u202f000 compared byte for byte", "watermaster gate --observe", "Held records by what makes them fail",
        "What a replay would do", "still break $.tailnum:pattern",
    ):  # fmt: skip
        assert words in out
    started[0].assert_nothing_is_left()


def test_the_result_for_scripts(tmp_path: Path, started: list[Run]) -> None:
    started.append(Run(tmp_path, "--output", "json", "--records", str(RECORDS)))
    code, out, errors = started[0].finish()
    assert (code, errors) == (0, "")
    result = json.loads(out)
    total = result["total"]
    assert result["closed"] is True
    assert total["read"] == total["passed"] + total["held"] + total["dropped"] == RECORDS
    assert result["compared"] == RECORDS
    assert result["reasons"][0]["rule"] == "$.tailnum:pattern"
    assert sum(group["records"] for group in result["holds"]["groups"]) == total["held"]
    assert result["holds"]["dry_run"]["matched"] == result["holds"]["groups"][0]["records"]
    mending = result["holds"]["mending"]
    assert mending["matched"] == mending["replayed"] == mending["proved"] > 0
    assert (mending["group_open"], mending["closes"]) == (0, True)
    assert mending["held"] == mending["still_open"] + mending["replayed"] == total["held"]
    example = json.loads(result["example"]["value"])
    assert set(example) >= {"tailnum", "dep_time", "carrier"}


def test_ctrl_c_ends_everything_in_order(tmp_path: Path, started: list[Run]) -> None:
    run = Run(tmp_path, "--once")
    started.append(run)
    assert run.process.stdout is not None
    for line in run.process.stdout:
        if "Start the gate" in line:
            break
    run.process.send_signal(signal.SIGINT)
    code, _, errors = run.finish()
    assert code == 130, errors
    assert "Traceback" not in errors
    run.assert_nothing_is_left()


def test_the_broker_dies_with_a_killed_demo(tmp_path: Path, started: list[Run]) -> None:
    """Workers without a supervisor end by themselves, after the client's timeouts: the gate's own tests see to it."""

    def broker_lives() -> bool:
        return any("noida-db" in command for command in run.left_over().values())

    run = Run(tmp_path, "--once")
    started.append(run)
    assert run.process.stdout is not None
    for line in run.process.stdout:
        if "Start the gate" in line:
            break
    assert broker_lives()
    run.process.kill()
    wait_until(lambda: not broker_lives(), "the embedded broker is gone", 30)


@pytest.mark.kafka
def test_once_on_real_kafka(tmp_path: Path, started: list[Run]) -> None:
    started.append(Run(tmp_path, "--kafka", "real", "--once", "--records", str(RECORDS)))
    code, out, errors = started[0].finish()
    assert (code, errors) == (0, "")
    assert "Apache Kafka" in out
    assert "The ledger closes" in out
    started[0].assert_nothing_is_left()


def test_ones_own_cluster_is_asked_for_and_left_clean(
    kafka_secured: KafkaCluster, tmp_path: Path, started: list[Run]
) -> None:
    properties = kafka_secured.client_properties("admin", tmp_path / "client.properties")
    (tmp_path / "run").mkdir()

    def topics() -> set[str]:
        found = kafka_secured.admin().list_topics(timeout=10).topics
        return {name for name in found if name.startswith("watermaster-demo")}

    arguments = ["--bootstrap", kafka_secured.bootstrap, "--client-config", str(properties), "--records", "2000"]
    asked = Run(tmp_path / "run", *arguments)
    started.append(asked)
    code, out, errors = asked.finish()
    assert (code, errors) == (0, "")
    assert "Nothing was done" in out
    assert topics() == set()

    told = Run(tmp_path / "run", *arguments, "--yes")
    started.append(told)
    code, out, errors = told.finish()
    assert (code, errors) == (0, "")
    assert "The ledger closes" in out
    wait_until(lambda: topics() == set(), "the demo's topics are gone")
    told.assert_nothing_is_left()


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "word"),
    [
        (["--kafka", "imaginary"], {}, 2, "WM-USAGE"),
        (["--records", "0"], {}, 2, "WM-USAGE"),
        (["--bootstrap", "127.0.0.1:9"], {}, 3, "WM-KAFKA-UNREACHABLE"),
        (["--bootstrap", "kafka.example:9092"], {}, 2, "WM-SECURITY-PLAINTEXT"),
        ([], {"WATERMASTER_PACKAGE_INDEX": "http://127.0.0.1:9/simple"}, 3, "WM-PACKAGE-UNREACHABLE"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    tmp_path: Path,
    started: list[Run],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    code: int,
    word: str,
) -> None:
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    began_s = time.monotonic()
    started.append(Run(tmp_path / "run", "--once", *arguments))
    found, _, errors = started[0].finish()
    assert found == code
    assert word in errors
    assert "Traceback" not in errors
    assert time.monotonic() - began_s < 60
    started[0].assert_nothing_is_left()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from watermaster.adapters.broker import embedded
    from watermaster.cli.demo_audience import SilentAudience

    monkeypatch.setattr(embedded, "PACKAGE", "no_such_package")
    order = DemoOrder(BrokerKind.EMBEDDED, "https://unused.example")
    with (
        pytest.raises(UsageFault, match="WM-DEMO-EXTRA") as caught,
        open_scene(order, tmp_path, b"", SilentAudience(yes=False)),
    ):
        pass
    assert "pipx install 'watermaster[demo]'" in caught.value.hint


def test_a_gate_that_cannot_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics are there and no contract is in force: the worker's own fault comes out."""
    from watermaster.cli.demo_audience import SilentAudience
    from watermaster.stream.fault import Fault
    from watermaster.wiring.demo_gate import RunningGate

    order = DemoOrder(BrokerKind.EMBEDDED, "https://unused.example")
    with open_scene(order, tmp_path, b"", SilentAudience(yes=False)) as scene:
        demo_cluster.create_topics(scene)
        with RunningGate(scene) as gate, pytest.raises(Fault, match="WM-CONTRACT-NONE"):
            gate.wait_until_ready()
