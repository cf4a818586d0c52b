"""The life of an incident: every transition stands in this one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class State(Enum):
    """Where an incident stands."""

    OPEN = "open"
    """Nobody has taken it yet: routes that escalate are paged."""
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Action(Enum):
    """What may happen to it, by a person or by what is seen."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    NOTE = "note"
    CLEAR = "clear"
    """Its signals were seen to be gone for long enough."""
    RESOLVE = "resolve"
    """A person closes it."""
    RETURN = "return"
    """Its signals came back soon after the end."""


TRANSITIONS: Final[Mapping[tuple[State, Action], State]] = MappingProxyType(
    {
        (State.OPEN, Action.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.OPEN, Action.ASSIGN): State.ACKNOWLEDGED,
        (State.OPEN, Action.NOTE): State.OPEN,
        (State.OPEN, Action.CLEAR): State.RESOLVED,
        (State.OPEN, Action.RESOLVE): State.RESOLVED,
        (State.ACKNOWLEDGED, Action.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Action.ASSIGN): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Action.NOTE): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Action.CLEAR): State.RESOLVED,
        (State.ACKNOWLEDGED, Action.RESOLVE): State.RESOLVED,
        (State.RESOLVED, Action.NOTE): State.RESOLVED,
        (State.RESOLVED, Action.RETURN): State.OPEN,
    }
)
"""What is not in here cannot happen."""


def step(state: State, action: Action) -> State | None:
    """The state after an action; None if it cannot happen in this state."""
    return TRANSITIONS.get((state, action))
