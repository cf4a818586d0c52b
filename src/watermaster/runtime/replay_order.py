"""What a replay is to do: which quarantine, judged as which stream, written where."""

from __future__ import annotations

from dataclasses import dataclass

from watermaster.quarantine.lifecycle import Actor, Step


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """Which quarantine, judged as which stream, written where; who asks for it and why."""

    gate: str
    stream: str
    """The landing topic, whose contract judges."""
    quarantine: str
    target: str
    is_repair: bool
    """The target is a repair topic and not trusted: the hold remembers it."""
    holds: str
    by: Actor
    why: str
    step: Step = Step.REPLAY
    """What is done with the chosen: replayed, or another step that writes states alone."""
    fix: str = ""
    """Name of the fix that `Step.FIX` assigns."""
    records_max: int = 50_000
    bytes_max: int = 32 * 1024 * 1024
    """Of keys and values. A transaction ends at the first of the three bounds: a commit costs as much as a thousand
    records."""
    interval_s: float = 0.5
    rate_max: float = 0.0
    """Records a second over all; 0 is without a limit."""
    target_partitions: int = 0
    """Of the target. What names no source partition goes to its own number modulo this; 0: to its own number."""
    is_adopted: bool = False
    """Somebody else writes the quarantine, and may write one record twice into two of its partitions."""

    def transactional_id(self, partition: int) -> str:
        """One for each quarantine partition, or for all of an adopted one; covered by the gate's own permission."""
        return f"{self.gate}.replay.{self.quarantine}" + ("" if self.is_adopted else f".{partition}")
