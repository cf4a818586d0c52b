"""What happened in clusters, as notes for the timelines of incidents: the differences between looks, remembered.

Each difference stands at the last moment at which it was still as before, so that it never stands behind what follows
from it, and says how much later it was seen. What comes again and again is told with growing gaps: a flapping group
fills no timeline. The memory is this process's: what another monitor saw is not known, and the first look after a start
has nothing to be compared with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from glob import escape
from typing import Final

from watermaster.incident.answer import span
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.incident_ports import Note
from watermaster.runtime.look_difference import Aspect, Difference, carried, compare_looks
from watermaster.runtime.survey import Survey

NOTES_MAX: Final = 2_000
"""Remembered for one cluster; the death of a broker touches each of its topics once or twice."""

TOLD_EACH: Final = 3
"""Of what comes again and again; then only the 4th, 8th, 16th … time is told."""

SUBJECTS_MAX: Final = 10_000
"""Whose repetitions are counted; beyond that the oldest ones begin anew."""


@dataclass(slots=True)
class _Cluster:
    survey: Survey
    notes: deque[tuple[int, Note]] = field(default_factory=lambda: deque(maxlen=NOTES_MAX))
    streaks: dict[tuple[Aspect, str | None, str], tuple[int, int]] = field(default_factory=dict)
    """How often each difference came, and when it came last."""


class ClusterChanges:
    """Call it after each look. It remembers for `kept_ms`, and counts repetitions until they have paused so long."""

    def __init__(self, kept_ms: int) -> None:
        self._kept_ms = kept_ms
        self._clusters: dict[str, _Cluster] = {}

    def __call__(self, looks: Iterable[ClusterLook]) -> Mapping[str, Sequence[Note]]:
        """Everything remembered, by cluster. A cluster that does not answer is compared once it does again."""
        for look in looks:
            if look.report is not None:
                self._see(look.name, look.report.survey)
        return {name: [note for _, note in known.notes] for name, known in self._clusters.items() if known.notes}

    def _see(self, name: str, survey: Survey) -> None:
        known = self._clusters.get(name)
        if known is None:
            self._clusters[name] = _Cluster(survey)
            return
        for difference in compare_looks(known.survey, survey):
            note = self._note(name, difference, known)
            if note is not None:
                known.notes.append((difference.seen_ms, note))
        known.survey = carried(known.survey, survey)
        while known.notes and survey.taken_ms - known.notes[0][0] > self._kept_ms:
            known.notes.popleft()

    def _note(self, cluster: str, difference: Difference, known: _Cluster) -> Note | None:
        """None for a repetition that is only counted."""
        what = (difference.aspect, difference.subject, difference.facet)
        count, last_ms = known.streaks.pop(what, (0, difference.seen_ms))
        count = 1 if difference.seen_ms - last_ms > self._kept_ms else count + 1
        known.streaks[what] = (count, difference.seen_ms)
        if len(known.streaks) > SUBJECTS_MAX:
            known.streaks.pop(next(iter(known.streaks)))
        if count > TOLD_EACH and count & (count - 1):
            return None
        late = f" (seen {span(difference.seen_ms - difference.since_ms)} later)"
        again = "" if count <= TOLD_EACH else f" (change {count} of it in a row; not each of them is told)"
        pattern = cluster if difference.subject is None else escape(difference.subject)
        return Note(difference.since_ms, difference.aspect.value, pattern, "", difference.text + late + again)
