"""Profiles of hours add up and keep no value; a year of flights raises nothing but its blizzard; faults are found."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.inference_world import flights

from watermaster.monitor.profile import KEPT_H, RECORDS_MIN, Change, Profile, judge_profile

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON, max_size=3), max_size=20)


def profile_of(records: Sequence[Mapping[str, Any]]) -> Profile:
    profile = Profile()
    for record in records:
        profile.add(msgspec.json.encode(record))
    return profile


@given(RECORDS, RECORDS)
def test_profiles_add_up_and_come_back(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    whole, parts = profile_of([*first, *second]), profile_of(first)
    parts.merge(profile_of(second))
    assert parts == whole
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Profile) == whole


def test_no_value_is_kept_and_closed_fields_are_not_even_hashed() -> None:
    profile = Profile()
    for number in range(100):
        profile.add(json.dumps({"name": f"ada{number % 3}", "code": "sesame"}).encode(), "name".__eq__)
    text = msgspec.json.encode(profile).decode()
    assert "ada" not in text
    assert "sesame" not in text
    assert profile.fields["name"].texts == {}
    assert len(profile.fields["code"].texts) == 1


def test_what_is_no_object_is_counted_and_nothing_else() -> None:
    profile = Profile()
    for value in (None, b"", b"[1]", b"\x00\x00\x00\x00\x01abc", b"{" * 5_000, b'{"a":1}'):
        profile.add(value)
    assert (profile.records, profile.unread) == (1, 5)


def test_hostile_records_neither_raise_nor_fill_the_database() -> None:
    profile = Profile()
    for value in (b'{"a":-1' + b"0" * 400 + b"}", b'{"a":"\\ud800"}', b'{"' + b"n" * 100_000 + b'":1}'):
        profile.add(value)
    assert profile.records + profile.unread == 3
    assert len(msgspec.json.encode(profile)) < 1_000


def test_numbers_beyond_what_a_double_holds_have_a_size() -> None:
    small, huge = (profile_of([{"a": 10**digits}] * 60) for digits in (1, 400))
    (change,) = judge_profile(huge, [small] * 24) or ()
    assert (change.path, change.change) == ("a", Change.SIZE)


@cache
def year() -> Mapping[int, Profile]:
    """The flights by three hours of their schedule, as so many profiles."""
    found: defaultdict[int, Profile] = defaultdict(Profile)
    for value in flights():
        moment = datetime.fromisoformat(json.loads(value or b"")["time_hour"].replace("Z", "+00:00"))
        found[int(moment.timestamp()) // 3600 // 3].add(value)
    return found


def test_a_year_of_flights_raises_nothing_but_its_blizzard() -> None:
    """On 8 and 9 February 2013 nearly all flights were cancelled: most fields of what was flown are empty."""
    days = set[str]()
    judged = 0
    for hour in sorted(year()):
        before = [year()[at] for at in range(hour - KEPT_H // 3, hour) if at in year()]
        changes = judge_profile(year()[hour], before)
        judged += changes is not None
        if changes:
            days.add(datetime.fromtimestamp(hour * 3 * 3600, UTC).strftime("%m-%d"))
    assert judged > 1_500
    assert days <= {"02-08", "02-09"}


def steady(number: int) -> dict[str, Any]:
    return {
        "id": number, "amount": 10 + number % 90, "currency": ("EUR", "USD", "CHF")[number % 3],
        "note": None if number % 4 else "x", "to": {"city": f"c{number}", "zip": str(8_000 + number % 7)},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("case", "change", "expected"),
    [
        ("1 nothing", lambda _: {}, set()),
        ("2 a field is gone", lambda _: {"amount": None}, {("amount", Change.ABSENT)}),
        ("3 for a third it is no jump", lambda n: {} if n % 3 else {"amount": None}, set()),
        ("4 a text in the place of a number", lambda n: {"amount": str(n)}, {("amount", Change.KIND)}),
        ("5 cents in the place of euros", lambda n: {"amount": 100 * (10 + n % 90)}, {("amount", Change.SIZE)}),
        ("6 ten times as much is a good day", lambda n: {"amount": 10 * (10 + n % 90)}, set()),
        ("7 codes that nobody knew", lambda _: {"currency": "XAU"}, {("currency", Change.VALUES)}),
        ("8 a new field", lambda n: {"iban": n}, {("iban", Change.PRESENT)}),
        ("9 an empty one is filled", lambda _: {"note": "x"}, {("note", Change.PRESENT)}),
        ("10 an object is gone, and said once", lambda _: {"to": None}, {("to", Change.ABSENT)}),
        ("11 new texts where all of them are new", lambda n: {"to": {"city": f"d{n}", "zip": "8001"}}, set()),
    ],
)
def test_faults_are_found(case: str, change: Callable[[int], Mapping[str, Any]], expected: set[object]) -> None:
    before = [profile_of([steady(hour * 100 + number) for number in range(100)]) for hour in range(30)]
    now = profile_of([{**steady(number), **change(number)} for number in range(100)])
    changes = judge_profile(now, before)
    assert changes is not None
    assert {(found.path, found.change) for found in changes} == expected, case


@pytest.mark.parametrize(
    ("case", "ages_ms", "expected"),
    [
        ("1 as they come", [0, 5_000], 0),
        ("2 a clock that is a little fast", [-500_000], 0),
        ("3 a clock that is an hour fast", [-3_600_000], 1),
        ("4 a backfill", [3 * 24 * 3_600_000], 1),
        ("5 one in twenty is late", [*[0] * 19, 3 * 24 * 3_600_000], 0),
    ],
)
def test_timestamps_that_are_late_or_ahead(case: str, ages_ms: Sequence[int], expected: int) -> None:
    hours = [profile_of([steady(number) for number in range(100)]) for _ in range(31)]
    for number in range(100):
        hours[-1].add_age(ages_ms[number % len(ages_ms)])
    changes = judge_profile(hours[-1], hours[:-1])
    assert changes is not None
    assert [change.change for change in changes] == [Change.TIME] * expected, case


def test_little_is_not_enough() -> None:
    hour = profile_of([steady(number) for number in range(RECORDS_MIN)])
    assert judge_profile(hour, [hour] * 24) == ()
    assert judge_profile(hour, [hour] * 23) is None
    assert judge_profile(profile_of([steady(1)]), [hour] * 24) is None
