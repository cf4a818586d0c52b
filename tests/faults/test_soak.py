"""The long form of `test_kills.py`: `make soak`.

100,000 records, every crash point with one to four workers, random kills
of workers, gates and brokers, activations in mid-stream, a concurrent read_committed reader; then the auditor.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.rig import ConcurrentReader, GateRig, read_outputs
from tests.faults.test_kills import disturb, run_until

from watermaster.runtime.crash_points import CrashPoint
from watermaster.testing.kafka import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.soak, pytest.mark.timeout(3600)]

RECORDS = 100_000


@pytest.fixture
def rig(kafka_three: KafkaCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GateRig]:
    rig = GateRig(kafka_three, tmp_path, re.sub(r"\W+", "-", f"soak-{request.node.name}").strip("-"), partitions=4)
    rig.activate()
    yield rig
    if rig.process is not None and rig.process.poll() is None:
        rig.kill()


def test_every_crash_point_with_one_to_four_workers(rig: GateRig) -> None:
    rounds = [(point, workers) for point in CrashPoint for workers in (1, 2, 4)]
    with ConcurrentReader(rig) as reader:
        for number, (point, workers) in enumerate(rounds):
            rig.produce(RECORDS // len(rounds) + 1, bad_share=(0.0, 0.02, 0.3)[number % 3])
            if number % 5 == 4:
                rig.write_contract(f"1.{number}.0", price_max=1000 - number)
                rig.activate()
            rig.start("--workers", str(workers), WATERMASTER_CRASH_POINT=f"{point.value}:{1 + number % 4}")
            run_until(rig, rig.produced, seconds=15)
            rig.kill()
        _finish(rig, reader)


@pytest.mark.parametrize("seed", range(3))
def test_random_kills(rig: GateRig, seed: int) -> None:
    chance = random.Random(seed)
    with ConcurrentReader(rig) as reader:
        for round_ in range(10):
            rig.produce(RECORDS // 10)
            rig.start("--workers", str(chance.choice((1, 2, 3, 4))))
            disturb(rig, chance, seconds=15, brokers=round_ % 2 == 1)
            if round_ % 3 == 2:
                rig.cluster.wait_until_ready()  # a person activates where the cluster answers
                rig.write_contract(f"2.{round_}.0", price_max=1000 - round_)
                rig.activate()
            rig.kill()
        _finish(rig, reader)


def _finish(rig: GateRig, reader: ConcurrentReader) -> None:
    rig.cluster.wait_until_ready()  # a gate that starts into an outage says so and ends
    rig.produce(500)  # the last gate must be up to move these
    rig.start("--workers", "2")
    rig.wait_until_drained(300)
    assert rig.stop() == 0
    seen = reader.finish()
    rig.assert_proved()
    assert seen == read_outputs(rig, Counter())
