"""Signals and incidents for the tests of this folder."""

from __future__ import annotations

from typing import Any

from watermaster.incident.answer import Surroundings, answer
from watermaster.incident.problem import ProblemKey
from watermaster.incident.progress import Problem
from watermaster.incident.signal import Signal, SignalKind, Subject


def signal(kind: SignalKind = SignalKind.CONSUMER_STOPPED, group: str | None = "billing", **facts: Any) -> Signal:
    subject = Subject("primary", group, facts.pop("topic", "orders"), 0)
    return Signal(kind, subject, facts.pop("seen_ms", 0), (f"{kind.value} of {group}.",), **facts)


def problem(*signals: Signal, around: Surroundings | None = None) -> Problem:
    found = signals or (signal(),)
    subject = found[0].subject
    around = around or Surroundings()
    key = ProblemKey(subject.cluster, subject.group or "")
    return Problem(key, found, answer(found, around), around.owner)
