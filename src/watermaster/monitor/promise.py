"""What a contract promises about time: the `slaProperties` of ODCS as numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from watermaster.contract.compiler import owner

MINUTE_MS: Final = 60_000

_UNIT_MS: Final[Mapping[str, int]] = {
    name: ms
    for names, ms in (
        (("ms", "millisecond", "milliseconds"), 1),
        (("s", "sec", "second", "seconds"), 1_000),
        (("min", "minute", "minutes"), MINUTE_MS),
        (("h", "hr", "hour", "hours"), 3_600_000),
        (("d", "day", "days"), 86_400_000),
        (("w", "week", "weeks"), 604_800_000),
        (("y", "yr", "year", "years"), 31_557_600_000),
    )
    for name in names
}
"""`m` is left out: it may be minutes or months, and a guess would be wrong by a factor of 43,800."""

_PROPERTIES: Final[Mapping[str, str]] = {
    "latency": "latency",
    "ly": "latency",
    "retention": "retention",
    "re": "retention",
    "frequency": "frequency",
    "fy": "frequency",
    "timetodetect": "timeToDetect",
    "td": "timeToDetect",
    "timetonotify": "timeToNotify",
    "tn": "timeToNotify",
    "timetorepair": "timeToRepair",
    "tr": "timeToRepair",
}
"""ODCS's names and their abbreviations, which are read in any case."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Durations in milliseconds; None: not promised. `unread` names what is promised in no form that we can read."""

    latency_ms: int | None = None
    retention_ms: int | None = None
    frequency_ms: int | None = None
    detect_ms: int | None = None
    notify_ms: int | None = None
    repair_ms: int | None = None
    """How soon a problem is noticed, told and mended."""
    owned: bool = False
    unread: tuple[str, ...] = ()


def read_promise(document: Mapping[str, Any]) -> Promise:
    """The promises of a contract's document; of two about the same, the stricter one counts."""
    found: dict[str, int] = {}
    unread: list[str] = []
    for entry in document.get("slaProperties") or ():
        name = _PROPERTIES.get(str(entry.get("property")).casefold())
        if name is None:
            continue
        ms = duration_ms(entry.get("value"), entry.get("unit"))
        if ms is None:
            unread.append(name)
        else:
            stricter = max if name == "retention" else min
            found[name] = stricter(ms, found.get(name, ms))
    return Promise(
        latency_ms=found.get("latency"),
        retention_ms=found.get("retention"),
        frequency_ms=found.get("frequency"),
        detect_ms=found.get("timeToDetect"),
        notify_ms=found.get("timeToNotify"),
        repair_ms=found.get("timeToRepair"),
        owned=owner(document) is not None,
        unread=tuple(unread),
    )


def duration_ms(value: object, unit: object) -> int | None:
    """Milliseconds; None for what is no positive number with a unit that has one meaning."""
    unit_ms = _UNIT_MS.get(unit.lower()) if isinstance(unit, str) else None
    if unit_ms is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or value <= 0:
        return None
    return math.ceil(value * unit_ms)
