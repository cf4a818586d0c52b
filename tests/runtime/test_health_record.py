"""Since when things are wrong, over several looks."""

from __future__ import annotations

from dataclasses import replace

from tests.runtime.surveyors import NOW, ORDERS, FixedSurveyor, readers, survey_of

from watermaster.monitor.health import Problem, Signal
from watermaster.monitor.log import FirstUnread, PartitionLog
from watermaster.runtime.monitor import Monitor
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


def test_a_rebalance_is_watched_from_look_to_look() -> None:
    busy = replace(readers(100), state="PREPARING_REBALANCING")
    looks = [at(0, survey_of(busy)), at(1, survey_of(busy)), at(2, survey_of(readers(100)))]
    monitor = Monitor(FixedSurveyor(*looks))
    assert [signals(monitor.look().problems) for _ in looks] == [[], [(Signal.UNSETTLED, NOW)], []]
