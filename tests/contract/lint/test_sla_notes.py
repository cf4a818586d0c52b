"""Service levels that nothing judges are noted, and only those."""

from __future__ import annotations

from typing import Any

import pytest

from watermaster.contract.lint.finding import LintLevel
from watermaster.contract.lint.report import lint_contract
from watermaster.contract.lint.sla_notes import JUDGED
from watermaster.monitor.objective import read_objectives
from watermaster.monitor.promise import Promise, read_promise

CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: x
version: '1'
status: active
team: {name: checkout}
schema:
- name: orders
  properties:
  - {name: a, logicalType: integer, logicalTypeOptions: {minimum: 1}}
slaProperties:
- {property: latency, value: 1, unit: s}
- {property: throughput, value: 5, unit: MB/s}
- {property: TimeToRepair, value: 1, unit: d}
- {property: endOfLife, value: '2030-01-01'}
"""


def test_what_is_only_written_down_is_noted_with_its_line() -> None:
    report = lint_contract(CONTRACT.encode(), "c.odcs.yaml")
    notes = [(f.problem.line, f.problem.message) for f in report.findings if f.level is LintLevel.NOTE]
    assert notes == [
        (13, "the service level 'throughput' is promised, and nothing judges it"),
        (15, "the service level 'endOfLife' is promised, and nothing judges it"),
    ]


@pytest.mark.parametrize("name", sorted(JUDGED))
def test_what_is_not_noted_is_read_by_somebody(name: str) -> None:
    def read(entry: dict[str, Any]) -> bool:
        document = {"slaProperties": [{"property": name.upper(), **entry}]}
        return bool(read_objectives(document)) or read_promise(document) != Promise()

    assert read({"value": 1, "unit": "h"}) or read({"value": 1, "unit": "%"})
