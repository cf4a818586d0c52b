"""Kept runs come back from either database, the newest of each stream apart."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine

from watermaster.adapters.database.runs import DatabaseRuns
from watermaster.incident.batch import BatchRun

RUN = BatchRun(2**41, "orders", "c 1.0.0", "sha256:0", "ü.jsonl", 10, 9, 1, 0, 2, 1, 3_600_000)


def test_runs_come_back(engine: Engine) -> None:
    runs = DatabaseRuns(engine)
    assert list(runs.newest()) == list(runs.listed(5)) == []
    later, other = replace(RUN, at_ms=RUN.at_ms + 1, exit_code=0), replace(RUN, stream="bills", every_ms=None)
    for run in (RUN, other, later):
        runs.keep(run)
    assert list(runs.listed(2)) == [later, other]
    assert list(runs.newest()) == [other, later]
