"""Two contracts on the same records: whose verdict changes, and by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watermaster.gate.verdict import PASSED, Outcome, Verdict
from watermaster.runtime.observe_tally import ReasonTally, errors_of
from watermaster.stream.batch import RecordBatch


@dataclass(slots=True)
class Comparison:
    """Counts of changed verdicts. Dropped records count as held: neither would be forwarded."""

    show_values: bool = False
    held_by_both: int = 0
    newly_held: int = 0
    newly_passed: int = 0
    holding: ReasonTally = field(init=False)
    """Why the other contract holds what the first one lets pass: the other's rules."""
    releasing: ReasonTally = field(init=False)
    """Why the first contract holds what the other one lets pass: the first one's rules."""

    def __post_init__(self) -> None:
        self.holding = ReasonTally(self.show_values)
        self.releasing = ReasonTally(self.show_values)

    def add(self, batch: RecordBatch, first: Mapping[int, Verdict], other: Mapping[int, Verdict]) -> None:
        """Count one batch by the verdicts of both contracts, where a missing index means passed."""
        for index in sorted(first.keys() | other.keys()):
            before, after = first.get(index, PASSED), other.get(index, PASSED)
            match (before.outcome is Outcome.PASS, after.outcome is Outcome.PASS):
                case (True, False):
                    self.newly_held += 1
                    self.holding.add(batch, index, errors_of(after))
                case (False, True):
                    self.newly_passed += 1
                    self.releasing.add(batch, index, errors_of(before))
                case (False, False):
                    self.held_by_both += 1
                case _:
                    continue
