"""The monitor over a cluster of values: what it remembers, and that what it cannot see is unknown, because."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.runtime.surveyors import HOUR_MS, NOW, ORDERS, FixedSurveyor, readers, survey_of

from watermaster.monitor.consumer import Condition
from watermaster.monitor.horizon import Doubt
from watermaster.monitor.log import FirstUnread
from watermaster.runtime.lag_summary import horizon_lines
from watermaster.runtime.monitor import Monitor
from watermaster.runtime.observed import Unseen
from watermaster.runtime.survey import Place, Survey

PLACE = Place(ORDERS, 40)
SILENT = Unseen("the first unread record of orders[0]", "its broker did not answer in time.", "WM-KAFKA-TIMEOUT")
REFUSED = "the cluster does not allow it."


def test_a_record_that_could_not_be_read_is_told_and_tried_again() -> None:
    surveyor = FixedSurveyor(survey_of(readers(40)), probes={PLACE: SILENT})
    monitor = Monitor(surveyor)
    report = monitor.look()
    assert report.unseen == (SILENT,)
    (line,) = horizon_lines(report)
    assert (line.known, line.left_ms) == (False, None)
    assert line.because == "its first unread record could not be read: its broker did not answer in time"
    surveyor.probes[PLACE] = FirstUnread(40, NOW - 1000)
    report = monitor.look()
    (line,) = horizon_lines(report)
    assert (line.known, line.left_ms, line.because, report.unseen) == (True, HOUR_MS - 1000, "", ())


UNSEEN: list[tuple[str, Survey, tuple[Doubt, ...], str]] = [
    (
        "the log",
        replace(survey_of(readers(40), unseen=(Unseen(f"the offsets of {ORDERS}", REFUSED, "X"),)), logs={}),
        (Doubt.LOG,),
        "its offsets could not be seen: the cluster does not allow it",
    ),
    (
        "the settings",
        replace(survey_of(readers(40), unseen=(Unseen("the settings of topic orders", REFUSED, "X"),)), settings={}),
        (Doubt.SETTINGS,),
        "its retention could not be seen: the cluster does not allow it",
    ),
    (
        "how long positions are kept",
        replace(
            survey_of(readers(40, 0), unseen=(Unseen("the broker settings of broker 1", REFUSED, "X"),)),
            positions_kept_ms=None,
        ),
        (Doubt.EXPIRY,),
        "when the empty group's position expires cannot be seen: the cluster does not allow it",
    ),
    (
        "how large records are",
        replace(
            survey_of(readers(40)),
            settings={"orders": {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "9"}},
        ),
        (Doubt.VOLUME,),
        "how much is unread and how fast it grows is not known yet",
    ),
]


@pytest.mark.parametrize(("what", "survey", "doubts", "because"), UNSEEN, ids=[row[0] for row in UNSEEN])
def test_what_cannot_be_seen_is_unknown_because_of_it(
    what: str, survey: Survey, doubts: tuple[Doubt, ...], because: str
) -> None:
    report = Monitor(FixedSurveyor(survey, probes={PLACE: FirstUnread(40, NOW - 1000)})).look()
    ((_, position),) = report.positions()
    assert (position.horizon.doubts, position.because) == (doubts, because), what


def test_frequent_looks_still_tell_who_stands() -> None:
    """As many looks as are kept must reach over the patience, and the newest one is never given up."""
    group = replace(readers(40), state="PREPARING_REBALANCING")  # nobody can tell then who reads what
    surveys = [survey_of(group, taken_ms=NOW + 200 * look) for look in range(310)]
    probes = {Place(ORDERS, 40): FirstUnread(40, NOW)}
    monitor = Monitor(FixedSurveyor(*surveys, probes=probes))
    conditions = [next(position for _, position in monitor.look().positions()).condition for _ in surveys]
    assert conditions[298] is not Condition.STUCK, "59.6 s are within the patience"
    assert conditions[302:] == [Condition.STUCK] * 8


def test_where_a_look_cannot_read_all_records_it_knows_some_groups_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty group needs two: its first unread record, and one that it has read."""
    monkeypatch.setattr("watermaster.runtime.monitor.PROBES_MAX", 4)
    groups = [replace(readers(position, 0), group_id=f"g{position}") for position in (20, 40, 60, 80)]
    probes = {Place(ORDERS, at): FirstUnread(at, NOW - 1000) for each in (20, 40, 60, 80) for at in (each, each - 4)}
    monitor = Monitor(FixedSurveyor(survey_of(*groups), probes=probes))
    known = [[position.horizon.known for _, position in monitor.look().positions()] for _ in range(2)]
    assert known == [[True, True, False, False], [True] * 4]
