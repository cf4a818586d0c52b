"""Every signal has a runbook, and what a site has written goes before it."""

from __future__ import annotations

import pytest
from signals import signal

from watermaster.incident.runbook import RunbookStep, SiteRunbook, command_for, site_runbook
from watermaster.incident.runbook_table import RUNBOOKS
from watermaster.incident.signal import Signal, SignalKind, Subject


@pytest.mark.parametrize("kind", SignalKind)
def test_every_signal_has_one(kind: SignalKind) -> None:
    book = RUNBOOKS[kind]
    assert book.meaning.endswith(".")
    assert book.look_at.endswith(".")
    assert book.escalate.startswith(("To ", "At once to "))
    commands = [step for step in book.steps if step.command]
    assert commands, "there is always something to type"
    assert len(book.steps) <= 5, "it is read at night"


STOPPED, LOST = signal(), signal(SignalKind.DATA_LOST)
CLUSTER = Signal(SignalKind.CLUSTER_UNREACHABLE, Subject("primary"), 0, ("Away.",))
ANY, ORDERS = SiteRunbook(url="https://wiki/any"), SiteRunbook("order*", text="Call the desk.")
OF_LOSS = SiteRunbook(signal=SignalKind.DATA_LOST, url="https://wiki/loss")


@pytest.mark.parametrize(
    ("written", "signals", "expected"),
    [
        ((), [STOPPED], None),
        ((ORDERS, ANY), [STOPPED], ORDERS),  # the first of the file
        ((ANY, ORDERS), [STOPPED], ANY),
        ((OF_LOSS, ORDERS), [STOPPED], ORDERS),
        ((OF_LOSS, ORDERS), [STOPPED, LOST], OF_LOSS),  # any signal of it
        ((ORDERS, ANY), [CLUSTER], ANY),  # a cluster is no topic
        ((SiteRunbook("payments"),), [STOPPED], None),
    ],
)
def test_the_first_that_matches(
    written: tuple[SiteRunbook, ...], signals: list[Signal], expected: SiteRunbook | None
) -> None:
    assert site_runbook(written, signals) == expected


def test_names_of_the_subject_stand_in_the_command() -> None:
    step = RunbookStep("Look.", "watermaster reset {group} --topic {topic} --cluster {cluster}")
    told = command_for(step, Subject("primary", "my group; rm -rf", "orders"))
    assert told == "watermaster reset 'my group; rm -rf' --topic orders --cluster primary"
    assert command_for(step, None) == "watermaster reset GROUP --topic TOPIC --cluster CLUSTER"
    assert command_for(RunbookStep("Think."), None) is None
