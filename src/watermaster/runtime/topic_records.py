"""Ranges of a topic as records to check: read without a group, up to the ends as they were at the start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from watermaster.gate.framed import TextReader
from watermaster.runtime.observe import Start
from watermaster.runtime.ports import Clock, ReadResult, TopicReader, Trouble, TroubleKind
from watermaster.runtime.record_source import Chunk, Part, Reading, Store
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault, WorldFault

READ_TIMEOUT_S: Final = 0.25
SILENCE_S_MAX: Final = 30.0
"""A partition that must still be read and gives nothing for so long was not read to its end."""
_RANGE: Final = re.compile(r"([0-9]{1,9}):([0-9]{1,18})-([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets `[start, stop)` of a partition."""

    partition: int
    start: int
    stop: int


def parse_range(text: str) -> OffsetRange:
    """`PARTITION:FROM-UNTIL`, the last not included: `0:1000-2000`. Raises UsageFault."""
    match = _RANGE.fullmatch(text)
    if match is None or int(match[2]) > int(match[3]):
        raise UsageFault(
            "WM-CHECK-RANGE", f"--range {text!r} is no range of offsets", hint="PARTITION:FROM-UNTIL, e.g. 0:1000-2000."
        )
    return OffsetRange(int(match[1]), int(match[2]), int(match[3]))


class TopicRecords:
    """A `RecordSource` over a reader: the `ranges`, or without any each partition from `start` to its end.

    Each partition is a part, its records are numbered by their offsets, and its size is that of its range.
    """

    def __init__(
        self,
        reader: TopicReader,
        topic: str,
        start: Start,
        clock: Clock,
        ranges: Sequence[OffsetRange] = (),
        texts: TextReader | None = None,
    ) -> None:
        """`texts` reads what stands behind a registry's frame; without it, records are taken as they are."""
        self._texts = texts
        self._reader = reader
        self._topic = topic
        self._start = start
        self._clock = clock
        self._ranges = ranges
        self._sources: dict[str, TopicPartition] = {}

    def parts(self) -> Sequence[Part]:
        """See `RecordSource.parts`. Raises the fault of a topic or range that is not there."""
        sources = {source.partition: source for source in self._reader.partitions(self._topic)}
        bounds = {partition: self._reader.bounds(source) for partition, source in sources.items()}
        ranges = list(dict.fromkeys(self._ranges)) or [
            OffsetRange(partition, self._start.position(low, high), high) for partition, (low, high) in bounds.items()
        ]
        parts = [self._part(one, bounds) for one in ranges]
        self._sources = {part.file: sources[one.partition] for part, one in zip(parts, ranges, strict=True)}
        return parts

    def read(self, part: Part, reading: Reading) -> Iterator[Chunk]:
        """See `RecordSource.read`."""
        del reading  # the broker has bounded what a record may weigh
        source, position, stop = self._sources[part.file], part.start, part.stop or 0
        self._reader.begin({source: position})
        heard_s = self._clock.monotonic_s()
        while position < stop:
            result = self._reader.read(READ_TIMEOUT_S)
            _raise_any(result.troubles, source)
            reached = _reached(result, source)
            if reached is not None:
                heard_s = self._clock.monotonic_s()
                yield from (self._chunk(batch, part) for batch in result.batches if batch.source == source)
                position = max(position, reached)
            elif self._clock.monotonic_s() - heard_s > SILENCE_S_MAX:
                raise WorldFault(
                    "WM-CHECK-READ",
                    f"{part.file} gave nothing for {SILENCE_S_MAX:.0f} s at offset {position} of {stop}.",
                    hint="Look at the brokers and the network.",
                    retriable=True,
                )

    def _chunk(self, batch: RecordBatch, part: Part) -> Chunk:
        chunk = _chunk(batch, part)
        if self._texts is not None:
            taken = len(chunk.values)
            texts = self._texts.read(batch.keys[:taken], batch.values[:taken], batch.headers[:taken])
            chunk.keys, chunk.values = texts.keys, texts.values
            chunk.refused, chunk.refused_keys = texts.refused, texts.refused_keys
        return chunk

    def _part(self, one: OffsetRange, bounds: Mapping[int, tuple[int, int]]) -> Part:
        low, high = bounds.get(one.partition, (0, -1))
        if not low <= one.start <= one.stop <= high:
            raise UsageFault(
                "WM-CHECK-RANGE",
                f"{self._topic}[{one.partition}] has no offsets {one.start} to {one.stop}.",
                hint=f"It has {low} to {high}." if high >= 0 else "There is no such partition.",
            )
        name = f"{TopicPartition(self._topic, one.partition)}"
        if self._ranges:
            name = f"{name} {one.start}-{one.stop}"
        return Part(name, Store.TOPIC, one.start, one.stop, one.stop - one.start)


def _reached(result: ReadResult, source: TopicPartition) -> int | None:
    """The offset behind all that was heard of the source; None if nothing was."""
    last = [batch.offsets[-1] + 1 for batch in result.batches if batch.source == source and batch.offsets]
    return max([*last, *([result.ends[source]] if source in result.ends else [])], default=None)


def _raise_any(troubles: Sequence[Trouble], source: TopicPartition) -> None:
    """What keeps a range from being read whole ends its reading, and the report says so."""
    for trouble in troubles:
        if trouble.source == source or trouble.kind in (TroubleKind.DENIED, TroubleKind.FATAL):
            raise WorldFault(trouble.fault.code, trouble.fault.message, hint=trouble.fault.hint)


def _chunk(batch: RecordBatch, part: Part) -> Chunk:
    stop = part.stop or 0
    taken = sum(offset < stop for offset in batch.offsets)
    last = batch.offsets[-1]
    return Chunk(
        numbers=batch.offsets[:taken],
        values=batch.values[:taken],
        keys=batch.keys[:taken],
        byte_count=batch.bytes,
        read=min(last + 1, stop) - part.start,
        last_number=last,
    )
