"""A kept run that failed, or that no other followed in time, becomes an incident; a good one ends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.adapters.database.runs import DatabaseRuns
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.cli.errors import ExitCode
from watermaster.cli.main import execute
from watermaster.incident.life import State
from watermaster.incident.signal import SignalKind
from watermaster.runtime.incident_ports import Senders
from watermaster.runtime.incident_watch import IncidentWatch
from watermaster.testing.clock import ManualClock

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - {name: orders, logicalType: object, properties: [{name: id, logicalType: integer, required: true}]}
slaProperties:
  - {property: frequency, value: 1, unit: d}
"""
DAY_MS = 86_400_000


def test_a_failed_and_a_missing_batch_become_incidents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, contract, file = tmp_path / "watermaster.yaml", tmp_path / "c.odcs.yaml", tmp_path / "f.jsonl"
    config.write_text("clusters: {main: {bootstrap: '127.0.0.1:1'}}\n")
    contract.write_text(CONTRACT)
    arguments = ["check", str(file), "--contract", str(contract), "--config", str(config), "--record"]

    file.write_text('{"id": "secret"}\n{"id": 1}\n')
    assert execute(arguments) == ExitCode.FINDINGS
    capsys.readouterr()
    assert execute(["check", "--runs", "--config", str(config), "--output", "json"]) == ExitCode.OK
    shown = capsys.readouterr().out
    (run,) = json.loads(shown)
    assert (run["stream"], run["records"], run["held"], run["exit_code"], run["every_ms"]) == (
        "orders",
        2,
        1,
        1,
        DAY_MS,
    )
    assert "secret" not in shown

    configuration = load_configuration(config)
    engine = open_database(configuration.database, configuration.state_directory)
    store, clock = DatabaseIncidents(engine), ManualClock(now_ms=run["at_ms"])
    senders = Senders({}, {})
    watch = IncidentWatch(
        configuration, tuple, store, senders, clock, holder="m", owners={}, batches=DatabaseRuns(engine).newest
    )

    def turn_for(milliseconds: int) -> None:
        for _ in range(2):
            watch.turn()
            clock.advance(milliseconds / 1000)

    turn_for(600_000)
    (incident,) = store.listed(resolved=True, limit=9)
    assert [signal.kind for signal in incident.signals] == [SignalKind.BATCH_FAILED]

    file.write_text('{"id": 1}\n')
    assert execute(arguments) == ExitCode.OK
    turn_for(3_600_000)
    turn_for(3_600_000)
    assert [one.state for one in store.listed(resolved=True, limit=9)] == [State.RESOLVED]

    clock.advance(2 * DAY_MS / 1000)
    turn_for(600_000)
    missing = store.listed(resolved=False, limit=9)
    assert [signal.kind for one in missing for signal in one.signals] == [SignalKind.BATCH_MISSING]
    engine.dispose()
