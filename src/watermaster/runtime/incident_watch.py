"""The watch: look, judge, store what changed together with its pages, and send what is due; again and again.

Only the monitor that holds the lease judges and sends, so two of them page once. What is to be sent stands in the
database before it is sent, in the transaction that changed the incident: who dies in between is followed by another
one that sends it, under the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from watermaster.incident.answer import Surroundings, answer
from watermaster.incident.batch import BatchRun, batch_signals
from watermaster.incident.incident import Entry, Incident
from watermaster.incident.life import State
from watermaster.incident.paging import Page, Route, plan_pages
from watermaster.incident.problem import ProblemKey, group_signals
from watermaster.incident.progress import Policy, Problem, advance
from watermaster.incident.promise_keeping import judge_reactions
from watermaster.incident.runbook import site_runbook
from watermaster.incident.severity import HOUR_MS, SEVERITIES
from watermaster.incident.signal import Signal
from watermaster.monitor.carriage import Carried
from watermaster.runtime.budgets import BudgetReport, Budgets, BudgetTurn
from watermaster.runtime.cluster_changes import ClusterChanges
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.data_watch import DataWatch, Returned
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.incident_ports import Change, ChangesSeen, IncidentStore, Memory, Message, Note, Senders
from watermaster.runtime.incident_settings import AlertKind
from watermaster.runtime.look_difference import Aspect
from watermaster.runtime.ports import Clock
from watermaster.runtime.reactions import Beginnings, PromisedReaction, promise_for
from watermaster.runtime.signals import APART, SignalReader, blind_of
from watermaster.stream.fault import Fault

LEASE_MS_MIN: Final = 30_000
"""A monitor that is silent for so long is taken for dead; its pages wait that much longer."""

MONITOR: Final = "monitor"

BEFORE_MS: Final = HOUR_MS
"""How long before an incident a deploy may lie to be named beside it."""

_FOLLOWS: Final = frozenset({Aspect.MEMBERS.value})
"""Kinds of notes that only say once more what the signals say, and never why."""

_HAPPENED: Final = frozenset({Aspect.BROKERS.value, Aspect.PARTITIONS.value})
"""Kinds that nobody has done; what somebody did is named before them."""

RETRY_MS: Final = 2_000
RETRY_MS_MAX: Final = 60_000
REMIND_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class WatchState:
    """What the watch tells of itself. `looked_ms` is the newest whole look that was judged and stored."""

    started_ms: int
    leads: bool = False
    looked_ms: int | None = None
    fault: str = ""
    open_incidents: Mapping[int, int] | None = None
    """How many are open, by alarms; None before the first look."""
    pages_waiting: int | None = None
    refused: Mapping[str, str] | None = None
    """Routes whose newest page did not arrive, and why."""
    budgets: Sequence[BudgetReport] = ()
    """The objectives of the contracts as the newest look left them."""
    carried: Sequence[Carried] = ()
    """How long the streams of gates have taken lately."""
    returned: Sequence[Returned] = ()
    """What became of the records that were sent through probe topics."""
    unseen: Sequence[str] = ()
    """What objectives, volumes and timelines hang on and could not be seen."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one look came to: problems with their signals and since when they are bad, and what happened beside them."""

    looks: Sequence[ClusterLook]
    problems: Mapping[ProblemKey, tuple[Signal, ...]]
    began_ms: Mapping[str, int | None]
    blind: frozenset[str]
    notes: Mapping[str, Sequence[Note]]
    now_ms: int


