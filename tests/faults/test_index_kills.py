"""Real processes that index held records are killed at each point and at any moment: each fact is there once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.faults.rig import GateRig

from watermaster.runtime.crash_points import VARIABLE, CrashPoint
from watermaster.testing.kafka import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

POINTS = (CrashPoint.AFTER_POLL, CrashPoint.BEFORE_COMMIT, CrashPoint.AFTER_COMMIT)
HELD = 9_000
KILLS = 6


def command(config: Path, *arguments: str) -> list[str]:
    return [
        sys.executable, "-m", "watermaster", "quarantine", *arguments, "--config", str(config), "--output", "json"
    ]  # fmt: skip


def answer(config: Path, *arguments: str, **environment: str) -> Any:
    done = subprocess.run(
        command(config, *arguments), capture_output=True, text=True, timeout=180, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_index(rig: GateRig) -> Path:
    """The same gate for who has no database."""
    document = yaml.safe_load(rig.config.read_text())
    document["state_directory"] = "without"
    config = rig.directory / "without.yaml"
    config.write_text(yaml.safe_dump(document))
    return config


def die_at(rig: GateRig, point: CrashPoint, nth: int, *arguments: str) -> None:
    died = subprocess.run(
        command(rig.config, *arguments), capture_output=True, text=True, timeout=180, check=False,
        env={**os.environ, VARIABLE: f"{point.value}:{nth}"},
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, (point, died.stderr)


def assert_the_index_says_what_the_topics_say(rig: GateRig, states: list[str]) -> None:
    config = without_index(rig)
    wanted = [argument for state in states for argument in ("--state", state)]
    for asked in (["groups", *wanted], ["list", *wanted, "--limit", "10000"]):
        told, read = answer(rig.config, *asked), answer(config, *asked)
        assert (told.pop("from_index"), read.pop("from_index")) == (True, False)
        assert told == read


def test_processes_that_index_are_killed_and_each_fact_is_there_once(kafka: KafkaCluster, tmp_path: Path) -> None:
    rig = GateRig(kafka, tmp_path, "indexkills")
    rig.write_contract("1.0.0", budget=1.0)
    rig.activate()
    rig.produce(HELD, bad_share=1.0)
    rig.start()
    rig.wait_until_drained()
    for nth, point in enumerate(POINTS, 1):
        die_at(rig, point, nth, "adopt", "--rebuild")
        die_at(rig, point, 1, "groups")
    chance = random.Random(7)
    processes: list[subprocess.Popen[bytes]] = []
    for _ in range(KILLS):  # two at a time over one database, while more is held
        rig.produce(1_000, bad_share=0.7)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes.append(subprocess.Popen(command(rig.config, "groups"), **quiet))
        time.sleep(0.8 + chance.random() * 1.5)
        if len(processes) > 1:
            oldest = processes.pop(0)
            oldest.kill()
            oldest.wait()
    assert processes[0].wait(180) == 0
    rig.wait_until_drained()
    assert rig.stop() == 0
    assert_the_index_says_what_the_topics_say(rig, ["open"])
    rig.write_contract("1.1.0", price_max=2_000, budget=1.0)
    rig.activate()
    answer(rig.config, "replay", "--partition", "0", "--partition", "1", "--yes")
    for point in POINTS:
        die_at(rig, point, 1, "list")
    assert_the_index_says_what_the_topics_say(rig, ["open", "replayed"])
    assert_the_index_says_what_the_topics_say(rig, ["replayed"])
