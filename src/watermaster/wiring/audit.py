"""`gate verify`: the auditor joined to real Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from watermaster.adapters.kafka.audit_reader import KafkaAuditReader
from watermaster.adapters.kafka.connect_check import connect
from watermaster.auditor.sample import Sample
from watermaster.quarantine.fix.document import Fix
from watermaster.runtime.audit import SETTLE_S_DEFAULT, Auditor, AuditProgress, describe_gate
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.replay_fix import remedy_of


@contextmanager
def open_auditor(
    configuration: Configuration,
    gate: str,
    sample: Sample,
    *,
    fixes: Sequence[Fix] = (),
    settle_s: float = SETTLE_S_DEFAULT,
    progress: Callable[[AuditProgress], None] = lambda _: None,
) -> Iterator[Auditor]:
    """An auditor of one gate of a configuration; read-only, joins no group. Raises faults of connecting."""
    chosen = configuration.gates[gate]
    cluster = configuration.clusters[chosen.cluster]
    reader = KafkaAuditReader(connect(cluster).settings)
    try:
        yield Auditor(
            reader,
            describe_gate(reader, chosen),
            sample,
            remedies={fix.label: remedy_of(fix) for fix in fixes},
            settle_s=settle_s,
            progress=progress,
        )
    finally:
        reader.close()
