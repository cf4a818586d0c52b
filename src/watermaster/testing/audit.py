"""The auditor as an assertion: at the end of a test, ask whether each record got exactly one verdict.

    reader = KafkaAuditReader(kafka.client_config())
    report = assert_exactly_once(reader, GateConfiguration("orders", "test", (StreamConfiguration(...),)))

The reader is `watermaster.adapters.kafka.audit_reader.KafkaAuditReader`, or anything else that implements
`watermaster.runtime.audit.AuditReader`.
"""

from __future__ import annotations

from watermaster.auditor.finding import AuditVerdict
from watermaster.auditor.report import AuditMode, AuditReport
from watermaster.auditor.sample import Sample
from watermaster.auditor.summary import summary_lines
from watermaster.runtime.audit import SETTLE_S_DEFAULT, Auditor, AuditReader, describe_gate
from watermaster.runtime.configuration import GateConfiguration


def assert_exactly_once(
    reader: AuditReader,
    gate: GateConfiguration,
    *,
    mode: AuditMode = AuditMode.FULL,
    settle_s: float = SETTLE_S_DEFAULT,
) -> AuditReport:
    """Audit a gate once, up to its committed offsets; the report if everything is proved.

    Raises AssertionError with every finding if anything is disproved or cannot be proved. `settle_s` seconds are
    waited for outputs to become visible. Does not close the reader.
    """
    report = Auditor(reader, describe_gate(reader, gate), Sample(mode), settle_s=settle_s).round()
    if report.verdict is not AuditVerdict.OK:
        raise AssertionError("\n".join(summary_lines(report)))
    return report
