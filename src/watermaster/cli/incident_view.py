"""An incident for a person: one row of a list, or one screen with the five answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from watermaster.cli.output import one_line, say

if TYPE_CHECKING:
    from watermaster.incident.incident import Incident

Deed = Callable[["Incident"], "Incident | None"]

EVIDENCE_SHOWN: Final = 4
ENTRIES_SHOWN: Final = 8
"""So that all of it fits on one screen; JSON has the rest."""
EVIDENCE_CHARACTERS_MAX: Final = 400


def row(incident: Incident) -> tuple[object, ...]:
    """A row of the list."""
    return (
        incident.number,
        incident.alarms,
        incident.state.value,
        incident.owner,
        incident.assignee or incident.acknowledged_by,
        moment(incident.opened_ms),
        incident.title,
    )


def show(incident: Incident, now_ms: int) -> None:
    """The screen."""
    from watermaster.cli.incident_runbook import say_first_steps
    from watermaster.incident.page import next_command

    owner = incident.assignee or incident.acknowledged_by or "nobody yet"
    say(f"Incident {incident.number}  {'!' * incident.alarms} {incident.alarms} of 5 alarms  {incident.state.value}")
    say(f"{one_line(incident.title, length_max=EVIDENCE_CHARACTERS_MAX)}")
    say(f"problem {incident.key}; taken by {owner}")
    say(f"opened {moment(incident.opened_ms)}, last seen {moment(incident.seen_ms)}")
    for reacted in incident.reacted(incident.resolved_ms or now_ms):
        say(f"promised: {reacted}")
    for number, (question, answer) in enumerate(incident.answers.listed(), 1):
        say()
        say(f"{number}. {question}")
        say(f"   {one_line(str(answer), length_max=EVIDENCE_CHARACTERS_MAX)}")
        told = [line for line in answer.evidence if line not in (answer.text or "")]
        for line in told[:EVIDENCE_SHOWN]:
            say(f"   - {one_line(line, length_max=EVIDENCE_CHARACTERS_MAX)}")
    say()
    say("Timeline (what happened beside it is correlated; nothing here is proved to be the cause)")
    left_out = len(incident.timeline) - ENTRIES_SHOWN
    if left_out > 0:
        say(f"   … {left_out} earlier ones (--output json)")
    for entry in incident.timeline[-ENTRIES_SHOWN:]:
        text = one_line(entry.text, length_max=EVIDENCE_CHARACTERS_MAX)
        say(f"   {moment(entry.at_ms)} {one_line(entry.who)}: {text}")
    say()
    if incident.summary is None:
        say_first_steps(incident)
    say(f"Summary: {incident.summary}" if incident.summary else f"Next: {next_command(incident)}")


def moment(at_ms: int) -> str:
    """UTC, so that two people on the phone read the same."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at_ms / 1000))
