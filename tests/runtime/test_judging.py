"""The mark that outlives a process, notes in the ledger, and suspect ranges."""

from __future__ import annotations

from pathlib import Path

import pytest
from process_stubs import CHECKS, HELD

from watermaster.contract.activation import Activation
from watermaster.gate.ledger import LedgerEntry, encode_entry
from watermaster.gate.verdict import PASSED, Outcome, Verdict
from watermaster.runtime.contracts_in_force import InForce
from watermaster.runtime.judging import (
    ISOLATED_TRIES,
    Death,
    GuardedJudge,
    JudgingMark,
    Suspect,
    encode_suspect,
    suspects_in,
)
from watermaster.runtime.ports import LogRecord
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition

SOURCE = TopicPartition("orders", 3)


class Recorder:
    """A judge and an isolated judge at once: holds `held`, dies in isolation on `poison`, says what the mark said."""

    def __init__(self, mark: JudgingMark) -> None:
        self.mark = mark
        self.together: list[list[bytes | None]] = []
        self.alone: list[bytes | None] = []
        self.marks: list[tuple[int, int] | None] = []

    def judge(
        self, keys: list[bytes | None], values: list[bytes | None], now_ms: int, headers: object = None
    ) -> dict[int, Verdict]:
        self.together.append(values)
        seen = self.mark.read()
        self.marks.append((seen.from_, seen.to) if seen else None)
        if b"raise" in values:
            raise ValueError
        return {index: HELD for index, value in enumerate(values) if value == b"held"}

    def judge_one(
        self, in_force: InForce, key: bytes | None, value: bytes | None, now_ms: int, headers: object = None
    ) -> Verdict | Death:
        self.alone.append(value)
        return Death("timeout") if value == b"poison" else HELD if value == b"held" else PASSED


def batch(first: int, *values: bytes | None) -> RecordBatch:
    count = len(values)
    offsets = list(range(first, first + count))
    return RecordBatch(SOURCE, offsets, [0] * count, [None] * count, list(values), [None] * count)


def in_force(judge: Recorder) -> InForce:
    activation = Activation(
        number=1, stream="orders", contract="x", contract_id="c", contract_version="1", by="x", at_ms=0
    )
    return InForce(activation, CHECKS, judge)


def suspect(from_: int, to: int) -> Suspect:
    return Suspect(topic="orders", topic_id="T", partition=3, from_=from_, to=to, cause="native_crash")


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(JudgingMark(tmp_path / "mark"))


@pytest.fixture
def guarded(recorder: Recorder) -> GuardedJudge:
    return GuardedJudge(recorder.mark, recorder)


# The mark


def test_a_mark_is_seen_by_another_process_and_taken_back(tmp_path: Path) -> None:
    ours, theirs = JudgingMark(tmp_path / "mark"), JudgingMark(tmp_path / "mark")
    assert theirs.read() is None
    long = TopicPartition("t" * 249, 12)
    ours.enter(long, 2**40, 2**40 + 5)
    seen = theirs.read()
    assert seen is not None
    assert (seen.source, seen.from_, seen.to) == (long, 2**40, 2**40 + 5)
    ours.leave()
    assert theirs.read() is None


def test_a_mark_is_never_seen_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the moment in which it becomes active all of it is there: a time of 0 would look like a hung worker."""
    from watermaster.runtime import judging

    mark = JudgingMark(tmp_path / "mark")
    monkeypatch.setattr(judging, "_LAYOUT", HalfWay(mark))
    mark.enter(SOURCE, 1, 2)
    monkeypatch.undo()
    seen = mark.read()
    assert seen is not None
    assert seen.source == SOURCE


class HalfWay:
    """A layout that looks after packing, as a supervisor may: the mark must not be active yet."""

    def __init__(self, mark: JudgingMark) -> None:
        from watermaster.runtime.judging import _LAYOUT

        self._layout, self._mark = _LAYOUT, mark

    def pack_into(self, memory: bytearray, at: int, *fields: object) -> None:
        self._layout.pack_into(memory, at, *fields)
        assert memory[0] == 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._layout, name)


# Judging


def test_a_batch_is_judged_under_its_mark(guarded: GuardedJudge, recorder: Recorder) -> None:
    assert guarded.judge(in_force(recorder), batch(10, b"a", b"held"), 0) == {1: HELD}
    assert recorder.marks == [(10, 12)]
    assert recorder.mark.read() is None


def test_who_dies_leaves_the_mark(guarded: GuardedJudge, recorder: Recorder) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the stub's
        guarded.judge(in_force(recorder), batch(10, b"raise"), 0)
    assert recorder.mark.read() is not None


@pytest.mark.parametrize(
    ("from_", "to", "isolated"), [(0, 10, 0), (0, 11, 1), (11, 12, 1), (12, 20, 0), (0, 99, 2), (10, 12, 2)]
)
def test_only_suspect_records_are_isolated(
    guarded: GuardedJudge, recorder: Recorder, from_: int, to: int, isolated: int
) -> None:
    guarded.suspect(SOURCE, [suspect(from_, to)])
    assert guarded.judge(in_force(recorder), batch(10, b"held", b"held"), 0) == {0: HELD, 1: HELD}
    assert len(recorder.alone) == isolated
    assert len(recorder.together) == (1 if isolated == 0 else 2 - isolated)


def test_neighbours_are_judged_one_by_one_under_their_own_mark(guarded: GuardedJudge, recorder: Recorder) -> None:
    guarded.suspect(SOURCE, [suspect(11, 12)])
    guarded.judge(in_force(recorder), batch(10, b"a", b"b", b"c"), 0)
    assert recorder.marks == [(10, 11), (12, 13)]


def test_poison_is_held_and_tried_no_second_time(guarded: GuardedJudge, recorder: Recorder) -> None:
    """Finding out may outlast the transaction: the second reading must be quick, or there is no end to it."""
    guarded.suspect(SOURCE, [suspect(10, 12)])
    for _ in range(3):
        (verdict,) = guarded.judge(in_force(recorder), batch(10, b"poison", b"a"), 0).values()
        assert (verdict.outcome, verdict.operational) == (Outcome.HOLD, True)
        assert verdict.broken[0].code == "operational.timeout"
    assert recorder.alone.count(b"poison") == ISOLATED_TRIES


def test_what_was_poison_for_one_owner_is_tried_by_the_next(guarded: GuardedJudge, recorder: Recorder) -> None:
    guarded.suspect(SOURCE, [suspect(10, 12)])
    guarded.judge(in_force(recorder), batch(10, b"poison"), 0)
    guarded.suspect(SOURCE, [])
    assert guarded.judge(in_force(recorder), batch(10, b"poison"), 0) == {}


# Notes


def record(key: bytes | None, value: bytes | None) -> LogRecord:
    return LogRecord(0, 0, key, value, 0)


def test_notes_are_found_among_entries() -> None:
    entry = LedgerEntry(
        gate="g", cluster="c", topic="orders", topic_id="T", partition=3, from_=0, to=1, activation=1, contract="x",
        now_ms=0, read=1, passed=1, held=0, dropped=0,
    )  # fmt: skip
    key, value = encode_suspect(suspect(5, 9))
    assert key == b"suspect/orders/3"
    records = [record(b"orders/3", encode_entry(entry)), record(key, value), record(key, b"{"), record(key, None)]
    assert suspects_in([*records, record(None, value)]) == [suspect(5, 9)]
