"""Promises B1-B4, B8 and B18 under real kills, on three brokers; judged from outside by the auditor.

The short form of `test_soak.py`: the same machinery with fewer rounds.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.faults.rig import ConcurrentReader, GateRig, read_outputs

from watermaster.runtime.crash_points import CrashPoint
from watermaster.testing.kafka import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]


def test_no_crash_point_loses_doubles_or_reorders(kafka_three: KafkaCluster, tmp_path: Path) -> None:
    rig = GateRig(kafka_three, tmp_path, "crashpoints")
    rig.activate()
    with ConcurrentReader(rig) as reader:
        for number, point in enumerate(CrashPoint):
            rig.produce(4_000)
            if number == len(CrashPoint) // 2:
                rig.write_contract("1.1.0", price_max=900)
                rig.activate()
            workers = (1, 2, 3)[number % 3]
            rig.start("--workers", str(workers), WATERMASTER_CRASH_POINT=f"{point.value}:2")
            run_until(rig, rig.produced, seconds=12)
            rig.kill()
        rig.produce(500)  # the last gate must be up to move these
        rig.start("--workers", "2")
        rig.wait_until_drained()
        assert rig.stop() == 0
        seen = reader.finish()
    rig.assert_proved()
    assert seen == read_outputs(rig, Counter())


def test_random_kills_of_workers_supervisor_and_brokers(kafka_three: KafkaCluster, tmp_path: Path) -> None:
    rig = GateRig(kafka_three, tmp_path, "randomkills", partitions=4)
    rig.activate()
    chance = random.Random(7)
    rig.produce(20_000)
    with ConcurrentReader(rig) as reader:
        for round_ in range(6):
            rig.start("--workers", str(chance.choice((1, 2, 4))))
            rig.produce(5_000)
            disturb(rig, chance, seconds=9, brokers=round_ in (2, 4))
            rig.kill()
        rig.produce(500)  # the last gate must be up to move these
        rig.start("--workers", "2")
        rig.wait_until_drained()
        assert rig.stop() == 0
        seen = reader.finish()
    rig.assert_proved()
    assert seen == read_outputs(rig, Counter())


def run_until(rig: GateRig, records: int, seconds: float) -> None:
    """Let the gate run until it has committed so much, ended by itself, or the time is up."""
    assert rig.process is not None
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s and rig.process.poll() is None:
        if sum(max(0, offset) for offset in rig.committed().values()) >= records:
            return
        time.sleep(0.3)


def disturb(rig: GateRig, chance: random.Random, seconds: float, *, brokers: bool) -> None:
    """Kill workers at random moments for so long; with `brokers`, one broker is away meanwhile."""
    until_s = time.monotonic() + seconds
    broker = rig.cluster.broker(chance.randint(1, 3)) if brokers else None
    if broker is not None:
        broker.kill()
    while time.monotonic() < until_s:
        time.sleep(chance.uniform(1.5, 4.0))
        workers = rig.worker_pids()
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
    if broker is not None:
        broker.start(wait=False)
