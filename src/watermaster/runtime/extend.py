"""Keep unread records longer for a while, and put the settings back afterwards.

What a topic's own settings were is noted before they are changed, and the note is removed after they are back. So a
crash at any moment leaves a note of a change that was or was not made, and restoring looks which of the two it is.
Settings that are neither what was noted nor what was set here were changed by somebody else since, and stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from watermaster.monitor.extension import RETENTION_BYTES, RETENTION_MS, Extension, Waiting, plan_extension
from watermaster.monitor.horizon import Cause
from watermaster.monitor.retention import read_retention
from watermaster.runtime.monitor import MonitorReport, PositionReport
from watermaster.stream.fault import Fault, UsageFault

OwnSettings = Mapping[str, str | None]
"""Settings by name as they were given to the topic itself; None where it follows the brokers."""

EXTENDED_SETTINGS: Final = (RETENTION_MS, RETENTION_BYTES)

CAUSES_EXTENDED: Final = frozenset({Cause.TIME, Cause.SIZE, Cause.LOST})


@dataclass(frozen=True, slots=True)
class ExtensionNote:
    """What is kept of an extension until it is put back. `ours` is every setting ever made by us, newest last."""

    cluster_id: str
    topic: str
    topic_id: str
    before: OwnSettings
    ours: tuple[Mapping[str, str], ...]
    extended_ms: int


class ExtensionNotes(Protocol):
    """Where notes are kept; a note that was put survives a crash."""

    def all(self) -> Sequence[ExtensionNote]:
        """Every note."""
        ...

    def put(self, note: ExtensionNote) -> None:
        """Keep a note in the place of an older one of the same topic."""
        ...

    def remove(self, note: ExtensionNote) -> None:
        """Forget it."""
        ...


class TopicRetention(Protocol):
    """Reads and changes how long topics keep records."""

    def topic_id(self, topic: str) -> str:
        """The id that tells a topic from an earlier one of the same name. Raises a fault."""
        ...

    def own(self, topic: str) -> OwnSettings:
        """The topic's own values of `EXTENDED_SETTINGS`. Raises a fault."""
        ...

    def alter(self, topic: str, settings: OwnSettings) -> Fault | None:
        """Set own values; None takes one away. Returns when it can be seen."""
        ...


class Outcome(Enum):
    """What became of a note."""

    RESTORED = "restored"
    NOTHING_TO_DO = "nothing to do"
    """The settings were as before already: the change was never made, or is back."""
    CHANGED_SINCE = "changed by somebody else since"
    GONE = "the topic was deleted or created anew"


@dataclass(frozen=True, slots=True)
class Restoration:
    """What putting one topic back does: `settings` to be set, nothing unless `outcome` is RESTORED."""

    note: ExtensionNote
    outcome: Outcome
    settings: OwnSettings


def plan_extensions(report: MonitorReport, topics: Collection[str], wanted_ms: int) -> tuple[Extension, ...]:
    """One extension for each topic; for none named, for each on which something may be lost within `wanted_ms`.

    Raises UsageFault WM-EXTEND-TOPIC for a topic without a position, WM-EXTEND-UNSEEN if its retention is not known.
    """
    found: dict[str, list[PositionReport]] = {}
    for _, position in report.positions():
        found.setdefault(position.source.topic, []).append(position)
    for topic in topics:
        if topic not in found:
            raise UsageFault(
                "WM-EXTEND-TOPIC",
                f"No group has a position on {topic}, so nothing there can be lost unread.",
                hint="`watermaster status --horizon` lists the topics that groups read.",
            )
    until_ms = report.survey.taken_ms + wanted_ms
    chosen = sorted(topics) or sorted(t for t, p in found.items() if any(_threatened(each, until_ms) for each in p))
    return tuple(_plan(topic, found[topic], report, wanted_ms) for topic in chosen)


def _threatened(position: PositionReport, until_ms: int) -> bool:
    bounds = [bound for bound in position.horizon.bounds if bound.cause in CAUSES_EXTENDED]
    return any(bound.at_ms is not None and bound.at_ms < until_ms for bound in bounds)


