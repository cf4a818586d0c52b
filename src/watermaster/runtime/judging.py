"""Judging that may kill the process, and what is done about it.

Before a batch is judged, its range is written into memory that outlives the process (`JudgingMark`). If the worker
dies or hangs there, the supervisor enters the range as *suspect* into the ledger topic, where every host finds it.
Records of a suspect range are judged one at a time in a process of their own. A record that kills that process twice
more is held, by an operational verdict: at most three deaths for one record, over all hosts.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from watermaster.gate.verdict import PASSED, BrokenRule, Outcome, Verdict
from watermaster.runtime.contracts_in_force import InForce
from watermaster.runtime.ports import LogRecord
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import TopicPartition

ISOLATED_TRIES = 2
"""Deaths in isolation before a record is held; with the worker's own that makes three."""

SUSPECT_PREFIX = "suspect/"

_LAYOUT = struct.Struct("<Bdiqq256s")
_SIGNS = struct.Struct("<dB")
"""Behind the mark: when the worker last gave a sign of life, and whether the supervisor asks it to stop."""


@dataclass(frozen=True, slots=True)
class Judging:
    """What a worker is judging: offsets `[from_, to)` of `source` since `since_s` (monotonic clock of the host)."""

    source: TopicPartition
    from_: int
    to: int
    since_s: float


