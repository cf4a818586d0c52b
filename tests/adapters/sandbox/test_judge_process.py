"""Judging in a process that dies: by a signal, by time, by memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))  # spawned children import the stubs by name

from process_stubs import CHECKS, HELD, build_stub

from watermaster.adapters.sandbox.judge_process import JudgeProcess
from watermaster.contract.activation import Activation
from watermaster.contract.checks import Checks
from watermaster.gate.verdict import PASSED, Outcome
from watermaster.runtime.contracts_in_force import InForce
from watermaster.runtime.crash_points import VALUE_VARIABLE, perhaps_crashing
from watermaster.runtime.judging import Death, GuardedJudge, JudgingMark, Suspect
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

SOURCE = TopicPartition("orders", 0)


def in_force(checks: Checks = CHECKS) -> InForce:
    activation = Activation(
        number=1, stream="orders", contract=checks.content_hash, contract_id="c", contract_version="1", by="x", at_ms=0
    )
    return InForce(activation, checks, build_stub(CHECKS))


@pytest.fixture
def process() -> Iterator[JudgeProcess]:
    process = JudgeProcess(build_stub, perhaps_crashing, timeout_s=1.0, memory_bytes_max=2 * 1024**3)
    yield process
    process.close()


def test_verdicts_and_every_way_to_die(process: JudgeProcess) -> None:
    expected = [
        (b"good", PASSED),
        (b"held", HELD),
        (b"die", Death("native_crash")),
        (b"good", PASSED),
        (b"hang", Death("timeout")),
        (b"eat", Death("memory")),
        (b"raise", Death("native_crash")),
        (b"held", HELD),
    ]
    assert [(value, process.judge_one(in_force(), None, value, 0)) for value, _ in expected] == expected


def test_the_child_is_kept_until_another_contract_comes(process: JudgeProcess) -> None:
    process.judge_one(in_force(), None, b"good", 0)
    first = process._child
    process.judge_one(in_force(), None, b"good", 0)
    assert process._child is first
    process.judge_one(in_force(other_contract()), None, b"good", 0)
    assert process._child is not first


def other_contract() -> Checks:
    return Checks("c", "2", "sha256:two", "s", CHECKS.value)


def test_a_child_that_cannot_start_is_not_the_records_fault(process: JudgeProcess) -> None:
    broken = Checks("cannot start", "1", "sha256:none", "s", CHECKS.value)
    with pytest.raises(WorldFault, match="WM-JUDGE-START") as raised:
        process.judge_one(in_force(broken), None, b"good", 0)
    assert raised.value.retriable
    assert process.judge_one(in_force(), None, b"held", 0) == HELD


def test_a_poisonous_record_is_held_and_its_neighbours_are_judged(
    process: JudgeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VALUE_VARIABLE, "poison")
    guarded = GuardedJudge(JudgingMark(tmp_path / "mark"), process)
    guarded.suspect(SOURCE, [Suspect(topic="orders", topic_id="T", partition=0, from_=10, to=14, cause="native_crash")])
    batch = RecordBatch(SOURCE, [10, 11, 12, 13], [0] * 4, [None] * 4, [b"good", b"poison", b"held", None], [None] * 4)
    verdicts = guarded.judge(in_force(), batch, 0)
    assert verdicts.keys() == {1, 2}
    assert verdicts[2] == HELD
    assert (verdicts[1].outcome, verdicts[1].operational) == (Outcome.HOLD, True)
    assert verdicts[1].broken[0].code == "operational.native_crash"
