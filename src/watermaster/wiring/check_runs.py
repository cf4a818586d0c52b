"""Runs of `check` in the database of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.runs import DatabaseRuns
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.contract.checks import Checks
from watermaster.incident.batch import BatchRun
from watermaster.runtime.check_report import CheckReport

RUNS_SHOWN = 50
"""As many as a person looks through."""


def open_runs(config: Path) -> DatabaseRuns:
    """The runs of a configuration; its tables are brought up to date. Raises faults."""
    configuration = load_configuration(config)
    return DatabaseRuns(open_database(configuration.database, configuration.state_directory))


def run_of(report: CheckReport, checks: Checks, now_ms: int, exit_code: int) -> BatchRun:
    """What is kept of a run: no value of a record."""
    return BatchRun(
        at_ms=now_ms,
        stream=checks.stream,
        contract=report.contract,
        content_hash=report.content_hash,
        source=report.source,
        records=report.records,
        passed=report.passed,
        held=report.held,
        dropped=report.dropped,
        failed_assertions=sum(result.is_failure for result in report.assertions),
        exit_code=exit_code,
        every_ms=checks.cadence_ms,
    )


def list_runs(config: Path) -> Sequence[BatchRun]:
    """The newest first."""
    return open_runs(config).listed(RUNS_SHOWN)
