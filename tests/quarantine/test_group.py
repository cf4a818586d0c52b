"""Groups: counts that stay small whatever comes, and are the same whether counted at once or in parts."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from letters import COLOUR, PRICE, gate_letter, held

from watermaster.quarantine.group import BUCKETS_MAX, FACET_VALUES_MAX, OTHER, FacetCounts, Groups, Timeline, plot


def test_records_fall_into_groups_the_largest_first() -> None:
    groups = Groups()
    for number in range(5):
        groups.add(held(gate_letter(PRICE, offset=number, at_ms=1_000_000 * number)))
    groups.add(held(gate_letter(COLOUR, offset=9, value=b"{}" * 50)))
    groups.add(held(gate_letter(COLOUR, offset=8, value=b"{}")))
    prices, colours = groups.largest()
    assert (prices.count, prices.first_ms, prices.last_ms) == (5, 0, 4_000_000)
    assert colours.typical is not None
    assert colours.typical.key.offset == 8, "the smallest is the easiest to read"
    assert prices.facets["partition"].counts == {"2": 5}


@given(st.lists(st.tuples(st.integers(0, 2**45), st.integers(1, 5)), max_size=300))
def test_a_timeline_is_bounded_and_counts_everything(times: list[tuple[int, int]]) -> None:
    timeline = Timeline()
    for at_ms, count in times:
        timeline.add(at_ms, count)
    total = sum(count for _, count in times)
    assert len(timeline.counts) <= BUCKETS_MAX
    assert sum(timeline.counts.values()) == sum(timeline.columns(24)) == total
    assert len(plot(timeline.columns(24))) == 24


@given(st.lists(st.integers(0, 10**10), max_size=60), st.integers(0, 60))
def test_parts_that_are_merged_equal_the_whole(times: list[int], cut: int) -> None:
    record = held(gate_letter())
    whole, left, right = Groups(), Groups(), Groups()
    for number, at_ms in enumerate(times):
        facts = msgspec.structs.replace(record, landed_ms=at_ms, value_bytes=number % 7, place_offset=number)
        whole.add(facts)
        (left if number < cut else right).add(facts)
    merged = left.largest() or right.largest()
    if left.largest() and right.largest():
        merged[0].merge(right.largest()[0])
    for one, other in zip(whole.largest(), merged, strict=True):
        assert (one.count, one.first_ms, one.last_ms, one.typical) == (
            other.count,
            other.first_ms,
            other.last_ms,
            other.typical,
        )
        assert sum(one.timeline.counts.values()) == sum(other.timeline.counts.values())


def test_facets_beyond_a_bound_are_counted_together() -> None:
    counts = FacetCounts()
    for number in range(FACET_VALUES_MAX * 3):
        counts.add(f"pod-{number}")
    counts.add("")
    assert len(counts.counts) == FACET_VALUES_MAX + 1
    assert counts.top(1) == [(OTHER, FACET_VALUES_MAX * 2)]


@given(st.dictionaries(st.integers(0, 2**45), st.integers(1, 5), max_size=300))
def test_a_timeline_of_counts_is_that_of_adding_them(counts: dict[int, int]) -> None:
    timeline = Timeline()
    for at_ms, count in counts.items():
        timeline.add(at_ms, count)
    assert Timeline.of(counts) == timeline
