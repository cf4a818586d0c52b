"""Putting a contract in force: the plan (what would change), and its writing.

The plan judges recent records of the landing topic by the contract in force and by the new one, and shows whose
verdict changes. Writing refuses the same version with other bytes and numbers that somebody else took meanwhile.

A roll-back is what an operator needs in an outage, and its contract was in force before: it is planned also where the
registry that recent records need cannot be asked. And a contract in force that this version cannot use stops no plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from watermaster.contract.activation import (
    CONTRACT_BYTES_MAX,
    Activation,
    ControlState,
    activation_key,
    content_hash,
    contract_key,
    encode_activation,
)
from watermaster.contract.checks import Checks
from watermaster.gate.verdict import PASSED, Judge, Outcome, Verdict
from watermaster.runtime.ports import LogReader, NoteWriter, Output, TopicReader
from watermaster.stream.batch import RecordBatch
from watermaster.stream.fault import Fault, UsageFault, WorldFault

RECENT_PER_PARTITION = 2_000
"""Records judged for the plan: enough for a share of one in a thousand, read in about a second."""

READ_TIMEOUT_S = 60.0
QUIET_READS_MAX = 20


@dataclass(frozen=True, slots=True)
class Document:
    """A contract document with its checks for one stream."""

    content: bytes
    checks: Checks


@dataclass(slots=True)
class VerdictChanges:
    """Recent records by their verdict under the contract in force and under the new one."""

    records: int = 0
    held_before: int = 0
    held_after: int = 0
    newly_held: int = 0
    newly_passed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Rules that newly held records break."""
    examples: list[str] = field(default_factory=list)
    """Coordinates of the first newly held records, `topic[partition]@offset`."""
    unseen: Fault | None = None
    """Why not all could be compared."""

    def add(self, batch: RecordBatch, before: dict[int, Verdict] | None, after: dict[int, Verdict]) -> None:
        """Count one batch; `before` is None where no contract is in force that judges."""
        self.records += len(batch)
        for index, offset in enumerate(batch.offsets):
            was = (before or {}).get(index, PASSED).outcome is not Outcome.PASS
            verdict = after.get(index, PASSED)
            will = verdict.outcome is not Outcome.PASS
            self.held_before += was
            self.held_after += will
            self.newly_passed += was and not will
            if will and not was:
                self.newly_held += 1
                self.reasons.update(broken.rule for broken in verdict.broken)
                if len(self.examples) < 5:  # noqa: PLR2004 - a person looks at a few
                    self.examples.append(f"{batch.source}@{offset}")


@dataclass(frozen=True, slots=True)
class ActivationPlan:
    """What `--yes` would write."""

    activation: Activation
    document: Document
    previous: Activation | None
    changes: VerdictChanges
    already_in_force: bool = False


def read_control(reader: LogReader) -> ControlState:
    """The control topic as it is now."""
    state = ControlState()
    for record in reader.read_to_end(READ_TIMEOUT_S):
        state.apply(record.key, record.value)
    return state


def plan_activation(
    *,
    stream: str,
    document: Document,
    state: ControlState,
    judge: Judge,
    judge_in_force: Judge | Fault | None,
    reader: TopicReader,
    by: str,
    why: str,
    now_ms: int,
    rolls_back: bool = False,
) -> ActivationPlan:
    """Compare on recent records and number the activation.

    `judge_in_force` is the fault why there is none, or None where no contract is in force. Raises UsageFault for what
    must not be activated, and WorldFault, unless it rolls back, where records cannot be judged.
    """
    if len(document.content) > CONTRACT_BYTES_MAX:
        raise UsageFault(
            "WM-CONTRACT-SIZE",
            f"the contract has {len(document.content)} bytes, at most {CONTRACT_BYTES_MAX} fit into the control topic",
            hint="Move examples and long descriptions out of it.",
        )
    previous = state.in_force(stream)
    activation = Activation(
        number=state.next_number(stream),
        stream=stream,
        contract=content_hash(document.content),
        contract_id=document.checks.contract_id,
        contract_version=document.checks.contract_version,
        by=by,
        at_ms=now_ms,
        why=why,
    )
    other = state.same_version_other_bytes(stream, activation)
    if other is not None:
        raise UsageFault(
            "WM-CONTRACT-VERSION",
            f"version {activation.contract_version} of {activation.contract_id} was activated with other bytes "
            f"(activation {other.number})",
            hint="Give the changed contract a new version.",
        )
    changes = _judge_recent(stream, judge, judge_in_force, reader, now_ms, rolls_back=rolls_back)
    already = previous is not None and previous.contract == activation.contract
    return ActivationPlan(activation, document, previous, changes, already)


def _judge_recent(
    stream: str,
    judge: Judge,
    judge_in_force: Judge | Fault | None,
    reader: TopicReader,
    now_ms: int,
    *,
    rolls_back: bool,
) -> VerdictChanges:
    unusable = judge_in_force if isinstance(judge_in_force, Fault) else None
    judge_before = None if isinstance(judge_in_force, Fault) else judge_in_force
    changes = VerdictChanges(unseen=unusable)

    def compare(batch: RecordBatch) -> None:
        if isinstance(changes.unseen, WorldFault):
            return  # a registry that does not answer must not be waited for with every batch
        columns = batch.keys, batch.values, now_ms, batch.headers
        try:
            before = None if judge_before is None else judge_before.judge(*columns)
            after = judge.judge(*columns)
        except WorldFault as fault:
            if not rolls_back:
                raise
            changes.unseen = fault
            return
        changes.add(batch, before, after)

    read_recent(reader, stream, RECENT_PER_PARTITION, compare)
    return changes


def read_recent(reader: TopicReader, topic: str, per_partition: int, take: Callable[[RecordBatch], None]) -> None:
    """Hand over about the last `per_partition` records of every partition, up to the end as it is now."""
    ends = {source: reader.bounds(source) for source in reader.partitions(topic)}
    open_ends = {source: high for source, (low, high) in ends.items() if high > low}
    reader.begin({source: max(ends[source][0], high - per_partition) for source, high in open_ends.items()})
    quiet = 0
    while open_ends and quiet < QUIET_READS_MAX:
        result = reader.read(0.25)
        if result.troubles:
            raise result.troubles[0].fault
        quiet = 0 if result.batches else quiet + 1
        reached = dict(result.ends)
        for batch in result.batches:
            take(batch)
            reached[batch.source] = max(reached.get(batch.source, 0), batch.offsets[-1] + 1)
        open_ends = {source: end for source, end in open_ends.items() if reached.get(source, 0) < end}


def write_activation(plan: ActivationPlan, control: str, writer: NoteWriter, reader: LogReader) -> None:
    """Write contract and activation, then read back that ours is the one that counts.

    Two operators may take the same number at once: the first in the log wins and the other is told.
    """
    number, stream = plan.activation.number, plan.activation.stream
    writer.write(
        [
            Output(control, 0, contract_key(plan.activation.contract), plan.document.content, None, []),
            Output(control, 0, activation_key(plan.activation), encode_activation(plan.activation), None, []),
        ]
    )
    written = read_control(reader).activations.get(stream, {}).get(number)
    if written != plan.activation:
        raise WorldFault(
            "WM-ACTIVATION-RACE",
            f"somebody else activated another contract for {stream} at the same moment",
            hint="Look at `watermaster contract activations`, and activate again if yours should be in force.",
        )
