"""Promise B7 under real kills: replays that die at each point, run twice, and by two operators at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.faults.rig import GateRig

from watermaster.quarantine.fix.apply import Fixed, apply_fix
from watermaster.quarantine.fix.document import read_fix
from watermaster.quarantine.held import OriginalRecord
from watermaster.runtime.crash_points import VARIABLE, CrashPoint
from watermaster.stream.coordinates import decode_coordinates
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

POINTS = (
    CrashPoint.IN_ASSIGN,
    CrashPoint.AFTER_POLL,
    CrashPoint.AFTER_PRODUCE,
    CrashPoint.BEFORE_COMMIT,
    CrashPoint.AFTER_COMMIT,
)
"""Every step of a replay after which a dead process leaves the world in another state."""

HELD = 600
PRICE_MAX_LATER = 2_000


def quarantine(rig: GateRig, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "watermaster", "quarantine", *arguments]
    command += ["--config", str(rig.config), "--output", "json"]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=180, check=False, env={**os.environ, **environment}
    )


def replay(rig: GateRig, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return quarantine(rig, "replay", "--all", "--yes", *more, **environment)


def replayed(rig: GateRig) -> Counter[tuple[int, int]]:
    """How often trusted holds a replay of each source record."""
    found: Counter[tuple[int, int]] = Counter()
    for message in read_topic(rig.cluster.client_config(), rig.trusted):
        place = decode_coordinates((message.headers() or [])[-1][1])
        assert place is not None
        if place.attempt:
            assert message.partition() == place.partition
            found[place.partition, place.offset] += 1
    return found


def held_places(rig: GateRig) -> set[tuple[int, int]]:
    places = [decode_coordinates((message.headers() or [])[-1][1]) for message in rig.held()]
    return {(place.partition, place.offset) for place in places if place is not None}


def hold_everything(rig: GateRig, count: int = HELD) -> None:
    """All records break the contract; another one, which lets them pass, comes into force."""
    rig.write_contract("1.0.0", price_max=1000, budget=1.0)
    rig.activate()
    rig.produce(count, bad_share=1.0)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    assert len(held_places(rig)) == count


def let_pass_and_kill(rig: GateRig, points: Sequence[tuple[CrashPoint, int]], rate: str = "400") -> None:
    """Another contract comes into force; replays under it die at these points, the nth time that each is reached."""
    rig.write_contract("1.1.0", price_max=PRICE_MAX_LATER, budget=1.0)
    rig.activate()
    for point, nth in points:
        died = replay(rig, "--rate", rate, **{VARIABLE: f"{point.value}:{nth}"})
        assert died.returncode == -signal.SIGKILL, (point, died.stderr)


def two_operators(rig: GateRig, *more: str) -> list[int]:
    """Two replays of everything at once; their exit codes."""
    command = [sys.executable, "-m", "watermaster", "quarantine", "replay", "--all", "--yes", *more]
    command += ["--config", str(rig.config), "--output", "json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        process.communicate(timeout=180)
    return [process.returncode for process in both]


def assert_replayed_once(rig: GateRig) -> None:
    again = replay(rig)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["done"]["fates"] == {}, "running it twice adds nothing"
    assert replayed(rig) == dict.fromkeys(held_places(rig), 1)
    rig.assert_proved()


def test_killed_at_each_point_by_two_operators_and_twice(kafka: KafkaCluster, tmp_path: Path) -> None:
    rig = GateRig(kafka, tmp_path, "replaykills")
    hold_everything(rig)
    let_pass_and_kill(rig, [(point, 1 + nth % 2) for nth, point in enumerate(POINTS[2:])])
    assert 0 in two_operators(rig, "--rate", "150")
    assert_replayed_once(rig)


def test_killed_where_some_pass_and_some_fail_in_one_transaction(kafka: KafkaCluster, tmp_path: Path) -> None:
    """What is alike is written together, and cut where verdicts change: the first half of the prices passes."""
    rig = GateRig(kafka, tmp_path, "cutkills")
    rig.write_contract("1.0.0", price_max=-1, budget=1.0)
    rig.activate()
    rig.produce(HELD, bad_share=0.0)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.write_contract("1.1.0", price_max=HELD // 2 - 1, budget=1.0)
    rig.activate()
    for point in (CrashPoint.AFTER_PRODUCE, CrashPoint.BEFORE_COMMIT, CrashPoint.AFTER_COMMIT):
        died = replay(rig, **{VARIABLE: f"{point.value}:1"})
        assert died.returncode == -signal.SIGKILL, (point, died.stderr)
    done = json.loads(replay(rig).stdout)["done"]
    assert done["fates"]["fails"] == HELD // 2
    assert len(replayed(rig)) == HELD // 2
    assert set(replayed(rig).values()) == {1}
    rig.write_contract("1.2.0", price_max=PRICE_MAX_LATER, budget=1.0)
    rig.activate()
    assert 0 in two_operators(rig)
    assert_replayed_once(rig)


PRICE_FIX = """fix: price-in-cents
version: 2
select: {where: this.price > 1000}
steps:
  - {set: $.price, cel: this.price - 1}
