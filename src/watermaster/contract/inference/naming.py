"""What the name of a field says: its words, its unit, the bounds that the world sets."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

UNITS: Final[dict[str, str]] = {
    "ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "millis": "milliseconds", "sec": "seconds",
    "secs": "seconds", "seconds": "seconds", "mins": "minutes", "minutes": "minutes", "hours": "hours", "days": "days",
    "km": "kilometres", "miles": "miles", "meters": "metres", "metres": "metres", "cm": "centimetres",
    "mm": "millimetres", "kg": "kilograms", "lbs": "pounds", "celsius": "degrees Celsius",
    "fahrenheit": "degrees Fahrenheit", "pct": "percent", "percent": "percent", "percentage": "percent",
    "bytes": "bytes", "kb": "kilobytes", "mb": "megabytes", "gb": "gigabytes", "usd": "US dollars", "eur": "euros",
    "gbp": "pounds sterling", "cents": "cents", "kwh": "kilowatt hours", "watts": "watts", "volts": "volts",
    "hz": "hertz", "mph": "miles per hour", "kmh": "kilometres per hour", "bps": "bits per second",
}  # fmt: skip
"""Units by the last word of a name."""

_BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "year": (1900, 2100), "month": (1, 12), "day": (1, 31), "hour": (0, 24), "minute": (0, 60), "second": (0, 60),
    "weekday": (0, 7), "quarter": (1, 4), "lat": (-90, 90), "latitude": (-90, 90), "lon": (-180, 180),
    "lng": (-180, 180), "longitude": (-180, 180), "pct": (0, 100), "percent": (0, 100), "percentage": (0, 100),
    "port": (0, 65_535),
}  # fmt: skip
"""Bounds that the world sets to a quantity of this name, whatever a sample happens to hold."""

TIME_WORDS: Final = frozenset(
    {"at", "time", "ts", "timestamp", "date", "datetime", "created", "updated", "modified", "expires", "expiry",
     "since", "until", "start", "end", "begin", "epoch", "when", "on", "pushed", "occurred", "seen", "reset"}
)  # fmt: skip


@lru_cache(maxsize=8192)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in small letters: `createdAt`, `created_at` and `CREATED-AT` are (created, at)."""
    return tuple(word.lower() for word in _WORD.findall(name))


def unit_of(name: str) -> str | None:
    """The unit that a name ends with."""
    words = words_of(name)
    return UNITS.get(words[-1]) if len(words) > 1 else None


def natural_bounds(name: str) -> tuple[int, int] | None:
    """The bounds of a quantity that is called exactly so."""
    words = words_of(name)
    return _BOUNDS.get(words[-1]) if len(words) <= 2 and words else None  # noqa: PLR2004 - `start_hour`, no phrases


def says_time(name: str) -> bool:
    """Whether a name speaks of a moment."""
    return not TIME_WORDS.isdisjoint(words_of(name))
