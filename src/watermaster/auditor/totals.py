"""Sums of an audit, and the gaps that a gate has declared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeclaredGap:
    """Offsets `[start, end)` that the gate passed over, by its own word."""

    start: int
    end: int
    cause: str
    lost_max: int


@dataclass(slots=True)
class Totals:
    """Sums over the judged ledger entries of one partition, and what the audit itself did."""

    entries: int = 0
    read: int = 0
    passed: int = 0
    held: int = 0
    dropped: int = 0
    lost_max: int = 0
    compared: int = 0
    """Records whose key, value, headers and timestamp were compared with the source."""
    replays: int = 0
    holes: int = 0
    """Offsets that were fetched from landing and held no record."""
