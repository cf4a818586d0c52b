"""Hours come back from either database, and old ones go."""

from __future__ import annotations

from sqlalchemy import Engine

from watermaster.adapters.database.hours import DatabaseHours
from watermaster.runtime.rhythms import HourCount


def test_hours_come_back(engine: Engine) -> None:
    store = DatabaseHours(engine)
    store.save_hours("a", [HourCount("orders", 7, 1.5), HourCount("orders", 8, 2.0), HourCount("bills", 7, 3.0)], 0)
    store.save_hours("b", [HourCount("orders", 7, 9.0)], 0)
    store.save_hours("a", [HourCount("orders", 8, 4.0)], 0)
    assert list(store.load_hours("a", 7)) == [
        HourCount("bills", 7, 3.0), HourCount("orders", 7, 1.5), HourCount("orders", 8, 4.0)
    ]  # fmt: skip
    assert list(store.load_hours("a", 8)) == [HourCount("orders", 8, 4.0)]
    store.save_hours("a", [], 8)
    assert list(store.load_hours("a", 0)) == [HourCount("orders", 8, 4.0)]
    assert list(store.load_hours("b", 0)) == [HourCount("orders", 7, 9.0)]
