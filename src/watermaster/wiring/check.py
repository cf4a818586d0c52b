"""Tables and topics checked, in this process; files are `check_files`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.topic_reader import KafkaTopicReader
from watermaster.adapters.postgres.address import SCHEMES, configured_address, filed_address, typed_address
from watermaster.adapters.postgres.table import TableRecords, require_psycopg
from watermaster.adapters.system_clock import SystemClock
from watermaster.contract.checks import Checks
from watermaster.contract.problem import suggest
from watermaster.gate.framed import is_framed
from watermaster.runtime.check import Progress
from watermaster.runtime.check_report import CheckReport
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.observe import Start
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.runtime.schema_shelf import FetchingReader
from watermaster.runtime.topic_records import OffsetRange, TopicRecords
from watermaster.stream.fault import UsageFault
from watermaster.wiring.check_files import check_alone
from watermaster.wiring.registry import reading_shelf


def check_table(
    settings: Mapping[str, Any],
    tables: Sequence[str],
    checks: Checks,
    now_ms: int,
    *,
    progress: Progress | None = None,
) -> CheckReport:
    """Judge tables and views of one database, in one read-only snapshot each. Raises UsageFault or WorldFault."""
    return check_alone(TableRecords(settings, tables), checks, now_ms, progress)


def database_settings(named: str, config: Path) -> Mapping[str, Any]:
    """How to reach a database that is named in the configuration, by a file, or by an address without a password."""
    require_psycopg()
    if named.startswith(SCHEMES):
        return typed_address(named)
    if Path(named).is_file():
        return filed_address(Path(named))
    known = load_configuration(config).databases if config.exists() else {}
    if named not in known:
        raise UsageFault(
            "WM-TABLE-DATABASE",
            "--database names no file, no postgresql:// address, and nothing under `databases` in the configuration.",
            hint=suggest(named, known) or f"Add it to {config}: databases: {{shop: '${{env:SHOP_DATABASE}}'}}.",
        )
    return configured_address(known[named])


def check_topic(
    cluster: ClusterConfiguration,
    topic: str,
    start: Start,
    ranges: Sequence[OffsetRange],
    checks: Checks,
    now_ms: int,
    *,
    progress: Progress | None = None,
    registry: RegistryConfiguration | None = None,
) -> CheckReport:
    """Judge a topic up to its ends, or ranges of it; no group is joined, nothing is committed. Raises faults."""
    texts = FetchingReader(checks, reading_shelf(cluster.name, registry)) if is_framed(checks) else None
    reader = KafkaTopicReader(connect(cluster).settings, translate_error)
    try:
        records = TopicRecords(reader, topic, start, SystemClock(), ranges, texts)
        return check_alone(records, checks, now_ms, progress)
    finally:
        reader.close()
