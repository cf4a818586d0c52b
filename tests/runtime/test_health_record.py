"""Since when things are wrong, over several looks."""

from __future__ import annotations

from dataclasses import replace

from tests.runtime.surveyors import NOW, ORDERS, FixedSurveyor, readers, survey_of

from watermaster.monitor.health import Problem, Signal
from watermaster.monitor.log import FirstUnread, PartitionLog
from watermaster.monitor.log_directory import LogDirectory
from watermaster.monitor.transaction import Holder
from watermaster.runtime.monitor import Monitor
from watermaster.runtime.observed import Unseen
from watermaster.runtime.survey import Place, Placement, Survey

MINUTE = 60_000


def at(minutes: int, survey: Survey) -> Survey:
    return replace(survey, taken_ms=NOW + minutes * MINUTE)


def signals(problems: tuple[Problem, ...]) -> list[tuple[Signal, int | None]]:
    return [(problem.signal, problem.since_ms) for problem in problems]


def test_a_problem_keeps_its_beginning_until_it_heals() -> None:
    well = survey_of(readers(100))
    ill = replace(well, placements={ORDERS: Placement(1, (1, 2), (1,))})
    looks = [at(0, well), at(1, ill), at(2, ill), at(3, well), at(4, ill)]
    monitor = Monitor(FixedSurveyor(*looks))
    found = [signals(monitor.look().problems) for _ in looks]
    first, again = NOW + MINUTE, NOW + 4 * MINUTE
    both = [(Signal.NO_BROKER, first), (Signal.UNDER_REPLICATED, first)]
    assert found == [[], both, both, [], [(Signal.NO_BROKER, again), (Signal.UNDER_REPLICATED, again)]]


def test_a_transaction_is_as_old_as_its_first_record_or_as_long_as_it_was_watched() -> None:
    still = replace(survey_of(readers(100)), logs={ORDERS: PartitionLog(0, 100, 120)})
    moved = replace(still, logs={ORDERS: PartitionLog(0, 110, 130)})
    unread = Monitor(FixedSurveyor(at(0, still), at(1, still), at(2, moved), at(3, moved)))
    assert [signals(unread.look().problems) for _ in range(4)] == [
        [],
        [(Signal.HANGING_TRANSACTION, NOW)],
        [],
        [(Signal.HANGING_TRANSACTION, NOW + 2 * MINUTE)],
    ]
    began = NOW - 5 * MINUTE
    monitor = Monitor(FixedSurveyor(still, probes={Place(ORDERS, 100): FirstUnread(100, began)}))
    assert signals(monitor.look().problems) == [(Signal.HANGING_TRANSACTION, began)]


def test_who_holds_a_transaction_is_asked_once_it_is_old_and_once_for_each_place() -> None:
    still = replace(survey_of(readers(100)), logs={ORDERS: PartitionLog(0, 100, 120)})
    moved = replace(still, logs={ORDERS: PartitionLog(0, 110, 130)})
    holder = Holder(7, "writer", NOW - MINUTE, 600_000)
    surveyor = FixedSurveyor(*(at(n, still) for n in range(3)), *(at(n, moved) for n in (3, 4)))
    surveyor.held_by[ORDERS] = (holder,)
    monitor = Monitor(surveyor)
    found = [monitor.look().problems for _ in range(5)]
    assert [signals(each) for each in found] == [
        [],
        [(Signal.HANGING_TRANSACTION, NOW - MINUTE)],
        [(Signal.HANGING_TRANSACTION, NOW - MINUTE)],
        [],
        [(Signal.HANGING_TRANSACTION, NOW - MINUTE)],
    ]
    assert "transactional id writer" in found[1][0].text
    assert surveyor.asked == [{ORDERS}, {ORDERS}]


def test_a_holder_that_cannot_be_seen_is_unseen_and_asked_for_again() -> None:
    still = replace(survey_of(readers(100)), logs={ORDERS: PartitionLog(0, 100, 120)})
    surveyor = FixedSurveyor(*(at(n, still) for n in range(3)))
    hidden = Unseen("who holds the transaction on orders[0]", "not allowed.", "WM-KAFKA-DENIED-TOPIC")
    surveyor.held_by[ORDERS] = hidden
    monitor = Monitor(surveyor)
    looks = [monitor.look() for _ in range(3)]
    assert [look.unseen for look in looks] == [(), (hidden,), (hidden,)]
    assert [len(look.problems) for look in looks] == [0, 1, 1]
    assert surveyor.asked == [{ORDERS}, {ORDERS}]


def test_a_transaction_of_old_records_that_has_just_begun_is_no_problem() -> None:
    still = replace(survey_of(readers(100)), logs={ORDERS: PartitionLog(0, 100, 120)})
    last_year = {Place(ORDERS, 100): FirstUnread(100, NOW - 365 * 24 * 60 * MINUTE)}
    surveyor = FixedSurveyor(still, probes=last_year, held_by={ORDERS: (Holder(7, "backfill", NOW - 1, 60_000),)})
    assert Monitor(surveyor).look().problems == ()


def test_a_disk_is_watched_over_hours() -> None:
    def left(usable: int, minutes: int) -> Survey:
        return replace(at(minutes, survey_of()), directories=(LogDirectory(1, "/data", 1, 1_000, usable),))

    looks = [left(490, 0), left(460, 61), at(62, survey_of()), left(430, 122), left(430, 400)]
    monitor = Monitor(FixedSurveyor(*looks))
    found = [[problem.signal for problem in monitor.look().problems] for _ in looks]
    assert found == [[], [Signal.DISK_FILLING], [], [Signal.DISK_FILLING], []]


def test_a_rebalance_is_watched_from_look_to_look() -> None:
    busy = replace(readers(100), state="PREPARING_REBALANCING")
    looks = [at(0, survey_of(busy)), at(1, survey_of(busy)), at(2, survey_of(readers(100)))]
    monitor = Monitor(FixedSurveyor(*looks))
    assert [signals(monitor.look().problems) for _ in looks] == [[], [(Signal.UNSETTLED, NOW)], []]
