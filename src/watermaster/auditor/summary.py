"""An audit in sentences, for people: what was proved, or what stands against it and where to look."""

from __future__ import annotations

from watermaster.auditor.finding import AuditVerdict, Finding, Place
from watermaster.auditor.report import AuditReport, PartitionReport

_MEANING = {
    AuditVerdict.OK: "every record below the committed offsets has exactly one verdict",
    AuditVerdict.UNVERIFIABLE: "nothing was disproved, but not everything can be proved any more",
    AuditVerdict.FAILED: "the promise does not hold",
}


def summary_lines(report: AuditReport) -> list[str]:
    """The verdict, the sums, and one line for each finding with its first examples."""
    partitions = [partition for partition in report.partitions if partition.entries or partition.findings]
    lines = [f"{report.gate}: {report.verdict.value.upper()} ({report.mode.value}): {_MEANING[report.verdict]}."]
    lines.append(_sums(partitions))
    if any(p.replayed or p.discarded or p.fixed or p.expired for p in partitions):
        lines.append(_holds(partitions))
    fixes, proved = (sum(getattr(partition, name) for partition in partitions) for name in ("fixes", "fixes_proved"))
    if fixes:
        lines.append(f"{fixes} replays are changed by a fix; {proved} are proved to be just what the fix makes")
    lines += [f"  {describe(finding)}" for finding in report.findings]
    for partition in partitions:
        lines += [f"  {partition.source}: {describe(finding)}" for finding in partition.findings]
        lines += [
            f"  {partition.source}: declared gap {gap.start} to {gap.end - 1}, {gap.cause}, at most {gap.lost_max} lost"
            for gap in partition.gaps
        ]
    return lines


def _sums(partitions: list[PartitionReport]) -> str:
    names = ("read", "passed", "held", "dropped", "lost_max", "compared", "holes", "entries")
    sums = {name: sum(getattr(partition, name) for partition in partitions) for name in names}
    return (
        f"in {sums['read']} = passed {sums['passed']} + held {sums['held']} + dropped {sums['dropped']}; "
        f"lost in declared gaps at most {sums['lost_max']}; {sums['entries']} ledger entries in "
        f"{len(partitions)} partitions; {sums['compared']} records compared by bytes, {sums['holes']} holes empty"
    )


def _holds(partitions: list[PartitionReport]) -> str:
    names = ("held", "open", "fixed", "replayed", "discarded", "expired")
    held, *parts = [(name, sum(getattr(partition, name) for partition in partitions)) for name in names]
    return f"held {held[1]} = " + " + ".join(f"{name} {number}" for name, number in parts)


def describe(finding: Finding) -> str:
    """One finding on one line."""
    places = "; ".join(_describe_place(place) for place in finding.examples)
    return f"{finding.kind.value} × {finding.count}: {places}"


def _describe_place(place: Place) -> str:
    parts = []
    if place.source_offset is not None:
        parts.append(f"offset {place.source_offset}")
    if place.found_in is not None:
        parts.append(f"at {place.found_in} offset {place.found_offset}")
    where = " ".join(parts)
    return f"{where} ({place.detail})" if where and place.detail else where or place.detail
