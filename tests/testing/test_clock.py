"""The clock that tests set."""

import pytest

from watermaster.runtime.ports import Clock
from watermaster.testing.clock import START_MS, ManualClock


def test_both_times_pass_together() -> None:
    clock = ManualClock()
    clock.advance(1.5)
    clock.sleep(0.25)
    assert (clock.now_ms(), clock.monotonic_s()) == (START_MS + 1750, 1.75)


def test_only_the_wall_clock_jumps() -> None:
    clock = ManualClock()
    clock.jump_wall(-3600)
    assert (clock.now_ms(), clock.monotonic_s()) == (START_MS - 3_600_000, 0.0)


def test_time_does_not_pass_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        ManualClock().advance(-1)


def test_it_serves_as_the_clock_of_the_runtime() -> None:
    clock: Clock = ManualClock()
    assert clock.now_ms() == START_MS
