"""Histories come back from either database as they were left."""

from __future__ import annotations

from sqlalchemy import Engine

from watermaster.adapters.database.budgets import DatabaseBudgets
from watermaster.monitor.budget import DAY_MS, HOUR_MS, Amount, BadHistory

NOW = 1_000 * DAY_MS


def test_histories_come_back(engine: Engine) -> None:
    store = DatabaseBudgets(engine)
    assert store.load(["a", "b"]) == {}
    histories = {"a": BadHistory(), "b": BadHistory()}
    for step in range(40):
        now = NOW + step * 5 * HOUR_MS
        histories["a"].add_span(now - HOUR_MS, now, bad=bool(step % 2))
        histories["b"].add(now, Amount(0.5, step))
        for history in histories.values():
            history.fold(now)
        store.save({name: history.take_changes() for name, history in histories.items()})
    kept = store.load([*(f"other {number}" for number in range(500)), "a", "b"])
    assert {name: dict(slots) for name, slots in kept.items()} == {
        name: dict(history.slots()) for name, history in histories.items()
    }
    assert set(store.load(["b"])) == {"b"}
