"""Two contracts on the same records at rest: whose verdict changes, counted as an observation counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from watermaster.contract.checks import Checks, KeyCheck
from watermaster.gate.framed import unreadable
from watermaster.gate.judge import build_judge
from watermaster.gate.verdict import Judge, Verdict
from watermaster.runtime.observe_comparison import Comparison
from watermaster.runtime.record_source import Chunk, Part, Reading, RecordSource
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition


@dataclass(slots=True)
class SampleComparison:
    """What was counted; examples have the file as topic, and line (or record) as offset."""

    comparison: Comparison = field(default_factory=Comparison)
    records: int = 0


def compare_on_records(
    source: RecordSource, old: Checks, new: Checks, now_ms: int, progress: Callable[[int], None] | None = None
) -> SampleComparison:
    """Judge everything by both contracts, without keys, which records at rest do not have. Raises faults."""
    found = SampleComparison()
    judges = tuple(build_judge(replace(checks, key=KeyCheck())) for checks in (old, new))
    bytes_max = max(old.limits.value_bytes_max, new.limits.value_bytes_max)
    before = 0
    last_file = ""
    for part in source.parts():
        before = before if part.file == last_file else 0
        last_file, number = part.file, 0
        for chunk in source.read(part, Reading(new.value, bytes_max)):
            verdicts = [_judge(judge, chunk, now_ms) for judge in judges]
            found.comparison.add(_batch(chunk, part, before), verdicts[0], verdicts[1])
            found.records += len(chunk.values)
            number = max(number, chunk.last_number)
            if progress is not None:
                progress(found.records)
        before += number
    return found


def _judge(judge: Judge, chunk: Chunk, now_ms: int) -> dict[int, Verdict]:
    found = judge.judge([None] * len(chunk.values), chunk.values, now_ms)
    return found | {index: unreadable(code) for index, code in chunk.refused.items()}


def _batch(chunk: Chunk, part: Part, before: int) -> RecordBatch:
    count = len(chunk.values)
    return RecordBatch(
        source=TopicPartition(part.file, 0),
        offsets=[before + number for number in chunk.numbers],
        timestamps_ms=[-1] * count,
        keys=[None] * count,
        values=chunk.values,
        headers=[None] * count,
    )
