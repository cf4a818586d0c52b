"""A page: what on-call reads on a telephone. Five answers and the next command, within 1,024 characters."""

from __future__ import annotations

from typing import Final

from watermaster.incident.incident import Incident
from watermaster.incident.life import State

PAGE_CHARACTERS_MAX: Final = 1024
"""PagerDuty cuts a summary there, and a telephone shows no more."""

TITLE_CHARACTERS_MAX: Final = 140
_LABELS: Final = ("What", "Whose", "Loss", "Fix", "Copy")


def page_text(incident: Incident) -> str:
    """The text of a page; each answer is cut to its share, so that none pushes out another or the command."""
    head = (
        f"{'!' * incident.alarms} {_cut(incident.title, TITLE_CHARACTERS_MAX)} ({incident.alarms}/5, {_word(incident)})"
    )
    tail = f"Next: {next_command(incident)}"
    lines = [f"{label}: " for label in _LABELS]
    fixed = len(head) + len(tail) + sum(map(len, lines)) + len(lines) + 1
    shares = _shares([len(str(answer)) for _, answer in incident.answers.listed()], PAGE_CHARACTERS_MAX - fixed)
    told = [_cut(_flat(str(answer)), size) for (_, answer), size in zip(incident.answers.listed(), shares, strict=True)]
    return "\n".join([head, *(label + text for label, text in zip(lines, told, strict=True)), tail])


def next_command(incident: Incident) -> str:
    """What to type first."""
    if incident.state is State.OPEN:
        return f"watermaster incident show {incident.number}; watermaster incident ack {incident.number} --yes"
    return f"watermaster incident show {incident.number}"


def runbook_command(incident: Incident) -> str:
    """What shows the built-in runbook of the signal that is named first."""
    return f"watermaster incident runbook {incident.signals[0].kind.value}"


def _word(incident: Incident) -> str:
    return incident.state.value


def _shares(wanted: list[int], room: int) -> list[int]:
    """Fair shares of the room: who wants less leaves the rest to the others."""
    shares = [0] * len(wanted)
    for place, index in enumerate(sorted(range(len(wanted)), key=lambda i: wanted[i])):
        shares[index] = min(wanted[index], room // (len(wanted) - place))
        room -= shares[index]
    return shares


def _cut(text: str, size: int) -> str:
    text = _flat(text)
    return text if len(text) <= size else text[: max(0, size - 1)] + "…"[: max(0, size)]


def _flat(text: str) -> str:
    return " ".join(text.split())
