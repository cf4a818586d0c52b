"""What a replay has done, or a dry run would do, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from watermaster.runtime.judged import Fate, Judged


@dataclass(slots=True)
class ReplayTally:
    """What has been committed, by fate."""

    fates: Counter[Fate] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    """Broken rules of the records that still fail."""
    fixed: int = 0
    """Changed by a fix, and replayed."""
    stale: int = 0
    """Replayed although downstream has a newer record of the key."""
    transactions: int = 0
    seconds: float = 0.0
    """From the beginning to the last commit."""

    def add(self, judged: Judged, records: int = 1) -> None:
        """Count one record, or so many that are alike."""
        self.fates[judged.fate] += records
        if judged.fate is Fate.PASSES:
            self.fixed += records if judged.fix else 0
            self.stale += records if judged.is_stale else 0
        for broken in judged.broken:
            self.rules[broken.rule] += records

    def merge(self, other: ReplayTally) -> None:
        """Add what another tally has counted."""
        self.fates.update(other.fates)
        self.rules.update(other.rules)
        self.fixed += other.fixed
        self.stale += other.stale
        self.transactions += other.transactions
        self.seconds += other.seconds
