"""Whether an objective is missed now, as far as one look can say: yes, no, or not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watermaster.monitor.consumer import Condition
from watermaster.monitor.lag import Evidence
from watermaster.monitor.log import PartitionLog
from watermaster.runtime.lag_summary import LagLine


def is_late(line: LagLine | None, bound_ms: int) -> bool | None:
    """Whether the oldest unread record has waited for longer than the bound; None where the error leaves a doubt."""
    if line is None or line.records is None:
        return None
    if line.records == 0:
        return False
    if line.time_ms is None:
        return None
    if line.evidence is Evidence.AT_LEAST:
        return True if line.time_ms > bound_ms else None
    if line.time_ms + line.time_error_ms <= bound_ms:
        return False
    return True if line.time_ms - line.time_error_ms > bound_ms else None


def is_away(line: LagLine | None) -> bool | None:
    """Nobody is in the gate's group, or somebody who does not move while records wait."""
    if line is None or line.members is None:
        return None
    return line.members == 0 or line.condition is Condition.STUCK


@dataclass(slots=True)
class Growth:
    """When the log of a topic was seen to grow: `grown_ms` None if never so far, `end` None before the first look."""

    end: int | None = None
    grown_ms: int | None = None
    first_ms: int = 0

    def see(self, logs: Sequence[PartitionLog], now_ms: int) -> None:
        """One look at its partitions; none of them could be seen if there are none."""
        if not logs:
            return
        end = sum(log.end for log in logs)
        if self.end is None:
            self.first_ms = now_ms
        elif end > self.end:
            self.grown_ms = now_ms
        self.end = end

    def is_silent(self, bound_ms: int, now_ms: int) -> bool | None:
        """Whether nothing has come for longer than the bound."""
        if self.end is None:
            return None
        if self.grown_ms is not None:
            return now_ms - self.grown_ms > bound_ms
        # It was never seen to grow, so when it last did is not known until the bound has passed.
        return True if now_ms - self.first_ms > bound_ms else None
