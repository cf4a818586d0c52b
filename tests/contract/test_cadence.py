"""Which SLA frequencies are read, and that all others are said."""

from __future__ import annotations

import pytest

from watermaster.contract.cadence import cadence_ms
from watermaster.contract.document import ReadResult
from watermaster.contract.findings import Findings
from watermaster.contract.yaml_text import Json


@pytest.mark.parametrize(
    ("value", "unit", "milliseconds"),
    [(1, "d", 86_400_000), (0.5, "hours", 1_800_000), (15, "min", 900_000), (1, "m", None), (0, "d", None),
     (True, "d", None), ("daily", None, None), (1, None, None)],
)  # fmt: skip
def test_cadence(value: Json, unit: Json, milliseconds: int | None) -> None:
    sla: Json = {"property": "frequency", "value": value, "unit": unit}
    findings = Findings(ReadResult("c", "sha256:0", {"slaProperties": [{"property": "latency", "value": 1}, sla]}))
    assert cadence_ms(findings) == milliseconds
    assert len(findings.unjudged) == (milliseconds is None)
