"""Whether a topic gets about as many records as usual at this hour of the week.

What is usual is the median of the same hour in the last five weeks, or, before there are three of them, of the same
hour in the last seven days: odd ones do not count. Clocks that are put forward move a rhythm by an hour, so the hours
beside it bear an hour out too; and a holiday is quieter than any week, so that only far too little, for two hours, is
too little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import Final

HOUR_MS: Final = 3_600_000
DAY_H: Final = 24
WEEK_H: Final = 7 * DAY_H
WEEKS: Final = 5
WEEKS_MIN: Final = 3
DAYS_MIN: Final = 5
KEPT_H: Final = WEEKS * WEEK_H + 2
"""Hours that a judgement may look back on."""

SIGMA: Final = 1.4826
"""Median absolute deviations to a standard deviation, where a distribution is normal."""
LOW_SIGMAS: Final = 4
HIGH_SIGMAS: Final = 6
LOW_SHARE: Final = 0.3
"""Of the usual: what is above it is never too little. Thanksgiving keeps a third of the flights."""
HIGH_FACTOR: Final = 3
"""Times the usual: what is below it is never too much."""
LOW_HOURS: Final = 2
USUAL_MIN: Final = 10
"""Records in an hour; of fewer, no share says anything."""


class Volume(Enum):
    """What an hour was."""

    USUAL = "usual"
    LOW = "low"
    HIGH = "high"
    UNKNOWN = "unknown"
    """It was not seen whole, or too little is known of hours like it."""


@dataclass(frozen=True, slots=True)
class Band:
    """Records in an hour: what is usual, and what is still no reason to worry, both ends included."""

    usual: float
    low: float
    high: float


def usual_band(counts: Mapping[int, float], hour: int) -> Band | None:
    """What is usual for an hour (counted since the epoch), by those before it; None if too little is known."""
    samples = [_like(counts, hour + beside) for beside in (-1, 0, 1)]
    if any(sample is None for sample in samples):
        return None
    bands = [_band(sample) for sample in samples if sample is not None]
    usual = bands[1].usual
    return Band(usual, min(band.low for band in bands), max(band.high for band in bands))


def judge_hour(counts: Mapping[int, float], hour: int) -> Volume:
    """What a whole hour was; too little must have come in the one before it too."""
    if hour not in counts:
        return Volume.UNKNOWN
    band = usual_band(counts, hour)
    if band is None:
        return Volume.UNKNOWN
    if counts[hour] > band.high:
        return Volume.HIGH
    return Volume.LOW if all(_is_low(counts, hour - before) for before in range(LOW_HOURS)) else Volume.USUAL


def _is_low(counts: Mapping[int, float], hour: int) -> bool:
    band = usual_band(counts, hour)
    return band is not None and hour in counts and counts[hour] < band.low


def _like(counts: Mapping[int, float], hour: int) -> Sequence[float] | None:
    weeks = [counts[at] for week in range(1, WEEKS + 1) if (at := hour - week * WEEK_H) in counts]
    if len(weeks) >= WEEKS_MIN:
        return weeks
    days = [counts[at] for day in range(1, 8) if (at := hour - day * DAY_H) in counts]
    return days if len(days) >= DAYS_MIN else None


def _band(sample: Sequence[float]) -> Band:
    usual = median(sample)
    if usual < USUAL_MIN:
        # Where next to nothing is usual, nothing is too little, and a first batch is no flood.
        return Band(usual, 0.0, float("inf"))
    sigma = SIGMA * median(abs(count - usual) for count in sample)
    chance = usual**0.5
    low = usual - max(LOW_SIGMAS * sigma, (1 - LOW_SHARE) * usual, LOW_SIGMAS * chance)
    high = usual + max(HIGH_SIGMAS * sigma, (HIGH_FACTOR - 1) * usual, HIGH_SIGMAS * chance)
    return Band(usual, max(0.0, low), high)
