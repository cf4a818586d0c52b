"""Budgets: slots that are folded lose nothing, stay few, and can be kept elsewhere; rates as the workbook has them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermaster.monitor.budget import (
    BUDGET_MS,
    DAY_MS,
    HOUR_MS,
    SLOTS_MAX,
    TIERS,
    Amount,
    BadHistory,
    SlotKey,
    judge_budget,
)
from watermaster.monitor.objective import BURN_WINDOWS, Indicator, Objective
from watermaster.monitor.promise import MINUTE_MS

NOW = 1_000 * DAY_MS + 12_345
LATE = Objective(Indicator.LATENCY, 0.01, 60_000)
HELD = Objective(Indicator.ERROR_RATE, 0.01)


def bad_for(length_ms: int, ago_ms: int = 0, *, bad: bool = True) -> BadHistory:
    history = BadHistory()
    history.add_span(NOW - ago_ms - length_ms, NOW - ago_ms, bad=bad)
    return history


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 8 * HOUR_MS), st.booleans(), st.integers(0, 600_000)), min_size=1, max_size=60
    )
)
def test_folding_loses_nothing_and_what_is_kept_elsewhere_is_the_same(steps: list[tuple[int, bool, int]]) -> None:
    history, elsewhere = BadHistory(), dict[SlotKey, Amount]()
    now, bad_ms, seen_ms = NOW, 0, 0
    for pause_ms, bad, length_ms in steps:
        now += max(pause_ms, length_ms)
        history.add_span(now - length_ms, now, bad=bad)
        history.fold(now)
        for key, amount in history.take_changes().items():
            if amount is None:
                elsewhere.pop(key, None)
            else:
                elsewhere[key] = amount
        seen_ms += length_ms
        bad_ms += length_ms if bad else 0
        assert elsewhere == dict(history.slots())
    if now - NOW < BUDGET_MS - HOUR_MS:
        whole = history.over(BUDGET_MS, now)
        assert (whole.bad, whole.seen) == pytest.approx((bad_ms, seen_ms))
    assert history.over(BUDGET_MS, now).bad <= bad_ms + 1e-6
    assert all(now - key.start_ms < tier.kept_ms + 2 * tier.width_ms for key, _ in history.slots() for tier in TIERS
               if tier.width_ms == key.width_ms)  # fmt: skip


@given(st.integers(0, 40 * DAY_MS), st.integers(1, 12 * HOUR_MS), st.sampled_from(BURN_WINDOWS))
@settings(max_examples=200)
def test_a_window_is_right_up_to_one_slot(ago_ms: int, length_ms: int, window: object) -> None:
    history = bad_for(length_ms, ago_ms)
    history.fold(NOW)
    for width_ms in {ms for w in BURN_WINDOWS for ms in (w.long_ms, w.short_ms)}:
        inside = max(0, min(NOW, NOW - ago_ms) - max(NOW - width_ms, NOW - ago_ms - length_ms))
        slot_ms = next((tier.width_ms for tier in TIERS if width_ms <= tier.kept_ms), HOUR_MS)
        assert abs(history.over(width_ms, NOW).bad - inside) <= slot_ms


def test_a_month_of_looks_needs_few_slots() -> None:
    history = BadHistory()
    for minute in range(0, 35 * DAY_MS, 5 * MINUTE_MS):
        history.add(NOW + minute, Amount(1, 2))
        if minute % HOUR_MS == 0:
            history.fold(NOW + minute)
    assert sum(1 for _ in history.slots()) <= SLOTS_MAX < 1_600


# For a budget of 1 %: what share of which windows must be bad, by the pairs 14.4 of 1h/5m, 6 of 6h/30m, 1 of 3d/6h.
@pytest.mark.parametrize(
    ("case", "history", "factor"),
    [
        ("1 nothing seen", BadHistory(), None),
        ("2 all good", bad_for(DAY_MS, bad=False), None),
        ("3 8 min of the last hour are 13 %", bad_for(8 * MINUTE_MS), None),
        ("4 9 min of the last hour are 15 %", bad_for(9 * MINUTE_MS), 14.4),
        ("5 the same, over for 6 min", bad_for(9 * MINUTE_MS, 6 * MINUTE_MS), None),
        ("6 22 min, over for 6 min: 6.1 % of 6 h", bad_for(22 * MINUTE_MS, 6 * MINUTE_MS), 6),
        ("7 the same, over for an hour: 0.5 % of 3 d", bad_for(22 * MINUTE_MS, HOUR_MS), None),
        ("8 50 min, over for an hour: 1.2 % of 3 d", bad_for(50 * MINUTE_MS, HOUR_MS), 1),
        ("9 the same, over for 7 h", bad_for(50 * MINUTE_MS, 7 * HOUR_MS), None),
    ],
)
def test_the_pairs_of_windows(case: str, history: BadHistory, factor: float | None) -> None:
    burning = judge_budget(LATE, history, NOW).burning
    assert (burning and burning.window.factor) == factor, case


def test_time_that_nobody_saw_raises_nothing_and_is_not_called_good() -> None:
    budget = judge_budget(LATE, bad_for(MINUTE_MS), NOW)
    assert budget.burning is None
    assert budget.burns[0].long is None, "a minute says nothing of an hour"
    assert budget.seen == pytest.approx(MINUTE_MS / BUDGET_MS)
    assert judge_budget(LATE, BadHistory(), NOW).left is None


@pytest.mark.parametrize(
    ("held", "read", "factor"), [(50, 99, None), (50, 100, 14.4), (14, 100, 6), (0, 10_000, None), (99, 10_000, None)]
)
def test_records_are_counted_once_there_are_enough(held: int, read: int, factor: float | None) -> None:
    history = BadHistory()
    history.add(NOW - 1, Amount(held, read))
    budget = judge_budget(HELD, history, NOW)
    assert (budget.burning and budget.burning.window.factor) == factor
    assert budget.left == pytest.approx(1 - held / read / 0.01)


def test_what_is_read_again_replaces_what_was_counted() -> None:
    history = BadHistory()
    for minute in range(5):
        history.add(NOW + minute * MINUTE_MS, Amount(1, 10))
    since_ms = history.forget_since(NOW + 3 * MINUTE_MS)
    assert since_ms <= NOW + 3 * MINUTE_MS < since_ms + MINUTE_MS
    assert history.over(HOUR_MS, NOW + 5 * MINUTE_MS) == Amount(3, 30)
