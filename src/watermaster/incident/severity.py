"""How many alarms a signal is worth: the loudest row of a table that holds for it. A site may bring its own table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from watermaster.incident.signal import Signal, SignalKind

ALARMS_MAX: Final = 5
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS

Alarms = Annotated[int, Field(ge=1, le=ALARMS_MAX)]


@dataclass(frozen=True, slots=True)
class SeverityRow:
    """Holds for signals of a kind (None: of any) for which every bound that is given is known to hold."""

    alarms: Alarms
    signal: SignalKind | None = None
    left_ms_max: int | None = None
    """At most so long until something is lost."""
    waiting_ms_min: int | None = None
    lost_min: int | None = None
    held_share_min: float | None = None
    burn_min: float | None = None
    """Of the windows 14.4, 6 and 1."""
    blast_min: int | None = None
    real_time: bool | None = None

    def holds_for(self, signal: Signal) -> bool:
        """Whether this row speaks of the signal; what is unknown meets no bound."""
        return (
            self.signal in (None, signal.kind)
            and (self.real_time is None or signal.real_time is self.real_time)
            and _at_most(signal.left_ms, self.left_ms_max)
            and _at_least(signal.waiting_ms, self.waiting_ms_min)
            and _at_least(signal.lost_max, self.lost_min)
            and _at_least(signal.held_share, self.held_share_min)
            and _at_least(signal.burn, self.burn_min)
            and _at_least(signal.blast, self.blast_min)
        )


SEVERITIES: Final[tuple[SeverityRow, ...]] = (
    SeverityRow(1, SignalKind.GROUP_ABANDONED),
    SeverityRow(2, SignalKind.CONSUMER_STOPPED),
    SeverityRow(2, SignalKind.CONSUMER_STUCK),
    SeverityRow(2, SignalKind.HELD_SHARE),
    SeverityRow(3, SignalKind.HELD_SHARE, held_share_min=0.5),
    SeverityRow(1, SignalKind.BUDGET_BURN),
    SeverityRow(2, SignalKind.BUDGET_BURN, burn_min=6),
    SeverityRow(3, SignalKind.BUDGET_BURN, burn_min=14.4),
    SeverityRow(2, SignalKind.VOLUME_LOW),
    SeverityRow(1, SignalKind.VOLUME_HIGH),
    SeverityRow(2, SignalKind.FIELDS_CHANGED),
    SeverityRow(1, SignalKind.FIELDS_NEW),
    SeverityRow(2, SignalKind.BATCH_FAILED),
    SeverityRow(2, SignalKind.BATCH_MISSING),
    SeverityRow(3, SignalKind.PROBE_LOST),
    SeverityRow(3, SignalKind.GATE_STOPPED),
    SeverityRow(4, SignalKind.GATE_STOPPED, blast_min=3),
    SeverityRow(4, SignalKind.CLUSTER_UNREACHABLE),
    SeverityRow(3, SignalKind.LOSS_NEAR),
    SeverityRow(4, SignalKind.LOSS_NEAR, left_ms_max=6 * HOUR_MS),
    SeverityRow(5, SignalKind.LOSS_NEAR, left_ms_max=HOUR_MS),
    SeverityRow(5, SignalKind.DATA_LOST),
    SeverityRow(5, real_time=True, waiting_ms_min=6 * HOUR_MS),
)
"""Data that is lost or about to be, and a real-time stream that has stood for six hours, are five alarms."""


def alarms_of(signals: Iterable[Signal], table: Sequence[SeverityRow] = SEVERITIES) -> int:
    """The loudest row for any of the signals; 1 if no row speaks of them, for a signal is never nothing."""
    rows = (row.alarms for signal in signals for row in table if row.holds_for(signal))
    return max(rows, default=1)


def _at_most(value: int | None, bound: int | None) -> bool:
    return bound is None or (value is not None and value <= bound)


def _at_least(value: float | None, bound: float | None) -> bool:
    return bound is None or (value is not None and value >= bound)