def _plan(topic: str, positions: Sequence[PositionReport], report: MonitorReport, wanted_ms: int) -> Extension:
    retention = read_retention(report.survey.settings.get(topic, {}))
    if retention is None:
        raise UsageFault(
            "WM-EXTEND-UNSEEN",
            f"How long {topic} keeps records could not be seen.",
            hint="This login needs DESCRIBE_CONFIGS on the topic.",
        )
    waiting = [
        Waiting(position.source.partition, position.lag.time_ms if position.lag else None, position.volume)
        for position in positions
        if position.lag is None or position.lag.records
    ]
    copies = max(len(placed.replicas) for source, placed in report.survey.placements.items() if source.topic == topic)
    return plan_extension(topic, retention, waiting, wanted_ms, copies)


def extend(
    extension: Extension, cluster_id: str, retention: TopicRetention, notes: ExtensionNotes, now_ms: int
) -> Fault | None:
    """Note what was, then change it. A note that is there already keeps what was before the first extension."""
    settings = {key: str(value) for key, value in extension.settings.items()}
    topic_id = retention.topic_id(extension.topic)
    earlier = _note_of(notes, cluster_id, extension.topic, topic_id)
    if earlier is None:
        own = retention.own(extension.topic)
        note = ExtensionNote(cluster_id, extension.topic, topic_id, own, (settings,), now_ms)
    else:
        note = ExtensionNote(
            cluster_id, extension.topic, topic_id, earlier.before, (*earlier.ours, settings), earlier.extended_ms
        )
    notes.put(note)
    return retention.alter(extension.topic, dict(settings))


def _note_of(notes: ExtensionNotes, cluster_id: str, topic: str, topic_id: str) -> ExtensionNote | None:
    wanted = (cluster_id, topic, topic_id)
    return next((note for note in notes.all() if (note.cluster_id, note.topic, note.topic_id) == wanted), None)


def plan_restoration(note: ExtensionNote, own: OwnSettings | None, topic_id: str) -> Restoration:
    """What putting the settings of a note back does, from the topic's own settings now; None: there is no topic."""
    if own is None or topic_id != note.topic_id:
        return Restoration(note, Outcome.GONE, {})
    changed = {key for ours in note.ours for key in ours}
    different = {key for key in changed if own[key] != note.before[key]}
    if not different:
        return Restoration(note, Outcome.NOTHING_TO_DO, {})
    if any(own[key] not in {ours.get(key) for ours in note.ours} for key in different):
        return Restoration(note, Outcome.CHANGED_SINCE, {})
    return Restoration(note, Outcome.RESTORED, {key: note.before[key] for key in sorted(different)})


def plan_restorations(
    cluster_id: str, topics: Collection[str], retention: TopicRetention, notes: ExtensionNotes
) -> tuple[Restoration, ...]:
    """One restoration for each note of this cluster, or of the named topics. Raises what looking raises."""
    chosen = [note for note in notes.all() if note.cluster_id == cluster_id and (not topics or note.topic in topics)]
    return tuple(_look(note, retention) for note in sorted(chosen, key=lambda note: note.topic))


def _look(note: ExtensionNote, retention: TopicRetention) -> Restoration:
    try:
        topic_id = retention.topic_id(note.topic)
    except UsageFault as fault:
        if fault.code != "WM-KAFKA-UNKNOWN-TOPIC":
            raise
        return plan_restoration(note, None, "")
    return plan_restoration(note, retention.own(note.topic), topic_id)


def restore(restoration: Restoration, retention: TopicRetention, notes: ExtensionNotes) -> Fault | None:
    """Put the settings back and forget the note. What somebody else has changed stays, and so does its note."""
    if restoration.outcome is Outcome.CHANGED_SINCE:
        return None
    if restoration.settings:
        fault = retention.alter(restoration.note.topic, restoration.settings)
        if fault is not None:
            return fault
    notes.remove(restoration.note)
    return None
