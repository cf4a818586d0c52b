"""Profiles come back from either database, and old ones go."""

from __future__ import annotations

from sqlalchemy import Engine

from watermaster.adapters.database.profiles import DatabaseProfiles
from watermaster.monitor.profile import Profile
from watermaster.runtime.profiles import HourProfile


def test_profiles_come_back(engine: Engine) -> None:
    store = DatabaseProfiles(engine)
    profile = Profile()
    profile.add('{"a": {"ü": "x", "n": 12.5}, "b": null}'.encode())
    kept = [HourProfile("orders", hour, hour == 8, profile) for hour in (7, 8)]
    store.save_profiles("a", kept, 0)
    store.save_profiles("a", [HourProfile("bills", 8, changed=False, profile=Profile())], 0)
    store.save_profiles("b", [HourProfile("orders", 7, changed=False, profile=Profile())], 0)
    assert list(store.load_profiles("a", ("orders",), 7)) == kept
    store.save_profiles("a", [HourProfile("orders", 8, changed=False, profile=profile)], 8)
    bills = HourProfile("bills", 8, changed=False, profile=Profile())
    same = HourProfile("orders", 8, changed=False, profile=profile)
    assert list(store.load_profiles("a", ("orders", "bills"), 0)) == [same, bills]
    assert len(store.load_profiles("b", ("orders",), 0)) == 1
