"""Retention deletes held records: they have expired unless a replay of them commits, in every word that counts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.faults.rig import GateRig
from tests.faults.test_replay_kills import hold_everything, let_pass_and_kill, quarantine, replay, replayed

from watermaster.runtime.crash_points import CrashPoint
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic
from watermaster.testing.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

HELD = 300
UNVERIFIABLE = 4
"""What `gate verify` ends with where retention has taken outputs: nothing is disproved."""


def ends_by_ledger(rig: GateRig) -> Counter[str]:
    """The states of held records by `quarantine ledger`, which must close."""
    done = quarantine(rig, "ledger")
    assert done.returncode == 0, done.stdout + done.stderr
    found: Counter[str] = Counter()
    for row in json.loads(done.stdout):
        assert row["closes"], row
        found.update({state: row[state] for state in ("open", "replayed", "discarded", "expired")})
    return found


def ends_by_audit(rig: GateRig, code: int) -> Counter[str]:
    """The same by `gate verify`, which finds nothing that would disprove the promise."""
    command = [sys.executable, "-m", "watermaster", "gate", "verify", "--config", str(rig.config), "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr
    found: Counter[str] = Counter()
    for partition in json.loads(done.stdout)["partitions"]:
        ends: dict[str, Any] = {state: partition[state] for state in ("replayed", "discarded", "expired")}
        found.update({**ends, "open": partition["held"] - sum(ends.values())})
    return found


def states_written(rig: GateRig) -> int:
    return len(read_topic(rig.cluster.client_config(), rig.holds))


def delete_held(rig: GateRig, partition: int, count: int | None = None) -> None:
    """Delete the oldest held records of a partition; all if no number is given."""
    start, end = rig.cluster.log_ends(rig.quarantine, partition)
    rig.cluster.delete_records(rig.quarantine, partition, end if count is None else start + count)


def test_what_is_deleted_has_expired_in_the_ledger_and_in_the_audit_alike(kafka: KafkaCluster, tmp_path: Path) -> None:
    rig = GateRig(kafka, tmp_path, "expired")
    hold_everything(rig, HELD)
    assert ends_by_ledger(rig) == ends_by_audit(rig, 0) == Counter(open=HELD)
    delete_held(rig, 0, 30)
    delete_held(rig, 1)
    expected = Counter(open=HELD - 130, expired=130)
    assert ends_by_ledger(rig) == ends_by_audit(rig, UNVERIFIABLE) == expected
    # A replay that died before its commit has replayed nothing, and what it had read is gone.
    let_pass_and_kill(rig, [(CrashPoint.BEFORE_COMMIT, 1)])
    delete_held(rig, 0)
    rig.cluster.set_topic_configs(rig.quarantine, {"retention.ms": 1})
    ends = [rig.cluster.log_ends(rig.quarantine, number) for number in range(rig.partitions)]
    wait_until(
        lambda: rig.cluster.log_ends(rig.quarantine, 2)[0] >= ends[2][1], "retention has deleted the last partition"
    )
    done = json.loads(replay(rig).stdout)["done"]
    assert done["fates"] == {}, "there is nothing left to replay"
    assert ends_by_ledger(rig) == ends_by_audit(rig, UNVERIFIABLE) == Counter(expired=HELD)


def test_a_replay_that_races_with_the_deletion_wins_where_it_commits(kafka: KafkaCluster, tmp_path: Path) -> None:
    rig = GateRig(kafka, tmp_path, "race")
    hold_everything(rig, HELD)
    let_pass_and_kill(rig, [])
    command = [sys.executable, "-m", "watermaster", "quarantine", "replay", "--all", "--yes", "--rate", "50"]
    process = subprocess.Popen([*command, "--config", str(rig.config)], stderr=subprocess.PIPE, env={**os.environ})
    wait_until(lambda: states_written(rig) > 0, "the first states are committed")
    process.send_signal(signal.SIGSTOP)  # it holds the bytes of its partition, and has not begun with the next ones
    for partition in range(rig.partitions):
        delete_held(rig, partition)
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    written = replayed(rig)
    assert set(written.values()) == {1}
    assert 0 < len(written) < HELD
    assert len({partition for partition, _ in written}) < rig.partitions
    expected = Counter(replayed=len(written), expired=HELD - len(written))
    assert ends_by_ledger(rig) == ends_by_audit(rig, UNVERIFIABLE) == expected
    assert json.loads(replay(rig).stdout)["done"]["fates"] == {}
    assert replayed(rig) == written, "and running it again adds nothing"
