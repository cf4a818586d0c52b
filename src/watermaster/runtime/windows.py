"""Closed windows of a topic: which one is due, and which offsets it is.

A window is a stretch of time of a fixed length, counted from the epoch, and closed when it has been over for a grace
period. Its records are offsets: from where the window before ended, to the first record that is not older than its end.
So consecutive windows tile a partition, each record is in one of them, and what comes late belongs to a later window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from watermaster.runtime.topic_records import OffsetRange
from watermaster.stream.coordinates import TopicPartition


@dataclass(frozen=True, slots=True)
class Window:
    """`[begin_ms, end_ms)`, milliseconds since the epoch."""

    begin_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.begin_ms


@dataclass(frozen=True, slots=True)
class JudgedWindow:
    """A window that was judged, with the offset behind its last record by partition."""

    window: Window
    stops: Mapping[int, int] = field(default_factory=dict)


class WindowReader(Protocol):
    """Looks at a topic without a group; what `TopicReader` has, and offsets by time."""

    def partitions(self, topic: str) -> Sequence[TopicPartition]:
        """The partitions of a topic."""
        ...

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        """Log start and last stable end offset."""
        ...

    def offsets_at(self, sources: Sequence[TopicPartition], at_ms: int) -> Mapping[TopicPartition, int | None]:
        """The first record that is not older than a moment; None where there is none."""
        ...


def due_window(length_ms: int, grace_ms: int, now_ms: int, judged: JudgedWindow | None) -> Window | None:
    """The window after the one that was judged if it is closed, else, without one, the newest closed window."""
    newest_end_ms = (now_ms - grace_ms) // length_ms * length_ms
    if judged is None or judged.window.length_ms != length_ms:
        return Window(newest_end_ms - length_ms, newest_end_ms)
    end_ms = judged.window.end_ms + length_ms
    return Window(judged.window.end_ms, end_ms) if end_ms <= newest_end_ms else None


def offsets_of(
    reader: WindowReader, topic: str, window: Window, judged: JudgedWindow | None
) -> tuple[Sequence[OffsetRange], Mapping[int, int]]:
    """The ranges of a window, and by partition how many offsets of it were deleted before they were judged."""
    sources = reader.partitions(topic)
    stops = judged.stops if judged is not None and judged.window.end_ms == window.begin_ms else {}
    fresh = [source for source in sources if source.partition not in stops]
    begins = reader.offsets_at(fresh, window.begin_ms) if fresh else {}
    ends = reader.offsets_at(sources, window.end_ms)
    ranges, lost = [], {}
    for source in sources:
        low, high = reader.bounds(source)
        stop = ends.get(source)
        stop = high if stop is None else min(stop, high)
        start = stops.get(source.partition, begins.get(source))
        start = stop if start is None else start
        if start > high:
            start = low  # the topic was created anew
        if start < low and source.partition in stops:
            lost[source.partition] = min(low, max(stop, start)) - start
        start = max(low, start)
        ranges.append(OffsetRange(source.partition, start, max(start, stop)))
    return ranges, lost
