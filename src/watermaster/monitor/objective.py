"""What a contract's service levels come to as objectives: what is bad, and what share of it may be.

ODCS promises a bound and no share, so a latency or a frequency is bad for as long as its bound is passed, and may be
so for the share that `availability` leaves, else for `BUDGET_DEFAULT`. An error rate is a share by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

from watermaster.monitor.promise import duration_ms

BUDGET_DEFAULT: Final = 0.01
"""One part in a hundred: seven hours a month. A contract that promises more says so as `availability`."""

_PERCENT: Final = frozenset({"%", "percent", "pct", "percentage"})
_RATIO: Final = frozenset({"ratio", "share", "fraction"})


class Indicator(Enum):
    """What is measured."""

    LATENCY = "latency"
    """The oldest record that was not judged has waited for too long."""
    AVAILABILITY = "availability"
    """Nobody carries the stream from landing to trusted."""
    ERROR_RATE = "error_rate"
    """Records that are held, of those that are read."""
    FREQUENCY = "frequency"
    """No record has come for too long."""


EVENTS_MIN: Final = 100
"""Of fewer records in a long window a share says little: a single one of ten would be 10 %."""


class BurnWindow(NamedTuple):
    """A pair of windows, of which both must burn `factor` times as fast as the budget lasts. Prometheus durations."""

    factor: float
    long: str
    short: str
    pages: bool

    @property
    def long_ms(self) -> int:
        """The long window in milliseconds."""
        return _window_ms(self.long)

    @property
    def short_ms(self) -> int:
        """The short one."""
        return _window_ms(self.short)


BURN_WINDOWS: Final = (
    BurnWindow(14.4, "1h", "5m", pages=True),
    BurnWindow(6, "6h", "30m", pages=True),
    BurnWindow(1, "3d", "6h", pages=False),
)
"""Of a budget of 30 days: 2 % in an hour, 5 % in six, 10 % in three days (The Site Reliability Workbook, chapter 5)."""


@dataclass(frozen=True, slots=True)
class Objective:
    """`bound_ms` is what must not be passed (None: the indicator is bad or not by itself); `budget` in (0, 1)."""

    indicator: Indicator
    budget: float
    bound_ms: int | None = None


def read_objectives(document: Mapping[str, Any]) -> tuple[Objective, ...]:
    """The objectives of a contract's document, one for an indicator; of two about the same, the stricter one counts."""
    entries = [(str(entry.get("property")), entry) for entry in document.get("slaProperties") or ()]
    up, errors = _shares(entries, ("availability", "av")), _shares(entries, ("errorrate", "er"))
    budget = 1 - max(up) if up else BUDGET_DEFAULT
    found = [*_timed(entries, ("latency", "ly"), Indicator.LATENCY, budget)]
    if up:
        found.append(Objective(Indicator.AVAILABILITY, budget))
    if errors:
        found.append(Objective(Indicator.ERROR_RATE, min(errors)))
    found += _timed(entries, ("frequency", "fy"), Indicator.FREQUENCY, budget)
    return tuple(found)


def _shares(entries: list[tuple[str, Mapping[str, Any]]], names: tuple[str, ...]) -> list[float]:
    return [share for name, entry in entries if name.lower() in names if (share := _share(entry)) is not None]


def _timed(
    entries: list[tuple[str, Mapping[str, Any]]], names: tuple[str, ...], indicator: Indicator, budget: float
) -> Iterator[Objective]:
    bounds = [duration_ms(entry.get("value"), entry.get("unit")) for name, entry in entries if name.lower() in names]
    known = [bound for bound in bounds if bound is not None]
    if known:
        yield Objective(indicator, budget, min(known))


def _window_ms(text: str) -> int:
    ms = duration_ms(int(text[:-1]), {"m": "min"}.get(text[-1], text[-1]))
    if ms is None:
        raise ValueError(text)
    return ms


def _share(entry: Mapping[str, Any]) -> float | None:
    """A number with a unit as a share between 0 and 1, both excluded; None for what has not one meaning."""
    value, unit = entry.get("value"), str(entry.get("unit") or "").lower()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    # Without a unit, 99.9 can only be percent; 0.5 may be either.
    percent = unit in _PERCENT or (not unit and value > 1)
    share = round(value / 100, 12) if percent else value if unit in _RATIO else 0
    return float(share) if 0 < share < 1 else None
