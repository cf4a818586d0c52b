"""Records of a topic as a source to learn from: bounds, holes, and what goes wrong while reading."""

from __future__ import annotations

import pytest
from topic_log import StepClock, TopicLog, trouble

from watermaster.runtime.observe import Start
from watermaster.runtime.ports import TroubleKind
from watermaster.runtime.topic_sample import TopicSource
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault

TOPIC = "orders"
P0, P1 = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)


def numbers(*offsets: int) -> dict[int, bytes | None]:
    return {offset: b"%d" % offset for offset in offsets}


def source(log: TopicLog, records_back: int | None = None, **more: int) -> TopicSource:
    return TopicSource(log, TOPIC, Start(records_back), StepClock(1.0), **more)


def values(of: TopicSource) -> list[bytes | None]:
    return [value for block in of.blocks() for value in block.values]


@pytest.mark.parametrize(
    ("records_back", "found"),
    [(None, [b"0", b"1", b"2", b"3", b"7"]), (6, [b"3"]), (2, []), (0, [])],
)
def test_where_it_begins(records_back: int | None, found: list[bytes]) -> None:
    log = TopicLog(TOPIC, numbers(0, 1, 2, 3), numbers(7), ends=[9, 10])  # markers behind the records
    of = source(log, records_back)
    assert sorted(value or b"" for value in values(of)) == (found if records_back != 6 else [b"3", b"7"])
    assert of.remarks == ()


def test_it_stops_at_its_bound_and_says_so() -> None:
    of = source(TopicLog(TOPIC, numbers(*range(30))), bytes_max=5)
    assert len(values(of)) < 30
    assert "only the first" in of.remarks[0]


def test_what_retention_took_is_passed_over() -> None:
    log = TopicLog(TOPIC, numbers(*range(8)))
    blocks = source(log).blocks()
    assert list(next(blocks).values) == [b"0", b"1", b"2"]
    log.starts[P0] = 6
    assert [value for block in blocks for value in block.values] == [b"6", b"7"]


def test_a_partition_that_cannot_be_read_is_named_and_the_others_go_on() -> None:
    log = TopicLog(TOPIC, numbers(0), numbers(0, 1))
    log.troubles.append(trouble(TroubleKind.UNREADABLE, P0))
    of = source(log)
    assert values(of) == [b"0", b"1"]
    assert str(P0) in of.remarks[0]


def test_a_silent_partition_is_named() -> None:
    log = TopicLog(TOPIC, numbers(0), numbers(0, 1))
    log.silent.add(P1)
    of = source(log)
    assert values(of) == [b"0"]
    assert of.remarks == (f"{P1} was not read to its end",)


def test_what_may_not_be_read_is_a_fault() -> None:
    log = TopicLog(TOPIC, numbers(0))
    log.troubles.append(trouble(TroubleKind.DENIED, None))
    with pytest.raises(Fault):
        values(source(log))
