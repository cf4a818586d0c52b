"""Whose promises a problem is judged by, and how far back the last look without it reaches."""

from __future__ import annotations

import pytest

from watermaster.incident.reaction import ReactionPromise
from watermaster.incident.signal import Signal, SignalKind, Subject
from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.monitor import HELD_RECORDS
from watermaster.runtime.reactions import Beginnings, PromisedReaction, promise_for

STREAM = StreamConfiguration("orders.landing", "orders", "c")
GATE = GateConfiguration("orders", "primary", (STREAM,))
PROMISED = PromisedReaction(GATE, STREAM, ReactionPromise(repair_ms=60))


@pytest.mark.parametrize(
    ("subject", "speaks"),
    [
        (Subject("primary"), True),  # without its cluster no stream is served
        (Subject("standby"), False),
        (Subject("primary", "watermaster.orders", "orders.landing"), True),
        (Subject("primary", "watermaster.orders", "other"), False),
        (Subject("primary", "billing", "orders"), False),  # a reader of it is not the stream
        (Subject("primary", None, "orders.landing"), True),
        (Subject("primary", None, "orders"), True),
        (Subject("primary", None, "other"), False),
        (Subject("primary", HELD_RECORDS, "dlq.orders.landing"), True),
    ],
)
def test_whose_promise_it_is(subject: Subject, speaks: bool) -> None:
    assert PROMISED.speaks_of(subject) is speaks
    found = promise_for([PROMISED], [Signal(SignalKind.GATE_STOPPED, subject, 0, ("Bad.",))])
    assert found == (ReactionPromise(repair_ms=60) if speaks else None)


def stopped(seen_ms: int, waiting_ms: int) -> dict[str, list[Signal]]:
    subject = Subject("primary", "g", "orders")
    return {"primary/g": [Signal(SignalKind.GATE_STOPPED, subject, seen_ms, ("Bad.",), waiting_ms=waiting_ms)]}


def test_a_look_without_it_bounds_since_when_it_is_bad() -> None:
    beginnings = Beginnings()
    assert beginnings.see({}, (), 1_000) == {}
    assert beginnings.see(stopped(2_000, 5_000), (), 2_000) == {"primary/g": 1_000}
    assert beginnings.see(stopped(3_000, 6_000), (), 3_000) == {"primary/g": 1_000}, "the look before the first one"
    assert beginnings.see({}, {"primary"}, 4_000) == {}
    assert beginnings.see(stopped(5_000, 8_000), (), 5_000) == {"primary/g": 1_000}, "a blind look forgets nothing"
    assert beginnings.see({}, (), 6_000) == {}
    assert beginnings.see(stopped(7_000, 100), (), 7_000) == {"primary/g": 6_900}


@pytest.mark.parametrize("blind", ["primary", "primary/g"])
def test_a_blind_look_bounds_nothing(blind: str) -> None:
    beginnings = Beginnings()
    assert beginnings.see(stopped(1_000, 700), (), 1_000) == {"primary/g": 300}, "nothing was seen before the first"
    assert beginnings.see({}, (), 2_000) == {}
    beginnings.see({}, {blind}, 3_000)
    assert beginnings.see(stopped(4_000, 3_500), (), 4_000) == {"primary/g": 500}
