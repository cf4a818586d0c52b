"""Promised reactions: numbered cases of what is kept, passed and not known; a late repair is one alarm louder."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signals import problem, signal

from watermaster.incident.incident import Incident, resolve
from watermaster.incident.life import State
from watermaster.incident.progress import Policy, advance
from watermaster.incident.promise_keeping import judge_reactions
from watermaster.incident.reaction import (
    WAITING_MS_MAX,
    Reaction,
    ReactionPromise,
    Times,
    first_bad_ms,
    measure_reactions,
    strictest,
)
from watermaster.incident.signal import Signal, SignalKind

DETECT, NOTIFY, REPAIR = Reaction.DETECT, Reaction.NOTIFY, Reaction.REPAIR
ALL = ReactionPromise(10, 20, 30)
POLICY = Policy(raise_after_ms=0, clear_after_ms=100, return_within_ms=1000)


def times(
    began_ms: int | None, opened_ms: int, notified_ms: int | None, repaired_ms: int | None, *, paged: bool = True
) -> Times:
    return Times(began_ms, opened_ms, paged, notified_ms, repaired_ms)


@pytest.mark.parametrize(
    ("number", "promise", "moments", "expected"),
    [
        (1, ALL, times(95, 100, 120, 130), [(DETECT, 5, False), (NOTIFY, 20, False), (REPAIR, 30, False)]),
        (2, ALL, times(89, 100, 121, 131), [(DETECT, 11, True), (NOTIFY, 21, True), (REPAIR, 31, True)]),
        (3, ALL, times(None, 100, None, None, paged=False), [(REPAIR, 100, True)]),  # nobody was to be told
        (4, ALL, times(100, 100, None, None), [(DETECT, 0, False), (NOTIFY, 100, True), (REPAIR, 100, True)]),
        (5, ALL, times(101, 100, 110, 105, paged=False), [(DETECT, 0, False), (NOTIFY, 10, False), (REPAIR, 5, False)]),
        (6, ReactionPromise(repair_ms=100), times(1, 100, 5, None), [(REPAIR, 100, False)]),
        (7, ReactionPromise(), times(1, 100, 5, None), []),
    ],
)
def test_what_was_kept(
    number: int, promise: ReactionPromise, moments: Times, expected: list[tuple[Reaction, int, bool]]
) -> None:
    found = measure_reactions(promise, moments, now_ms=200)
    assert [(each.reaction, each.taken_ms, each.passed) for each in found] == expected, number


@pytest.mark.parametrize(
    ("signals", "clear_ms", "expected"),
    [
        ([signal(seen_ms=100, waiting_ms=40)], None, 60),
        ([signal(seen_ms=100, waiting_ms=40)], 80, 80),  # it was not bad then, whatever timestamps say
        ([signal(seen_ms=100, waiting_ms=40)], 50, 60),
        ([signal(seen_ms=100, waiting_ms=40), signal(seen_ms=100, waiting_ms=50)], None, 50),
        ([signal(seen_ms=100, waiting_ms=-30)], None, 110),  # never later than now
        ([signal(seen_ms=100)], 80, None),
        ([signal(SignalKind.LOSS_NEAR, seen_ms=100, waiting_ms=40)], None, None),  # waiting alone is not bad
        ([signal(seen_ms=10**12, waiting_ms=WAITING_MS_MAX + 1)], None, None),  # a timestamp of 1970
    ],
)
def test_since_when_it_is_bad(signals: list[Signal], clear_ms: int | None, expected: int | None) -> None:
    now_ms = 110 if signals[0].seen_ms == 100 else signals[0].seen_ms
    assert first_bad_ms(signals, clear_ms, now_ms) == expected


def test_of_two_contracts_the_stricter_one_counts() -> None:
    assert strictest([]) is None
    assert strictest([ReactionPromise()]) is None
    both = strictest([ReactionPromise(5, None, 30), ReactionPromise(repair_ms=20)])
    assert both == ReactionPromise(5, None, 20)


def opened(promise: ReactionPromise, began_ms: int | None = None, at_ms: int = 100) -> Incident:
    found = replace(problem(), promised=promise, began_ms=began_ms)
    (incident,) = advance([], {}, [found], (), POLICY, at_ms).changed
    return replace(incident, number=7)


def texts(incident: Incident) -> list[str]:
    return [entry.text for entry in incident.timeline]


def test_a_late_repair_is_one_alarm_louder_and_told_once() -> None:
    promise = ReactionPromise(detect_ms=10, repair_ms=1_000)
    incident = opened(promise, began_ms=60)
    assert (incident.alarms, incident.began_ms) == (2, 60)
    incident = judge_reactions(incident, 100)
    assert texts(incident)[1:] == ["timeToDetect passed: 0 s of 0 s, by its contract"]
    assert judge_reactions(incident, 1_100) is incident, "not more than promised"
    late = judge_reactions(incident, 1_101)
    assert (late.alarms, late.passed) == (3, (DETECT, REPAIR))
    assert texts(late)[-1] == "timeToRepair passed: 1 s of 1 s, by its contract; rises from 2 to 3 alarms"
    assert judge_reactions(late, 9_999) == late
    # What its signals are worth is one more from now on, and five stay five.
    seen = replace(problem(signal(SignalKind.GATE_STOPPED)), promised=promise)
    (louder,) = advance([late], {}, [seen], (), POLICY, 1_200).changed
    assert louder.alarms == 4
    lost = replace(problem(signal(SignalKind.DATA_LOST)), promised=promise)
    (loudest,) = advance([louder], {}, [lost], (), POLICY, 1_300).changed
    assert loudest.alarms == 5


def test_five_alarms_are_not_louder_for_a_late_repair() -> None:
    incident = replace(opened(ReactionPromise(repair_ms=1)), alarms=5)
    late = judge_reactions(incident, 200)
    assert late.alarms == 5
    assert "rises" not in texts(late)[-1]


def test_what_is_mended_and_only_waits_to_be_closed_is_not_late() -> None:
    incident = opened(ReactionPromise(repair_ms=50))
    (clearing,) = advance([incident], {}, [], (), POLICY, 140).changed
    assert judge_reactions(clearing, 239).passed == ()
    (closed,) = advance([clearing], {}, [], (), POLICY, 240).changed
    closed = judge_reactions(closed, 240)
    assert (closed.state, closed.passed) == (State.RESOLVED, ())
    assert "; timeToRepair kept: 0 s of 0 s; its signals are gone." in (closed.summary or "")


def test_a_late_repair_that_is_done_wakes_nobody() -> None:
    incident = opened(ReactionPromise(repair_ms=50))
    (clearing,) = advance([incident], {}, [], (), POLICY, 200).changed
    late = judge_reactions(clearing, 200)
    assert (late.state, late.passed, late.alarms) == (State.OPEN, (REPAIR,), incident.alarms)
    assert "rises" not in texts(late)[-1]


def test_a_summary_tells_of_every_promise() -> None:
    promise = ReactionPromise(3_600_000, 60_000, 3_600_000)
    incident = replace(opened(promise, began_ms=40), notified_ms=61_100, paged=("pager",))
    done = resolve(incident, "ada", "restarted", 7_200_101)
    assert done is not None
    assert (
        "; timeToDetect kept: 0 s of 60 min; timeToNotify passed: 61 s of 60 s; timeToRepair passed: 2 h of 60 min;"
        in (done.summary or "")
    )
    late = judge_reactions(done, 7_200_101)
    assert late.passed == (NOTIFY, REPAIR)
    assert late.alarms == incident.alarms, "it is over: nobody is to be woken by it"


@given(st.lists(st.tuples(st.sampled_from(["seen", "gone", "blind"]), st.integers(1, 60)), max_size=40))
def test_each_promise_is_told_once_whatever_happens(history: list[tuple[str, int]]) -> None:
    incident, now_ms = opened(ReactionPromise(1, 1, 50), began_ms=0), 100
    for look, passed_ms in history:
        now_ms += passed_ms
        found = [replace(problem(), promised=incident.promised)] if look == "seen" else []
        blind = {"primary"} if look == "blind" else set[str]()
        for changed in advance([incident], {incident.key: 0}, found, blind, POLICY, now_ms).changed:
            if changed.number == incident.number:
                incident = changed
        was = incident.alarms
        incident = judge_reactions(incident, now_ms)
        assert was <= incident.alarms <= was + 1
        assert len(set(incident.passed)) == len(incident.passed)
        told = [text for text in texts(incident) if " passed: " in text]
        assert len(told) == len(incident.passed)
