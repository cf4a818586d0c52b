"""The fields of a stream as rows: shares of what could have them, and spreads without a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.monitor.field_table import FieldRow, Spread, describe_fields
from watermaster.monitor.profile import RECORDS_MIN, Profile


def profile_of(*documents: dict[str, Any]) -> Profile:
    profile = Profile()
    for document in documents:
        profile.add(json.dumps(document).encode())
    return profile


def rows_of(now: Profile, *before: Profile) -> dict[str, FieldRow]:
    return {row.path: row for row in describe_fields(now, before, [*before, None, now])}


def test_a_value_null_and_missing_are_three_things() -> None:
    row = rows_of(profile_of({"a": 1}, {"a": None}, {"b": 1}, {"a": 2}))["a"]
    assert (row.of, row.present, row.null, row.missing) == (4, 0.5, 0.25, pytest.approx(0.25))
    assert row.kinds == {"number": 2, "null": 1}


def test_members_are_shares_of_the_objects_above_them() -> None:
    rows = rows_of(profile_of({"a": {"b": 1}}, {"a": {}}, {"c": 1}))
    assert (rows["a"].of, rows["a"].present) == (3, pytest.approx(2 / 3))
    assert (rows["a.b"].of, rows["a.b"].present, rows["a.b"].missing) == (2, 0.5, 0.5)


def test_a_field_that_is_gone_stays_in_the_table() -> None:
    usual = profile_of(*({"a": 1, "b": number % 2 or None} for number in range(RECORDS_MIN)))
    row = rows_of(profile_of({"a": 1}), usual)["b"]
    assert (row.present, row.missing, row.usual) == (0.0, 1.0, (0.5, 0.5))
    assert row.by_hour == (0.5, None, 0.0)


def test_hours_with_few_records_say_nothing_of_what_is_usual() -> None:
    few = profile_of(*({"a": 1} for _ in range(RECORDS_MIN - 1)))
    assert rows_of(profile_of({"a": 1}), few)["a"].usual is None


def test_numbers_spread_over_half_powers_of_ten_without_gaps() -> None:
    row = rows_of(profile_of(*({"a": value} for value in (0, 1, 2, 1_000, -1_000))))["a"]
    assert row.numbers == Spread(0, (2, 0, 0, 0, 0, 0, 2), zeros=1)
    assert rows_of(profile_of({"a": 0}))["a"].numbers == Spread(0, (), zeros=1)


def test_texts_are_counted_and_not_shown() -> None:
    row = rows_of(profile_of(*({"a": value} for value in ("SECRET", "x", "SECRET"))))["a"]
    assert (row.texts, row.many, row.numbers) == ((2, 1), False, None)
    assert "SECRET" not in repr(row)
    assert rows_of(profile_of(*({"a": str(number)} for number in range(100))))["a"].many


SCALARS = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=3)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), SCALARS, max_size=3), min_size=1, max_size=30))
def test_shares_are_whole(documents: list[dict[str, Any]]) -> None:
    for row in rows_of(profile_of(*documents)).values():
        assert row.present + row.null + row.missing == pytest.approx(1)
        assert row.missing >= -1e-12
        assert sum(row.texts) + (sum(row.numbers.counts) + row.numbers.zeros if row.numbers else 0) <= row.of