class JudgingMark:
    """A small memory-mapped file: written by the worker, read by the supervisor, alive or dead."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            size = _LAYOUT.size + _SIGNS.size
            os.ftruncate(descriptor, size)
            self._memory = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)

    def enter(self, source: TopicPartition, from_: int, to: int) -> None:
        """Say what will be judged now."""
        # The active byte last: the supervisor may look at any moment, and half a mark would look like a hung worker.
        _LAYOUT.pack_into(self._memory, 0, 0, time.monotonic(), source.partition, from_, to, source.topic.encode())
        self._memory[0] = 1

    def leave(self) -> None:
        """Judged without harm."""
        self._memory[0] = 0

    def beat(self, at_s: float | None = None) -> None:
        """Give a sign of life, as of now or of `at_s` on the monotonic clock."""
        struct.pack_into("<d", self._memory, _LAYOUT.size, time.monotonic() if at_s is None else at_s)

    def silent_s(self) -> float:
        """Seconds since the last sign of life; negative while one is not due yet."""
        (beat_s,) = struct.unpack_from("<d", self._memory, _LAYOUT.size)
        return time.monotonic() - float(beat_s)

    def ask_to_stop(self, *, stop: bool = True) -> None:
        """Ask the worker to finish. Memory and not a lock: a killed worker can hold none."""
        self._memory[_LAYOUT.size + _SIGNS.size - 1] = stop

    def is_asked_to_stop(self) -> bool:
        """Whether the supervisor wants the worker to finish."""
        return self._memory[_LAYOUT.size + _SIGNS.size - 1] != 0

    def read(self) -> Judging | None:
        """What is, or was at death, being judged."""
        active, since_s, partition, from_, to, topic = _LAYOUT.unpack_from(self._memory, 0)
        if not active:
            return None
        return Judging(TopicPartition(topic.rstrip(b"\0").decode(), partition), from_, to, since_s)


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """A note in the ledger topic: judging `[from_, to)` killed a worker."""

    topic: str
    topic_id: str
    partition: int
    from_: int = msgspec.field(name="from")
    to: int
    cause: str
    kind: str = "suspect"
    v: int = 1


_decode_suspect = msgspec.json.Decoder(Suspect).decode
_encode_json = msgspec.json.Encoder().encode


def encode_suspect(suspect: Suspect) -> tuple[bytes, bytes]:
    """Key and value of the note."""
    return f"{SUSPECT_PREFIX}{suspect.topic}/{suspect.partition}".encode(), _encode_json(suspect)


def suspects_in(records: Sequence[LogRecord]) -> list[Suspect]:
    """The notes among the newest ledger records of one source partition."""
    found = []
    for record in records:
        if record.key is None or record.value is None or not record.key.startswith(SUSPECT_PREFIX.encode()):
            continue
        try:
            found.append(_decode_suspect(record.value))
        except (msgspec.DecodeError, msgspec.ValidationError):
            continue  # written by a version that we do not know; the range will show itself again
    return found


@dataclass(frozen=True, slots=True)
class Death:
    """The isolated process died or ran out of time or memory on this record."""

    cause: str


class IsolatedJudge(Protocol):
    """Judges single records in a process that may die."""

    def judge_one(
        self, in_force: InForce, key: bytes | None, value: bytes | None, now_ms: int, headers: RawHeaders | None = None
    ) -> Verdict | Death:
        """The verdict, or how the process died."""
        ...


class GuardedJudge:
    """Judges batches under a mark; suspect ranges one record at a time in isolation."""

    def __init__(self, mark: JudgingMark, isolated: IsolatedJudge) -> None:
        self._mark = mark
        self._isolated = isolated
        self._suspects: dict[TopicPartition, list[tuple[int, int]]] = {}
        self._poisonous: dict[tuple[TopicPartition, int, str], Verdict] = {}
        """By coordinates and contract: finding out may outlast the transaction, whose records are then read again."""

    def suspect(self, source: TopicPartition, suspects: list[Suspect]) -> None:
        """Take over what the ledger says of a newly assigned partition."""
        self._suspects[source] = [(s.from_, s.to) for s in suspects]
        self._poisonous = {at: verdict for at, verdict in self._poisonous.items() if at[0] != source}

    def judge(self, in_force: InForce, batch: RecordBatch, now_ms: int) -> dict[int, Verdict]:
        """Verdicts by index of records that do not simply pass."""
        ranges = self._suspects.get(batch.source)
        if ranges and any(from_ <= batch.offsets[-1] and batch.offsets[0] < to for from_, to in ranges):
            return self._judge_suspects(in_force, batch, now_ms, ranges)
        self._mark.enter(batch.source, batch.offsets[0], batch.offsets[-1] + 1)
        verdicts = in_force.judge.judge(batch.keys, batch.values, now_ms, batch.headers)
        self._mark.leave()
        return verdicts

    def _judge_suspects(
        self, in_force: InForce, batch: RecordBatch, now_ms: int, ranges: list[tuple[int, int]]
    ) -> dict[int, Verdict]:
        verdicts: dict[int, Verdict] = {}
        for index, offset in enumerate(batch.offsets):
            if any(from_ <= offset < to for from_, to in ranges):
                verdict = self._judge_suspect(in_force, batch, index, now_ms)
            else:
                self._mark.enter(batch.source, offset, offset + 1)
                alone = in_force.judge.judge([batch.keys[index]], [batch.values[index]], now_ms, [batch.headers[index]])
                verdict = alone.get(0, PASSED)
                self._mark.leave()
            if verdict.outcome is not Outcome.PASS or verdict.broken:
                verdicts[index] = verdict
        return verdicts

    def _judge_suspect(self, in_force: InForce, batch: RecordBatch, index: int, now_ms: int) -> Verdict:
        at = (batch.source, batch.offsets[index], in_force.checks.content_hash)
        verdict = self._poisonous.get(at)
        if verdict is None:
            verdict = self._judge_isolated(in_force, batch, index, now_ms)
            if verdict.operational:
                self._poisonous[at] = verdict
        return verdict

    def _judge_isolated(self, in_force: InForce, batch: RecordBatch, index: int, now_ms: int) -> Verdict:
        key, value, headers = batch.keys[index], batch.values[index], batch.headers[index]
        cause = ""
        for _ in range(ISOLATED_TRIES):
            self._mark.beat()
            result = self._isolated.judge_one(in_force, key, value, now_ms, headers)
            if isinstance(result, Verdict):
                return result
            cause = result.cause
        broken = BrokenRule("operational.poison", "$", f"operational.{cause}", f"judging this record ends in {cause}")
        return Verdict(Outcome.HOLD, (broken,), operational=True)


JudgeBatch = Callable[[InForce, RecordBatch, int], dict[int, Verdict]]
