"""From one look to the next: which incidents open, change, close and return, and who is to be told.

Flap-proof: a problem opens an incident only once it has lasted `raise_after_ms` (at once if it is as loud as can be),
closes it only once it was seen to be gone for `clear_after_ms`, and one that comes back within `return_within_ms` is
the same incident. Invariant: a look that could not see the subject of an incident never brings it nearer to its end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from watermaster.incident.answer import Answers
from watermaster.incident.incident import Entry, Incident, summarize
from watermaster.incident.life import Action, State
from watermaster.incident.problem import ProblemKey
from watermaster.incident.reaction import Reaction, ReactionPromise
from watermaster.incident.runbook import SiteRunbook
from watermaster.incident.severity import ALARMS_MAX, SEVERITIES, SeverityRow, alarms_of
from watermaster.incident.signal import Signal

MONITOR: Final = "monitor"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long things must last, in milliseconds, and the table of severities."""

    raise_after_ms: int = 60_000
    clear_after_ms: int = 120_000
    return_within_ms: int = 1_800_000
    severities: Sequence[SeverityRow] = SEVERITIES


@dataclass(frozen=True, slots=True)
class Problem:
    """The signals of one problem in one look, and what they answer."""

    key: ProblemKey
    signals: tuple[Signal, ...]
    answers: Answers
    owner: str | None = None
    runbook: SiteRunbook | None = None
    began_ms: int | None = None
    promised: ReactionPromise | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """After a look: incidents that changed (a new one has number 0), and since when others are about to open."""

    changed: tuple[Incident, ...]
    pending: Mapping[str, int]


def advance(
    incidents: Sequence[Incident],
    pending: Mapping[str, int],
    problems: Sequence[Problem],
    blind: Collection[str],
    policy: Policy,
    now_ms: int,
) -> Progress:
    """One look further. `incidents` are those not resolved, and those resolved within `return_within_ms`.

    `blind` names the clusters and the problems of which this look could not see everything.
    """
    by_key = {incident.key: incident for incident in sorted(incidents, key=lambda incident: incident.number)}
    waiting: dict[str, int] = {}
    changed: dict[str, Incident] = {}
    for problem in problems:
        key = str(problem.key)
        known = by_key.get(key)
        if known is not None and known.state is not State.RESOLVED:
            changed[key] = _seen_again(known, problem, policy, now_ms)
            continue
        since_ms = pending.get(key, now_ms)
        if now_ms - since_ms < policy.raise_after_ms and alarms_of(problem.signals, policy.severities) < ALARMS_MAX:
            waiting[key] = since_ms
        else:
            changed[key] = _returned(known, problem, policy, now_ms) or _opened(problem, policy, since_ms, now_ms)
    raised = {str(problem.key) for problem in problems}
    for key, incident in by_key.items():
        if key not in raised and incident.state is not State.RESOLVED:
            changed[key] = _unseen(incident, policy, now_ms, blind=incident.cluster in blind or key in blind)
    # What a blind look did not see again is still about to open.
    hidden = {key for key in pending.keys() - raised if key.split("/")[0] in blind or key in blind}
    waiting |= {key: pending[key] for key in hidden}
    kept = tuple(incident for key, incident in changed.items() if incident != by_key.get(key))
    return Progress(kept, waiting)


def _opened(problem: Problem, policy: Policy, since_ms: int, now_ms: int) -> Incident:
    alarms = alarms_of(problem.signals, policy.severities)
    title = problem.signals[0].evidence[0]
    return Incident(
        number=0,
        key=str(problem.key),
        cluster=problem.key.cluster,
        title=title,
        state=State.OPEN,
        alarms=alarms,
        opened_ms=now_ms,
        seen_ms=now_ms,
        signals=problem.signals,
        answers=problem.answers,
        owner=problem.owner,
        runbook=problem.runbook,
        began_ms=since_ms if problem.began_ms is None else min(since_ms, problem.began_ms),
        promised=problem.promised,
        timeline=(Entry(now_ms, MONITOR, f"opened with {alarms} of 5 alarms: {title}"),),
    )


def _seen_again(incident: Incident, problem: Problem, policy: Policy, now_ms: int) -> Incident:
    late = Reaction.REPAIR in incident.passed
    alarms = min(ALARMS_MAX, alarms_of(problem.signals, policy.severities) + late)
    if alarms > incident.alarms:
        text = f"rises from {incident.alarms} to {alarms} alarms: {problem.signals[0].evidence[0]}"
        incident = replace(incident.noted(Entry(now_ms, MONITOR, text)), alarms=alarms)
    return replace(
        incident,
        signals=_with_losses(problem.signals, incident.signals),
        answers=_with_blame(problem.answers, incident.answers),
        seen_ms=now_ms,
        clear_since_ms=None,
        runbook=problem.runbook,
        promised=problem.promised,
    )


def _with_losses(new: tuple[Signal, ...], old: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """A loss that was seen stays in the record until it is closed, though the group reads on."""
    kinds = {(signal.kind, signal.subject) for signal in new}
    return new + tuple(signal for signal in old if signal.lost_max and (signal.kind, signal.subject) not in kinds)


def _with_blame(new: Answers, old: Answers) -> Answers:
    """What was noted before it began stays named, also when that is long ago."""
    return replace(new, what=old.what) if new.what.missing and not old.what.missing else new


def _unseen(incident: Incident, policy: Policy, now_ms: int, *, blind: bool) -> Incident:
    if blind:
        return replace(incident, clear_since_ms=None)
    since_ms = now_ms if incident.clear_since_ms is None else incident.clear_since_ms
    if now_ms - since_ms < policy.clear_after_ms:
        return replace(incident, clear_since_ms=since_ms)
    ending = "its signals are gone"
    closed = incident.after(Action.CLEAR, MONITOR, f"resolved: {ending}", now_ms)
    if closed is None:
        return incident
    closed = replace(closed, clear_since_ms=since_ms, resolved_ms=now_ms)
    return replace(closed, summary=summarize(closed, now_ms, ending))


def _returned(known: Incident | None, problem: Problem, policy: Policy, now_ms: int) -> Incident | None:
    if known is None or known.resolved_ms is None or now_ms - known.resolved_ms > policy.return_within_ms:
        return None
    back = known.after(Action.RETURN, MONITOR, "its signals are back", now_ms)
    if back is None:
        return None
    back = replace(back, acknowledged_by=None, resolved_ms=None, summary=None, paged=())
    return _seen_again(back, problem, policy, now_ms)