class IncidentWatch:
    """One monitor. `owners` says whose a topic is by its contract."""

    def __init__(
        self,
        configuration: Configuration,
        look: Callable[[], Sequence[ClusterLook]],
        store: IncidentStore,
        senders: Senders,
        clock: Clock,
        holder: str,
        owners: Mapping[str, str],
        batches: Callable[[], Sequence[BatchRun]] = tuple,
        changes: Callable[[Sequence[ClusterLook]], ChangesSeen] = lambda _: ChangesSeen(),
        budgets: Budgets | None = None,
        data: Sequence[DataWatch] = (),
        reactions: Sequence[PromisedReaction] = (),
    ) -> None:
        """`batches` gives the newest kept run of `check` for each stream, `changes` what was seen to be changed beside
        what the looks themselves show, `budgets` judges the objectives of contracts, `data` watches the records,
        `reactions` is what contracts promise of detecting, notifying and repairing.
        """
        self._reactions, self._beginnings = reactions, Beginnings()
        self._batches, self._changes, self._budgets, self._data = batches, changes, budgets, data
        self._happened = ClusterChanges(BEFORE_MS)
        self._look, self._store, self._senders, self._clock = look, store, senders, clock
        self._configuration, self._holder, self._owners = configuration, holder, owners
        self._reader = SignalReader(configuration)
        self._policy = _policy(configuration)
        self._routes = routes_of(configuration)
        self._lease_ms = max(LEASE_MS_MIN, 3 * configuration.monitor.poll_ms)
        self._reminded_ms = 0
        self.state = WatchState(clock.now_ms())

    def turn(self) -> None:
        """One look and everything that follows. Raises a fault if the database cannot be reached."""
        led = self.state.leads
        if not self._lead():
            return
        if not led:
            self._begin()
        looks = self._look()
        now_ms = self._clock.now_ms()
        signals = [signal for look in looks for signal in self._reader.read(look, now_ms)]
        signals += batch_signals(self._batches(), now_ms)
        told = self._budgets.turn(looks, now_ms) if self._budgets else BudgetTurn()
        seen = [watch.turn(looks, now_ms) for watch in self._data]
        signals += (*told.signals, *(signal for turn in seen for signal in turn.signals))
        blind = told.blind.union(*(turn.blind for turn in seen), *map(blind_of, looks))
        changed, happened = self._changes(looks), self._happened(looks)
        notes = {name: (*changed.notes.get(name, ()), *happened.get(name, ())) for name in (*changed.notes, *happened)}
        problems = group_signals(signals, self._feeders(), APART)
        began = self._beginnings.see({str(key): found for key, found in problems.items()}, blind, now_ms)
        turn = _Turn(looks, problems, began, blind, notes, now_ms)
        if not self._lead():
            return
        self._store.change(
            lambda memory: self._step(memory, turn),
            since_ms=now_ms - max(self._policy.return_within_ms, BEFORE_MS),
            holder=self._holder,
        )
        unseen = (*told.unseen, *(line for turn in seen for line in turn.unseen), *changed.unseen)
        carried = tuple(each for turn in seen for each in turn.carried)
        returned = tuple(each for turn in seen for each in turn.returned)
        self.state = replace(self.state, budgets=told.reports, carried=carried, returned=returned, unseen=unseen)
        self.deliver()
        self._finish(now_ms)

    def fail(self, fault: Fault) -> None:
        """The database is away: nothing is judged, and that is said."""
        self.state = replace(
            self.state,
            leads=False,
            fault=fault.code,
            pages_waiting=None,
            budgets=(),
            carried=(),
            returned=(),
            unseen=(),
        )

    def deliver(self) -> None:
        """Send what is due. A page that is not taken is due again, later each time."""
        refused = dict(self.state.refused or {})
        for message in self._store.due(self._clock.now_ms()):
            sender = self._senders.routes.get(message.route)
            now_ms = self._clock.now_ms()
            if sender is None:
                # The route was taken out of the configuration; nobody waits for it any more.
                self._store.sent(message, now_ms)
                continue
            done = sender.send(message, now_ms)
            if done.refused:
                refused[message.route] = done.refused
                self._store.failed(message, now_ms + min(RETRY_MS_MAX, RETRY_MS << min(message.attempts, 10)))
            else:
                refused.pop(message.route, None)
                self._store.sent(message, now_ms)
        self.state = replace(self.state, refused=refused, pages_waiting=self._store.waiting())

    def _begin(self) -> None:
        """Another monitor may have judged in between: what is kept in the database is taken up anew."""
        if self._budgets:
            self._budgets.begin(self._clock.now_ms())
        for watch in self._data:
            watch.begin()

    def _lead(self) -> bool:
        now_ms = self._clock.now_ms()
        leads = self._store.lead(self._holder, now_ms, now_ms + self._lease_ms)
        self.state = replace(self.state, leads=leads, fault="")
        return leads

    def _step(self, memory: Memory, turn: _Turn) -> Change:
        def notes_of(cluster: str) -> Sequence[Note]:
            # What people record may be about every cluster; what was seen is about the one where it was.
            return (*memory.notes, *turn.notes.get(cluster, ()))

        known, now_ms = memory.known(), turn.now_ms
        opened = {incident.key: incident.opened_ms for incident in known if not incident.resolved_ms}
        problems = [
            self._problem(key, turn, _noted(notes_of(key.cluster), opened.get(str(key), now_ms)))
            for key in turn.problems
        ]
        progress = advance(known, memory.pending, problems, turn.blind, self._policy, now_ms)
        changed = {incident.key: incident for incident in progress.changed}
        kept = {incident.key: incident for incident in known if incident.state is not State.RESOLVED}
        before = {incident.number: incident for incident in memory.incidents}
        number, incidents, messages = memory.next_number, [], list[Message]()
        for incident in (kept | changed).values():
            if incident.number == 0:
                incident, number = replace(incident, number=number), number + 1  # noqa: PLW2901 -- it is the same one
            told = incident.told(_beside(incident, notes_of(incident.cluster)))
            incident = judge_reactions(told, now_ms)  # noqa: PLW2901 -- it is the same one
            was = before.get(incident.number)
            paged, pages = plan_pages(was, incident, self._routes, memory.silences, now_ms)
            messages += [message_of(paged, page) for page in pages]
            if paged != was:
                incidents.append(paged)
        return Change(tuple(incidents), tuple(messages), progress.pending)

    def _problem(self, key: ProblemKey, turn: _Turn, notes: Sequence[Note]) -> Problem:
        signals, looks = turn.problems[key], turn.looks
        topics = list(dict.fromkeys(signal.subject.topic for signal in signals if signal.subject.topic))
        owner, owner_from = self._owner(topics)
        around = Surroundings(
            owner=owner,
            owner_from=owner_from,
            before=_told(notes, key, topics),
            copies=_copies(looks, key.cluster, topics),
            standby=any(look.name != key.cluster and look.report is not None for look in looks),
        )
        runbook = site_runbook(self._configuration.runbooks, signals)
        promised = promise_for(self._reactions, signals)
        began_ms = turn.began_ms.get(str(key))
        return Problem(key, signals, answer(signals, around), owner, runbook, began_ms, promised)

    def _owner(self, topics: Sequence[str]) -> tuple[str | None, str | None]:
        for topic in topics:
            if topic in self._owners:
                return self._owners[topic], f"the contract of {topic}"
        found = self._configuration.owner_by_pattern(*topics)
        return (None, None) if found is None else (found[1], f"the pattern {found[0]} under `owners`")

    def _feeders(self) -> Mapping[ProblemKey, ProblemKey]:
        """Gates that read what another gate writes."""
        gates = self._configuration.gates.values()
        writers = {(gate.cluster, stream.trusted): gate.group_id for gate in gates for stream in gate.streams}
        return {
            ProblemKey(gate.cluster, gate.group_id): ProblemKey(gate.cluster, writers[gate.cluster, landing])
            for gate in gates
            for landing in gate.landings
            if (gate.cluster, landing) in writers
        }

    def _finish(self, now_ms: int) -> None:
        """Remind receivers that forget, tell the dead man's switch, and say how things stand."""
        ongoing = self._store.listed(resolved=False, limit=1_000)
        if now_ms - self._reminded_ms >= REMIND_MS:
            self._reminded_ms = now_ms
            for name, sender in self._senders.routes.items():
                sender.remind([incident for incident in ongoing if name in incident.paged], now_ms)
        refused = dict(self.state.refused or {})
        for name, beat in self._senders.heartbeats.items():
            reason = beat().refused
            refused = {**refused, name: reason} if reason else {k: v for k, v in refused.items() if k != name}
        counts = {alarms: sum(incident.alarms == alarms for incident in ongoing) for alarms in range(1, 6)}
        self.state = replace(self.state, looked_ms=now_ms, open_incidents=counts, refused=refused)


