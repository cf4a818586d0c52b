"""Records of a topic to learn from: read without a group, from a place on to the ends as they were at the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from watermaster.runtime.contract_inference import SampleBlock, Written
from watermaster.runtime.observe import Start
from watermaster.runtime.ports import Clock, ReadResult, TopicReader, Trouble, TroubleKind
from watermaster.runtime.sample_texts import SampleTexts
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

READ_TIMEOUT_S: Final = 0.25
SILENCE_S_MAX: Final = 30.0
"""A partition that must still be read and gives nothing for so long is reported as unread."""
BYTES_MAX: Final = 16 * 1024**3
"""Of one look at a topic; whoever wants less names a later place to begin."""


class TopicSource:
    """Implements `SampleSource` over a reader; `bytes_max` bounds keys and values together."""

    def __init__(
        self,
        reader: TopicReader,
        topic: str,
        start: Start,
        clock: Clock,
        *,
        bytes_max: int = BYTES_MAX,
        texts: SampleTexts | None = None,
    ) -> None:
        """`texts` finds out whether values name schemas of a registry; without it they are taken as they are."""
        self._texts = texts
        self._reader = reader
        self._topic = topic
        self._start = start
        self._clock = clock
        self._bytes_max = bytes_max
        self._positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._read = 0
        self._remarks: list[str] = []

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `SampleSource.remarks`."""
        return (*self._remarks, *(() if self._texts is None else self._texts.remarks))

    @property
    def written(self) -> Written:
        """See `SampleSource.written`."""
        return Written() if self._texts is None else self._texts.written

    @property
    def unfit(self) -> WorldFault | None:
        """See `SampleSource.unfit`."""
        return None if self._texts is None else self._texts.unfit

    def blocks(self) -> Iterator[SampleBlock]:
        """See `SampleSource.blocks`. Raises the fault of a topic that is not there or may not be read."""
        for source in self._reader.partitions(self._topic):
            low, high = self._reader.bounds(source)
            position = self._start.position(low, high)
            if position < high:
                self._positions[source], self._ends[source] = position, high
        self._reader.begin(self._positions)
        heard_s = self._clock.monotonic_s()
        while self._ends and self._read < self._bytes_max:
            result = self._reader.read(READ_TIMEOUT_S)
            if result.batches or result.ends:
                heard_s = self._clock.monotonic_s()
            elif self._clock.monotonic_s() - heard_s > SILENCE_S_MAX:
                self._remarks += [f"{source} was not read to its end" for source in sorted(self._ends)]
                return
            yield from self._take(result)
        if self._ends:
            self._remarks.append(f"only the first {self._read:,} bytes were read")

    def _take(self, result: ReadResult) -> Iterator[SampleBlock]:
        for batch in result.batches:
            if batch.source in self._ends:
                self._read += batch.bytes
                if self._texts is None:
                    yield SampleBlock(batch.values, batch.keys, self._read)
                else:
                    yield self._texts.block(batch, self._read)
                self._advance(batch.source, batch.offsets[-1] + 1)
        for source, end in result.ends.items():
            self._advance(source, end)
        for trouble in result.troubles:
            self._handle(trouble)

    def _advance(self, source: TopicPartition, position: int) -> None:
        if source in self._ends:
            self._positions[source] = max(self._positions[source], position)
            if position >= self._ends[source]:
                del self._ends[source]

    def _handle(self, trouble: Trouble) -> None:
        source = trouble.source
        if trouble.kind in (TroubleKind.DENIED, TroubleKind.FATAL):
            raise trouble.fault
        if source is None or source not in self._ends:
            return
        if trouble.kind in (TroubleKind.OUT_OF_RANGE, TroubleKind.TRUNCATED):
            # Retention was faster: what is gone teaches nothing, and the rest begins where the log begins now.
            low, _ = self._reader.bounds(source)
            if low > self._positions[source]:
                self._advance(source, low)
            else:
                del self._ends[source]
        elif trouble.kind is TroubleKind.UNREADABLE:
            self._remarks.append(f"{source} cannot be read on: {trouble.fault.message}")
            del self._ends[source]
        else:
            return
        self._reader.begin({one: self._positions[one] for one in self._ends})
