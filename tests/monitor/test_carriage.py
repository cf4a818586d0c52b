"""Waits in buckets, and quantiles of them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.monitor.carriage import UPPER_MAX, bucket_of, quantile_ms, upper_ms


@given(st.integers(0, 2**49))
def test_a_bucket_ends_at_most_a_fifth_above_what_is_in_it(wait_ms: int) -> None:
    assert wait_ms <= upper_ms(bucket_of(wait_ms)) <= max(1, wait_ms * 1.2)


@given(st.lists(st.integers(0, 2**49)))
def test_buckets_are_in_order(waits: list[int]) -> None:
    assert [bucket_of(wait_ms) for wait_ms in sorted(waits)] == sorted(map(bucket_of, waits))


@given(st.lists(st.integers(0, 10**6), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_never_too_small_and_hardly_too_large(waits: list[int], share: float) -> None:
    found = quantile_ms(Counter(map(bucket_of, waits)), share)
    assert found is not None
    assert sum(wait_ms <= found for wait_ms in waits) >= share * len(waits)
    assert sum(1.2 * max(1, wait_ms) < found for wait_ms in waits) < share * len(waits)


@pytest.mark.parametrize(("wait_ms", "bucket"), [(-5, 0), (0, 0), (1, 0), (2, 4), (1024, 40), (2**99, UPPER_MAX)])
def test_cases(wait_ms: int, bucket: int) -> None:
    assert bucket_of(wait_ms) == bucket


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile_ms({}, 0.5) is None