def routes_of(configuration: Configuration) -> tuple[Route, ...]:
    """The routes that are paged."""
    return tuple(
        Route(alert.name, alert.alarms_min, alert.escalate_after_ms)
        for alert in configuration.alerts.values()
        if alert.kind is not AlertKind.HEARTBEAT
    )


def message_of(incident: Incident, page: Page) -> Message:
    """A page as it is stored."""
    return Message(f"{incident.dedup_key}/{page.number}/{page.route}", page.route, page.happening, incident)


def _policy(configuration: Configuration) -> Policy:
    settings = configuration.monitor
    return Policy(
        settings.raise_after_ms,
        settings.clear_after_ms,
        settings.return_within_ms,
        settings.severities or SEVERITIES,
    )


def _noted(notes: Sequence[Note], began_ms: int) -> list[Note]:
    """The notes of the time before a moment, oldest first."""
    near = [note for note in notes if began_ms - BEFORE_MS <= note.at_ms <= began_ms]
    return sorted(near, key=lambda note: note.at_ms)


def _told(notes: Sequence[Note], key: ProblemKey, topics: Sequence[str]) -> tuple[str, ...]:
    """Those that speak of the cluster, the group or a topic of it; behind those that just happened, what was done."""
    names = [key.cluster, key.group, *topics]
    about = [note for note in notes if note.kind not in _FOLLOWS and _speaks_of(note, names)]
    about.sort(key=lambda note: note.kind not in _HAPPENED)
    told = (f"{note.kind} by {note.who}: {note.text}" if note.who else f"{note.kind}: {note.text}" for note in about)
    return tuple(dict.fromkeys(told))


def _beside(incident: Incident, notes: Sequence[Note]) -> list[Entry]:
    """What happened shortly before an incident and since, as lines of its timeline."""
    subjects = [signal.subject for signal in incident.signals]
    names = [incident.cluster, *(name for subject in subjects for name in (subject.group, subject.topic))]
    return [
        Entry(note.at_ms, note.who or MONITOR, f"{note.kind}: {note.text}")
        for note in notes
        if incident.opened_ms - BEFORE_MS <= note.at_ms <= (incident.resolved_ms or note.at_ms)
        and _speaks_of(note, names)
    ]


def _speaks_of(note: Note, names: Sequence[str | None]) -> bool:
    return any(name and fnmatchcase(name, note.pattern) for name in names)


def _copies(looks: Sequence[ClusterLook], cluster: str, topics: Sequence[str]) -> tuple[str, ...]:
    """Topics of the same name, or of MirrorMaker's, on other clusters of the configuration."""
    found = []
    for look in looks:
        if look.name == cluster or look.report is None:
            continue
        for topic in topics:
            for name in (topic, f"{cluster}.{topic}"):
                logs = [log for source, log in look.report.survey.logs.items() if source.topic == name]
                if logs:
                    records = sum(log.end - log.start for log in logs)
                    found.append(f"{look.name} has a topic {name} with up to {records} records")
    return tuple(found)
