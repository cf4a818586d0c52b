"""Round trips through clusters, with ways that are hand-written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.runtime.surveyors import NOW, survey_of

from watermaster.incident.signal import SignalKind
from watermaster.monitor.carriage import bucket_of
from watermaster.runtime.data_watch import Returned
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.monitor import MonitorReport
from watermaster.runtime.observed import Unseen
from watermaster.runtime.round_trips import EVERY_MS, LATELY_MS, RoundTrips

LOST = Unseen("a record through probe", "it did not come back within 10 seconds.", "WM-PROBE-LOST")


@dataclass
class Way:
    """Answers what it is told to, and counts."""

    answer: int | Unseen = 7
    sent: int = field(default=0, init=False)

    def measure(self) -> int | Unseen:
        self.sent += 1
        return self.answer


def looks(*away: str) -> Sequence[ClusterLook]:
    report = MonitorReport(survey_of(), ())
    return [ClusterLook(name, "test", None if name in away else report, ()) for name in ("a", "b")]


def world() -> tuple[RoundTrips, Way]:
    way = Way()
    return RoundTrips({"a": "probe"}, lambda *_: way), way


def test_one_is_sent_when_it_is_due() -> None:
    trips, way = world()
    for at_ms in (0, EVERY_MS - 1, EVERY_MS, 2 * EVERY_MS - 1):
        trips.turn(looks(), NOW + at_ms)
    assert way.sent == 2


def test_nothing_is_sent_without_a_topic_or_to_a_cluster_that_is_away() -> None:
    trips, way = world()
    turn = trips.turn(looks("a"), NOW)
    assert (way.sent, turn.signals, turn.returned) == (0, (), ())
    assert turn.blind == {"a/probe"}
    assert RoundTrips({}, lambda *_: way).turn(looks(), NOW).returned == ()
    assert way.sent == 0


def test_what_has_come_back_is_told_for_a_while() -> None:
    trips, way = world()
    trips.turn(looks(), NOW)
    way.answer = 9
    told = trips.turn(looks(), NOW + EVERY_MS).returned
    assert told == (Returned("a", "probe", back=True, waits={bucket_of(7): 1, bucket_of(9): 1}),)
    way.answer = LOST
    (told_later,) = trips.turn(looks(), NOW + EVERY_MS + LATELY_MS + 1).returned
    assert (told_later.back, told_later.waits) == (False, {})


def test_a_record_that_does_not_come_back_is_a_signal_until_one_does() -> None:
    trips, way = world()
    way.answer = LOST
    for at_ms in (0, 1):
        turn = trips.turn(looks(), NOW + at_ms)
        (signal,) = turn.signals
        assert (signal.kind, str(signal.subject)) == (SignalKind.PROBE_LOST, "a / probe")
        assert "did not come back within 10 seconds." in signal.evidence[0]
        assert turn.unseen == (str(LOST),)
    way.answer = 7
    turn = trips.turn(looks(), NOW + EVERY_MS)
    assert (turn.signals, turn.unseen) == ((), ())
