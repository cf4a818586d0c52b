"""The runs of `check`, kept in a file of JSON lines: when, what, how many. It holds no value of a record."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from watermaster.runtime.check_report import CheckReport
from watermaster.stream.fault import WorldFault


def keep_run(report: CheckReport, path: Path, now_ms: int, exit_code: int) -> None:
    """Append one line, durably. Raises WorldFault WM-CHECK-RECORD: a run that is not kept must not look kept."""
    line = json.dumps(describe_run(report, now_ms, exit_code), ensure_ascii=True) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One write in append mode: runs that end together do not mix their lines.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise WorldFault(
            "WM-CHECK-RECORD", f"The run cannot be kept in {path}: {error.strerror}.", hint="Check its path and disk."
        ) from error


def describe_run(report: CheckReport, now_ms: int, exit_code: int) -> dict[str, object]:
    """What is kept of a run. `exitCode` 0 is a good batch."""
    return {
        "at": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "contract": report.contract,
        "contentHash": report.content_hash,
        "exitCode": exit_code,
        "records": report.records,
        "passed": report.passed,
        "held": report.held,
        "dropped": report.dropped,
        "warned": report.warned,
        "files": [
            {
                "file": file.file,
                "records": file.records,
                "held": file.held,
                "dropped": file.dropped,
                "unread": file.unread.code if file.unread else None,
            }
            for file in report.files
        ],
        "assertions": {
            result.id: {"outcome": result.outcome.value, "severity": result.severity.value, "measured": result.measured}
            for result in report.assertions
        },
        "reasons": {f"{found.reason.rule} {found.reason.code}": found.records for found in report.reasons},
    }
