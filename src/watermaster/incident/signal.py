"""What one look found wrong: a value with its subject, the facts that severity hangs on, and the evidence in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class SignalKind(Enum):
    """Everything that can be raised."""

    CLUSTER_UNREACHABLE = "cluster_unreachable"
    DATA_LOST = "data_lost"
    """Records are gone that a living group had not read, or more of them than before."""
    LOSS_NEAR = "loss_near"
    """The loss horizon is close, and most of the time that records are kept has passed."""
    CONSUMER_STOPPED = "consumer_stopped"
    """Nobody is in the group, and records wait for it."""
    CONSUMER_STUCK = "consumer_stuck"
    """A reader is there and does not move, though records wait."""
    GATE_STOPPED = "gate_stopped"
    HELD_SHARE = "held_share"
    """The gate holds a large part of what it reads."""
    BUDGET_BURN = "budget_burn"
    """A contract's objective is missed so fast that its error budget ends before its time."""
    VOLUME_LOW = "volume_low"
    """A topic gets far fewer records than it usually does at this hour of the week."""
    VOLUME_HIGH = "volume_high"
    """Or far more."""
    FIELDS_CHANGED = "fields_changed"
    """Fields of a stream are missing, of another kind or size, or hold other values than in the week before."""
    FIELDS_NEW = "fields_new"
    """Fields of a stream are filled that were empty or not there."""
    BATCH_FAILED = "batch_failed"
    """The newest batch that was checked has findings, or could not be read."""
    BATCH_MISSING = "batch_missing"
    """No batch was checked for longer than the contract's `frequency`."""
    PROBE_LOST = "probe_lost"
    """A record that the monitor wrote to a probe topic did not come back."""
    GROUP_ABANDONED = "group_abandoned"
    """An empty group that had lost records before it was first looked at: most likely nobody wants it any more."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a signal is about, from the cluster down; None: all of them."""

    cluster: str
    group: str | None = None
    topic: str | None = None
    partition: int | None = None

    def __str__(self) -> str:
        partition = "" if self.partition is None else f"[{self.partition}]"
        parts = (self.cluster, self.group, self.topic and f"{self.topic}{partition}")
        return " / ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that is wrong at `seen_ms` (since the epoch). Facts are None where they are unknown.

    `left_ms` is a lower bound of the time until unread records are lost at `loss_ms` by `loss_cause` (a forecast if
    `forecast`); `waiting_ms` is how long the oldest unread one has waited; `unread_max` and `lost_max` are upper
    bounds. `blast` counts the groups behind this one that it starves. `evidence` is sentences for a person.
    """

    kind: SignalKind
    subject: Subject
    seen_ms: int
    evidence: tuple[str, ...]
    left_ms: int | None = None
    loss_ms: int | None = None
    loss_cause: str | None = None
    forecast: bool = False
    waiting_ms: int | None = None
    unread_max: int | None = None
    lost_max: int = 0
    held_share: float | None = None
    burn: float | None = None
    """How many times too fast an error budget is used up: the factor of the windows in which it was seen."""
    blast: int = 0
    real_time: bool | None = None
    position: int | None = None
    """The first unread offset of the partition in the subject."""
