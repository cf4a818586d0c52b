"""What an audit can find, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from watermaster.stream.coordinates import TopicPartition

EXAMPLES_MAX = 5
"""Examples kept for each kind and partition: enough to look at, whatever the size of the damage."""


class AuditVerdict(Enum):
    """The worst finding decides: proved, disproved, or not provable any more."""

    OK = "ok"
    UNVERIFIABLE = "unverifiable"
    FAILED = "failed"


class FindingKind(Enum):
    """Stable names of everything that an audit can find. The last group disproves nothing and prevents the proof."""

    LOST = "lost"
    """A source record below the committed offset with no output and no drop."""
    DUPLICATE = "duplicate"
    """A second output of the same source record and attempt."""
    REORDERED = "reordered"
    """A trusted record whose source offset is below that of its predecessor."""
    ORPHAN = "orphan"
    """An output, or a drop, without a source record, or outside of what was committed."""
    FOREIGN = "foreign"
    """A record in an output topic that does not carry coordinates of this gate's streams."""
    WRONG_PARTITION = "wrong_partition"
    WRONG_ACTIVATION = "wrong_activation"
    STAMP = "stamp"
    """The reserved header is not there exactly once and last, or the count of original headers is wrong."""
    ALTERED_KEY = "altered_key"
    ALTERED_VALUE = "altered_value"
    ALTERED_HEADERS = "altered_headers"
    ALTERED_TIMESTAMP = "altered_timestamp"
    DROPPED_BUT_OUTPUT = "dropped_but_output"
    GAP_CONTRADICTED = "gap_contradicted"
    """A declared gap in which there are outputs, or records that can still be read."""
    LEDGER_HOLE = "ledger_hole"
    LEDGER_OVERLAP = "ledger_overlap"
    LEDGER_COUNT = "ledger_count"
    """An entry whose numbers do not add up, or do not equal what the topics hold."""
    LEDGER_MALFORMED = "ledger_malformed"
    REPLAY_UNACCOUNTED = "replay_unaccounted"
    """A replay in an output topic that no state in the holds topic stands for, or one of another attempt."""
    COMMIT_MISMATCH = "commit_mismatch"
    """The committed offset is not where an entry ends."""

    SOURCE_GONE = "source_gone"
    """Landing no longer holds these offsets: neither a loss nor the bytes can be judged."""
    SOURCE_UNREADABLE = "source_unreadable"
    """The client cannot hand over this source record whole, so its bytes cannot be compared."""
    OUTPUT_GONE = "output_gone"
    """Retention cut the output topic: missing outputs there may have existed."""
    LEDGER_GONE = "ledger_gone"
    """Retention cut the ledger: older outputs cannot be judged."""
    COMMIT_GONE = "commit_gone"
    """The group has no committed offset for a partition that the ledger knows."""
    EARLIER_TOPIC = "earlier_topic"
    """Of an earlier topic of the same name, whose source is gone."""
    NOTHING_JUDGED = "nothing_judged"
    """The gate has committed nothing: there is nothing that could be proved."""


UNPROVABLE = frozenset(
    {
        FindingKind.SOURCE_GONE,
        FindingKind.SOURCE_UNREADABLE,
        FindingKind.OUTPUT_GONE,
        FindingKind.LEDGER_GONE,
        FindingKind.COMMIT_GONE,
        FindingKind.EARLIER_TOPIC,
        FindingKind.NOTHING_JUDGED,
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding can be looked at: the source offset, if there is one, and where the output stands, if it does."""

    source_offset: int | None
    found_in: TopicPartition | None = None
    found_offset: int | None = None
    detail: str = ""
    """What was expected and found; never a value from a record."""


@dataclass(frozen=True, slots=True)
class Finding:
    """All findings of one kind in one partition: how many records (or entries), and the first few places."""

    kind: FindingKind
    count: int
    examples: tuple[Place, ...]


class Findings:
    """A growing tally of findings with capped examples."""

    def __init__(self) -> None:
        self._counts: dict[FindingKind, int] = {}
        self._examples: dict[FindingKind, list[Place]] = {}

    def add(self, kind: FindingKind, place: Place, count: int = 1) -> None:
        """Count `count` findings, of which `place` is one."""
        self._counts[kind] = self._counts.get(kind, 0) + count
        examples = self._examples.setdefault(kind, [])
        if len(examples) < EXAMPLES_MAX:
            examples.append(place)

    def copy(self) -> Findings:
        """An independent tally with the same content."""
        twin = Findings()
        twin._counts = dict(self._counts)
        twin._examples = {kind: list(places) for kind, places in self._examples.items()}
        return twin

    def all(self) -> tuple[Finding, ...]:
        """Failures first, then by kind."""
        kinds = sorted(self._counts, key=lambda kind: (kind in UNPROVABLE, kind.value))
        return tuple(Finding(kind, self._counts[kind], tuple(self._examples[kind])) for kind in kinds)


def verdict_of(findings: tuple[Finding, ...]) -> AuditVerdict:
    """The worst of some findings; OK if there is none."""
    if any(finding.kind not in UNPROVABLE for finding in findings):
        return AuditVerdict.FAILED
    return AuditVerdict.UNVERIFIABLE if findings else AuditVerdict.OK
