from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watermaster.auditor.report import AuditMode
from watermaster.auditor.sample import BLOCK_OFFSETS, Sample


@given(st.sampled_from(list(AuditMode)), st.integers(0, 99), st.integers(0, 10**6), st.integers(0, 10**5))
def test_landing_is_read_exactly_where_bytes_are_wanted(
    mode: AuditMode, partition: int, start: int, length: int
) -> None:
    sample = Sample(mode, 0.3, seed=7).of(partition)
    ranges = list(sample.ranges(start, start + length))
    for offset in range(start, start + length, 997):
        assert sample.wants(offset) == any(low <= offset < high for low, high in ranges)


def test_about_the_wanted_share_is_chosen_and_partitions_and_seeds_differ() -> None:
    chosen = {}
    for seed in (0, 1):
        for partition in range(4):
            sample = Sample(AuditMode.SAMPLED, 0.05, seed).of(partition)
            chosen[seed, partition] = tuple(sample.wants(block * BLOCK_OFFSETS) for block in range(20_000))
            assert 0.04 < sum(chosen[seed, partition]) / 20_000 < 0.06
    assert len(set(chosen.values())) == 8
    for first in chosen.values():
        for second in chosen.values():
            if first is not second:
                both = sum(a and b for a, b in zip(first, second, strict=True))
                assert both < 150  # 50 by chance
