"""What is wrong with a stream's newest batch, case by case."""

from __future__ import annotations

import pytest

from watermaster.incident.batch import BatchRun, batch_signals
from watermaster.incident.signal import SignalKind

HOUR = 3_600_000
FAILED, MISSING = SignalKind.BATCH_FAILED, SignalKind.BATCH_MISSING


@pytest.mark.parametrize(
    ("exit_code", "every_ms", "age_ms", "kinds"),
    [
        (0, None, 1_000 * HOUR, []),  # nothing is promised
        (0, HOUR, HOUR, []),
        (0, HOUR, HOUR * 5 // 4, []),  # a little late
        (0, HOUR, HOUR * 5 // 4 + 1, [MISSING]),
        (1, None, 0, [FAILED]),
        (3, HOUR, 2 * HOUR, [FAILED, MISSING]),
    ],
)
def test_signals(exit_code: int, every_ms: int | None, age_ms: int, kinds: list[SignalKind]) -> None:
    run = BatchRun(5, "orders", "c 1.0.0", "sha256:0", "f", 10, 9, 1, 0, 2, exit_code, every_ms)
    found = batch_signals([run], 5 + age_ms)
    assert [signal.kind for signal in found] == kinds
    assert {signal.subject.topic for signal in found} <= {"orders"}
