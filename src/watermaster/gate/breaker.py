"""The breaker: a wrong contract must not quarantine a stream.

When more than the budgeted share of the last records is held, the gate pauses before it commits and alarms. It stays
paused until another activation is in force or an operator lets the stream pass once (`gate resume`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from watermaster.contract.checks import HoldBudget


@dataclass(slots=True)
class Breaker:
    """Held share over the last `budget.window` records of one stream, in batches. Deterministic, no clock."""

    budget: HoldBudget
    _batches: deque[tuple[int, int]] = field(default_factory=deque)
    _records: int = 0
    _held: int = 0
    _excused: bool = False

    @property
    def share(self) -> float:
        """The held share over the window; 0.0 while it is empty."""
        return self._held / self._records if self._records else 0.0

    def observe(self, records: int, held: int) -> bool:
        """Count a judged batch; True if the budget is broken and the batch must not be committed."""
        if self._excused:
            return False
        self._batches.append((records, held))
        self._records += records
        self._held += held
        while self._records - self._batches[0][0] >= self.budget.window:
            old_records, old_held = self._batches.popleft()
            self._records -= old_records
            self._held -= old_held
        return self._records >= self.budget.minimum and self._held > self.budget.share * self._records

    def excuse(self) -> None:
        """An operator accepts what is held, under this activation: let it pass until the next one."""
        self._excused = True
        self.reset()

    def reset(self) -> None:
        """Forget the window: after an abort or an operator's word."""
        self._batches.clear()
        self._records = 0
        self._held = 0
