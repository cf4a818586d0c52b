"""Promised reactions while an incident takes its course: what is passed is told once, and a late repair is louder."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from watermaster.incident.incident import Entry, Incident
from watermaster.incident.life import State
from watermaster.incident.reaction import Reaction
from watermaster.incident.severity import ALARMS_MAX

_WHO: Final = "monitor"


def judge_reactions(incident: Incident, now_ms: int) -> Incident:
    """With a line for each promise that has been passed since; a repair that is late while it is open adds an alarm."""
    for reacted in incident.reacted(now_ms):
        if reacted.passed and reacted.reaction not in incident.passed:
            incident = replace(incident, passed=(*incident.passed, reacted.reaction))
            louder = min(ALARMS_MAX, incident.alarms + 1)
            late = reacted.reaction is Reaction.REPAIR and incident.state is not State.RESOLVED and not reacted.done
            told = f"; rises from {incident.alarms} to {louder} alarms" if late and louder > incident.alarms else ""
            incident = incident.noted(Entry(now_ms, _WHO, f"{reacted}, by its contract{told}"))
            incident = replace(incident, alarms=louder) if late else incident
    return incident