"""


def test_a_replay_with_a_fix_is_killed_and_each_output_is_what_the_fix_makes(
    kafka: KafkaCluster, tmp_path: Path
) -> None:
    rig = GateRig(kafka, tmp_path, "fixkills")
    hold_everything(rig, 200)
    file = tmp_path / "price.fix.yaml"
    file.write_text(PRICE_FIX)
    with_fix = ("--fix", str(file), "--rate", "400")
    for point in (CrashPoint.AFTER_PRODUCE, CrashPoint.AFTER_COMMIT):
        died = replay(rig, *with_fix, **{VARIABLE: f"{point.value}:1"})
        assert died.returncode == -signal.SIGKILL, (point, died.stderr)
    assert 0 in two_operators(rig, *with_fix)
    assert json.loads(replay(rig, *with_fix).stdout)["done"]["fates"] == {}, "running it twice adds nothing"
    assert replayed(rig) == dict.fromkeys(held_places(rig), 1)
    read = read_fix(PRICE_FIX.encode(), "f")
    assert read.fix is not None
    held = {message.value() for message in rig.held()}
    outcomes = [apply_fix(read.fix, OriginalRecord(None, value, [], 0)) for value in held]
    made = [outcome.record.value for outcome in outcomes if isinstance(outcome, Fixed)]
    assert Counter(written_by(rig, "price-in-cents@2")) == Counter(made), "and it names the fix"
    report = rig.verify("--fix", str(file))
    assert sum(partition["fixes_proved"] for partition in report["partitions"]) == 200
    assert sum(partition["replayed"] for partition in report["partitions"]) == 200


def written_by(rig: GateRig, fix: str) -> list[bytes | None]:
    """Values in trusted whose stamp names the fix."""
    found = []
    for message in read_topic(rig.cluster.client_config(), rig.trusted):
        place = decode_coordinates((message.headers() or [])[-1][1])
        if place is not None and place.fix == fix:
            found.append(message.value())
    return found


@pytest.mark.soak
def test_a_long_replay_is_killed_at_every_point_again_and_again(kafka: KafkaCluster, tmp_path: Path) -> None:
    rig = GateRig(kafka, tmp_path, "replaysoak")
    hold_everything(rig, 30_000)
    still = replay(rig)
    assert json.loads(still.stdout)["done"]["fates"] == {"fails": 30_000}, "the contract in force still refuses them"
    assert replayed(rig) == Counter()
    # A partition is taken once in a pass, so the third time would leave nothing for the other points.
    points = [(point, nth) for nth in (1, 2, 3) for point in POINTS if (point, nth) != (CrashPoint.IN_ASSIGN, 3)]
    let_pass_and_kill(rig, points, rate="2000")
    for _ in range(3):
        two_operators(rig, "--rate", "2000")
    assert replay(rig).returncode == 0
    assert_replayed_once(rig)
