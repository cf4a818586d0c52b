"""Windows tile a topic: every record is in exactly one of them, whatever its timestamp, unless it is deleted first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.runtime.windows import JudgedWindow, Window, due_window, offsets_of
from watermaster.stream.coordinates import TopicPartition

HOUR = 3_600_000
SOURCE = TopicPartition("orders", 0)


class Log:
    """One partition as timestamps; the first `start` of them are deleted."""

    def __init__(self) -> None:
        self.stamps: list[int] = []
        self.start = 0

    def partitions(self, topic: str) -> Sequence[TopicPartition]:
        assert topic == SOURCE.topic
        return [SOURCE]

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        assert source == SOURCE
        return self.start, len(self.stamps)

    def offsets_at(self, sources: Sequence[TopicPartition], at_ms: int) -> Mapping[TopicPartition, int | None]:
        found = [offset for offset, stamp in enumerate(self.stamps) if stamp >= at_ms and offset >= self.start]
        return dict.fromkeys(sources, found[0] if found else None)


@pytest.mark.parametrize(
    ("now_ms", "judged", "expected"),
    [
        (10 * HOUR, None, Window(8 * HOUR, 9 * HOUR)),  # the last one is over, and its grace is not
        (10 * HOUR + 60_000, None, Window(9 * HOUR, 10 * HOUR)),
        (10 * HOUR + 60_000, Window(8 * HOUR, 9 * HOUR), Window(9 * HOUR, 10 * HOUR)),
        (10 * HOUR, Window(8 * HOUR, 9 * HOUR), None),
        (20 * HOUR, Window(8 * HOUR, 9 * HOUR), Window(9 * HOUR, 10 * HOUR)),  # none is left out
        (20 * HOUR, Window(8 * HOUR, 8 * HOUR + 60_000), Window(18 * HOUR, 19 * HOUR)),  # of another length
    ],
)
def test_which_window_is_due(now_ms: int, judged: Window | None, expected: Window | None) -> None:
    assert due_window(HOUR, 60_000, now_ms, JudgedWindow(judged) if judged else None) == expected


@given(st.lists(st.lists(st.integers(-3 * HOUR, 3 * HOUR), max_size=6), min_size=1, max_size=8), st.data())
def test_windows_tile_the_topic(hours: list[list[int]], data: st.DataObject) -> None:
    """In each hour records come with timestamps around it, early and late ones, and old ones may be deleted."""
    log, judged = Log(), None
    seen: list[int] = []
    lost = 0
    for number, offsets in enumerate(hours):
        now_ms = (100 + number) * HOUR
        log.stamps += [now_ms + offset for offset in offsets]
        log.start = data.draw(st.integers(log.start, len(log.stamps)))
        window = due_window(HOUR, 0, now_ms, judged)
        assert window == Window(now_ms - HOUR, now_ms)
        ((one,), gone) = offsets_of(log, "orders", window, judged)
        assert log.start <= one.start <= one.stop <= len(log.stamps)
        seen += range(one.start, one.stop)
        lost += sum(gone.values())
        judged = JudgedWindow(window, {0: one.stop})
    assert seen == sorted(set(seen)), "no record is in two windows"
    if seen:
        first = min(seen)
        assert len(seen) + lost >= max(seen) + 1 - first, "what is between two windows was deleted, and counted"


def test_a_topic_that_was_created_anew_is_read_from_its_start() -> None:
    log = Log()
    log.stamps = [10 * HOUR]
    judged = JudgedWindow(Window(9 * HOUR, 10 * HOUR), {0: 50})
    ((one,), gone) = offsets_of(log, "orders", Window(10 * HOUR, 11 * HOUR), judged)
    assert (one.start, one.stop, gone) == (0, 1, {})
