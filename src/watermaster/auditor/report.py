"""What an audit says, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from watermaster.auditor.finding import AuditVerdict, Finding
from watermaster.auditor.totals import DeclaredGap
from watermaster.stream.coordinates import TopicPartition


class AuditMode(Enum):
    """How much is read. Outputs and ledger are read whole in every mode; holes are always fetched from landing."""

    FULL = "full"
    """Landing is read whole, and every byte compared."""
    SAMPLED = "sampled"
    """Landing is read, and bytes compared, in blocks chosen by hash."""
    COUNTS = "counts"
    """No bytes are compared: each verdict is there once, in order, and the ledger closes."""


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """The proof, or what stands against it, for one source partition."""

    source: TopicPartition
    verdict: AuditVerdict
    begin: int | None
    """First source offset that the ledger speaks of; None if it has no entry."""
    end: int | None
    """The committed offset: everything in `[begin, end)` was judged. None if there is none."""
    entries: int
    read: int
    passed: int
    held: int
    dropped: int
    lost_max: int
    """Bound on the records in declared gaps: `offered = in + lost`."""
    gaps: tuple[DeclaredGap, ...]
    compared: int
    """Records whose key, value, headers and timestamp were compared with the source."""
    replays: int
    """Records that a replay has written to trusted or to a repair topic."""
    holes: int
    """Offsets that were fetched from landing and held no record (markers, aborted, compacted)."""
    findings: tuple[Finding, ...]
    replayed: int = 0
    """Held records that are replayed, by their states."""
    discarded: int = 0
    fixed: int = 0
    expired: int = 0
    """Held records that retention has deleted before anything became of them."""
    fixes: int = 0
    """Replays that a fix has changed, as far as their bytes were compared."""
    fixes_proved: int = 0
    """Those that are byte for byte what a fix that is at hand makes of the held record."""

    @property
    def open(self) -> int:
        """Held records that nothing has become of yet."""
        return self.held - self.replayed - self.discarded - self.fixed - self.expired

    @property
    def offered_max(self) -> int:
        """Bound on the source records in the range: `in + lost`."""
        return self.read + self.lost_max


@dataclass(frozen=True, slots=True)
class AuditCost:
    """What the audit itself used."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the whole process, the client library's threads included."""
    records: int = 0
    payload_bytes: int = 0
    """Keys and values as handed over, uncompressed."""

    @property
    def records_per_second(self) -> float:
        """Records read from all topics, by wall clock; 0 if nothing was measured."""
        return self.records / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class AuditReport:
    """One audit of one gate."""

    gate: str
    cluster_id: str
    mode: AuditMode
    verdict: AuditVerdict
    partitions: tuple[PartitionReport, ...]
    findings: tuple[Finding, ...]
    """Findings that belong to no partition (unreadable ledger records, nothing committed)."""
    cost: AuditCost = AuditCost()
