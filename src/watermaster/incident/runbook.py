"""Runbooks: what a signal means, what to type in which order, when to call somebody; and what a site puts before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from shlex import quote
from typing import Annotated

from pydantic import Field

from watermaster.incident.signal import Signal, SignalKind, Subject


@dataclass(frozen=True, slots=True)
class RunbookStep:
    """One thing to do. `command` may name {cluster}, {group} and {topic}; None: nothing is typed for it."""

    text: str
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Runbook:
    """For one kind of signal. `steps` are in their order; `escalate` says when, and to whom."""

    meaning: str
    look_at: str
    steps: tuple[RunbookStep, ...]
    escalate: str


@dataclass(frozen=True, slots=True)
class SiteRunbook:
    """What a site has written itself, for signals of a kind (None: of any) about topics that match a pattern.

    `url` leads to it; `text` is a sentence or two that stand for themselves.
    """

    topic: Annotated[str, Field(min_length=1, max_length=249)] = "*"
    signal: SignalKind | None = None
    url: Annotated[str, Field(max_length=2048)] = ""
    text: Annotated[str, Field(max_length=1000)] = ""

    @property
    def told(self) -> str:
        """What is shown of it."""
        return " ".join(part for part in (self.text, self.url) if part)

    def speaks_of(self, signal: Signal) -> bool:
        """A signal without a topic is spoken of only by a runbook for every topic."""
        return self.signal in (None, signal.kind) and fnmatchcase(signal.subject.topic or "", self.topic)


def site_runbook(runbooks: Sequence[SiteRunbook], signals: Iterable[Signal]) -> SiteRunbook | None:
    """The first one of the file that speaks of any of the signals."""
    found = tuple(signals)
    return next((each for each in runbooks if any(each.speaks_of(signal) for signal in found)), None)


def command_for(step: RunbookStep, subject: Subject | None) -> str | None:
    """The command of a step with the names of a subject in it; words in capitals stand for what is not known."""
    if step.command is None:
        return None
    return step.command.format(
        cluster=quote(subject.cluster) if subject else "CLUSTER",
        group=quote(subject.group) if subject and subject.group else "GROUP",
        topic=quote(subject.topic) if subject and subject.topic else "TOPIC",
    )
