"""How often a batch is promised: the SLA property `frequency` of a contract."""

from __future__ import annotations

from typing import Final

from watermaster.contract.findings import Findings, mappings, text

_DAY_MS: Final = 86_400_000
# `m` is left out: some mean minutes by it and some months, and a wrong guess pages at night.
_UNITS: Final = {
    "s": 1_000, "second": 1_000, "seconds": 1_000,
    "min": 60_000, "minute": 60_000, "minutes": 60_000,
    "h": 3_600_000, "hr": 3_600_000, "hour": 3_600_000, "hours": 3_600_000,
    "d": _DAY_MS, "day": _DAY_MS, "days": _DAY_MS,
    "w": 7 * _DAY_MS, "week": 7 * _DAY_MS, "weeks": 7 * _DAY_MS,
    "y": 366 * _DAY_MS, "yr": 366 * _DAY_MS, "year": 366 * _DAY_MS, "years": 366 * _DAY_MS,
}  # fmt: skip


def cadence_ms(findings: Findings) -> int | None:
    """Milliseconds between two batches; None if the contract promises none, or in words that are not read (said)."""
    for sla in mappings(findings.read.document.get("slaProperties")):
        if text(sla.get("property")) != "frequency":
            continue
        value, unit = sla.get("value"), _UNITS.get((text(sla.get("unit")) or "").casefold())
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and unit is not None:
            return int(value * unit)
        findings.say("The SLA `frequency` is not read: it needs a number and a unit (s, min, h, d, w, y).")
    return None
