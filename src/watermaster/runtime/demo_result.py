"""What the demonstration ends with, as values: the ledger, why records were held, one of them whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from watermaster.auditor.finding import AuditVerdict
from watermaster.auditor.report import AuditReport
from watermaster.auditor.summary import describe
from watermaster.contract.checks import Checks
from watermaster.quarantine.envelope import RULES
from watermaster.runtime.demo import HeldRecord, Snapshot
from watermaster.runtime.demo_holds import HoldsShown
from watermaster.stream.batch import RawHeaders, RecordBatch

_SOURCE_PREFIX: Final = "__dlq.errors."


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One landing partition: what the ledger says, after the auditor has compared it with the topics."""

    partition: int
    read: int
    passed: int
    held: int
    dropped: int
    proved: bool
    """The sum is right, and the topics hold exactly this, every record once, in order and byte for byte."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why records were held (or only counted, for a warning). `why` is the contract's own explanation."""

    rule: str
    severity: str
    records: int
    share: float
    """Of all records, 0.0 to 1.0."""
    why: str


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything that is shown at the end."""

    broker: str
    topics: Mapping[str, str]
    """Role to name."""
    records: int
    seconds: float
    ledger: tuple[LedgerRow, ...]
    closed: bool
    compared: int
    """Records whose bytes the auditor compared with the source's."""
    findings: tuple[str, ...]
    reasons: tuple[Reason, ...]
    example: HeldRecord | None
    holds: HoldsShown

    @property
    def total(self) -> LedgerRow:
        """All partitions added up; `partition` is -1."""
        rows = self.ledger
        return LedgerRow(
            partition=-1,
            read=sum(row.read for row in rows),
            passed=sum(row.passed for row in rows),
            held=sum(row.held for row in rows),
            dropped=sum(row.dropped for row in rows),
            proved=self.closed,
        )


def ledger_rows(report: AuditReport) -> tuple[LedgerRow, ...]:
    """The audited ledger by landing partition."""
    return tuple(
        LedgerRow(
            partition=found.source.partition,
            read=found.read,
            passed=found.passed,
            held=found.held,
            dropped=found.dropped,
            proved=found.verdict is AuditVerdict.OK and found.read == found.passed + found.held + found.dropped,
        )
        for found in report.partitions
    )


def ledger_is_closed(report: AuditReport, rows: tuple[LedgerRow, ...], gate: Snapshot) -> bool:
    """Every partition is proved, and the sums are those that the gate itself has counted."""
    names = ("passed", "held", "dropped")
    agrees = all(sum(getattr(row, name) for row in rows) == getattr(gate, name) for name in names)
    return report.verdict is AuditVerdict.OK and all(row.proved for row in rows) and agrees


def findings_of(report: AuditReport) -> tuple[str, ...]:
    """What stands against the proof, one sentence each."""
    of_partitions = (f"{p.source}: {describe(finding)}" for p in report.partitions for finding in p.findings)
    return (*(describe(finding) for finding in report.findings), *of_partitions)


def rank_reasons(snapshot: Snapshot, explanations: Mapping[str, str]) -> tuple[Reason, ...]:
    """Errors by the number of records, then warnings. One record may break several rules."""
    ranked = []
    for severity, counts in (("error", snapshot.rules), ("warning", snapshot.warnings)):
        for rule, records in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            share = records / snapshot.judged if snapshot.judged else 0.0
            ranked.append(Reason(rule, severity, records, share, explanations.get(rule, "")))
    return tuple(ranked)


def explain_rules(document: Mapping[str, Any], checks: Checks) -> dict[str, str]:
    """Rule id to the description that the contract gives for it: of the rule itself, or of its field."""
    explained = {rule.id: rule.message for rule in checks.rules}
    for schema in document["schema"]:
        if checks.stream not in (schema.get("physicalName"), schema.get("name")):
            continue
        for described in schema["properties"]:
            path, why = f"$.{described['name']}", str(described.get("description", ""))
            for keyword in ("pattern", "minimum", "maximum", "type", "required", "enum"):
                explained[f"{path}:{keyword}"] = why
    return explained


def rarest_rule(reasons: tuple[Reason, ...]) -> str | None:
    """The error that fewest records break: the most telling example."""
    errors = [reason for reason in reasons if reason.severity == "error"]
    return errors[-1].rule if errors else None


def held_record(batch: RecordBatch, index: int) -> HeldRecord:
    """A quarantine record taken apart. Headers that are not as the gate writes them give empty values."""
    headers: RawHeaders = batch.headers[index] or []
    last = dict(headers)  # of equal names the last one is the gate's
    return HeldRecord(
        topic=batch.source.topic,
        partition=batch.source.partition,
        offset=batch.offsets[index],
        source_topic=(last.get(_SOURCE_PREFIX + "topic") or b"").decode("utf-8", "replace"),
        source_partition=_number(last.get(_SOURCE_PREFIX + "partition")),
        source_offset=_number(last.get(_SOURCE_PREFIX + "offset")),
        timestamp_ms=batch.timestamps_ms[index],
        key=batch.keys[index],
        value=batch.values[index],
        headers=tuple(headers),
        broken=_broken(last.get(RULES)),
    )


def _number(value: bytes | None) -> int:
    return int(value) if value is not None and value.isdigit() else -1


def _broken(value: bytes | None) -> tuple[tuple[str, str], ...]:
    try:
        rules = msgspec.json.decode(value or b"[]", type=list[dict[str, str]])
    except msgspec.MsgspecError:
        return ()
    return tuple((rule["rule"], rule.get("message", "")) for rule in rules if "rule" in rule)
