"""Objectives of the streams that gates carry, judged look by look: what is bad, what is left, and what burns.

The history is kept in a database, so that a budget outlives the monitor and another monitor goes on with it. What is
counted in records is read from the ledger, which has its own times: a monitor that was away counts what it missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from watermaster.gate.ledger import LedgerEntry, add_counts
from watermaster.incident.answer import span
from watermaster.incident.problem import ProblemKey
from watermaster.incident.signal import Signal, SignalKind, Subject
from watermaster.monitor.budget import HOUR_MS, Amount, BadHistory, Budget, Burn, SlotKey, judge_budget
from watermaster.monitor.objective import EVENTS_MIN, Indicator, Objective
from watermaster.monitor.promise import MINUTE_MS
from watermaster.runtime.configuration import Configuration, GateConfiguration
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.objective_state import Growth, Sight, is_away, is_late, sight_of
from watermaster.runtime.signals import facts_of

AGAIN_MS: Final = 2 * MINUTE_MS
"""After a restart the ledger is read again from so long before the newest slot: a transaction that was open then."""

BACK_MS_MAX: Final = 6 * HOUR_MS
"""A monitor that was away for longer does not read the ledger of all that time; the windows that page end here."""

HELD_WINDOW_MS: Final = 10 * MINUTE_MS
"""The time over which the held share of a gate is judged."""

RULES_SHOWN: Final = 3
RULES_MAX: Final = 1_000
"""Different rules remembered for a minute of a stream; a contract has a few dozen."""

STEP_POLLS_MAX: Final = 3
"""A look speaks for the time since the one before, unless that is longer than so many polls ago."""


@dataclass(frozen=True, slots=True)
class PromisedStream:
    """A stream of a gate with what its contract promises. `topic` is the landing topic; `unread` says why nothing is
    known of a promise.
    """

    gate: GateConfiguration
    topic: str
    objectives: tuple[Objective, ...] = ()
    unread: str = ""

    def name_of(self, indicator: Indicator) -> str:
        """Under which the history is kept: cluster, gate, topic and what is measured."""
        return "/".join((self.gate.cluster, self.gate.name, self.topic, indicator.value))


@dataclass(frozen=True, slots=True)
class LedgerNews:
    """The entries that have come to a gate's ledger; `whole`: they reach up to its end as it is now. `because` says
    why it could not be read.
    """

    entries: Sequence[LedgerEntry] = ()
    whole: bool = False
    because: str = ""


class LedgerFollower(Protocol):
    """Follows the ledgers of gates. Raises nothing: what cannot be read says why."""

    def follow(self, gate: GateConfiguration, since_ms: int, ends: Mapping[int, int]) -> LedgerNews:
        """Up to `ends`, the last stable offsets by partition. The first call begins at `since_ms` since the epoch."""
        ...

    def forget(self) -> None:
        """Begin again at the next call."""
        ...


class BudgetStore(Protocol):
    """Keeps histories. Raises WorldFault WM-DATABASE."""

    def load(self, names: Iterable[str]) -> Mapping[str, Sequence[tuple[SlotKey, Amount]]]:
        """The slots of each history that is there."""
        ...

    def save(self, changes: Mapping[str, Mapping[SlotKey, Amount | None]]) -> None:
        """Put slots, and drop those that are None; all of them or none."""
        ...


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """One objective as it stands. `bad` is whether it is missed now; None: that is not known."""

    cluster: str
    gate: str
    topic: str
    objective: Objective
    bad: bool | None
    budget: Budget


@dataclass(frozen=True, slots=True)
class BudgetTurn:
    """What one look came to. `blind` are problems that must not end, since what raised them cannot be seen now."""

    signals: tuple[Signal, ...] = ()
    blind: frozenset[str] = frozenset()
    reports: tuple[BudgetReport, ...] = ()
    unseen: tuple[str, ...] = ()
    """Ledgers and contracts that could not be read, and why."""


@dataclass(slots=True)
class _Stream:
    """What is remembered of one stream between looks."""

    promised: PromisedStream
    histories: dict[Indicator, BadHistory]
    looked_ms: int | None = None
    growth: Growth = field(default_factory=Growth)
    whole: bool = False
    """Whether the ledger was read to its end in this turn."""
    rules: dict[int, Counter[str]] = field(default_factory=dict)
    """Broken rules by minute."""
    burning: frozenset[Indicator] = frozenset()
    """What burns, or did when it was last known."""
    holding: bool = False
    """The same of the held share."""


class Budgets:
    """Call `turn` after each look, and `begin` before the first one and whenever another monitor may have judged."""

    def __init__(
        self,
        configuration: Configuration,
        promised: Sequence[PromisedStream],
        store: BudgetStore,
        ledgers: LedgerFollower,
        take_worst: Callable[[str, str], int | None] = lambda _cluster, _topic: None,
    ) -> None:
        """`take_worst` gives how long the slowest record took that was measured since the call before, by cluster and
        landing topic; None: none was.
        """
        self._take_worst = take_worst
        self._settings = configuration.monitor
        self._promised, self._store, self._ledgers = promised, store, ledgers
        self._streams: list[_Stream] = []
        self._since_ms: dict[str, int] = {}

    def begin(self, now_ms: int) -> None:
        """Take up what is stored. Raises WorldFault WM-DATABASE."""
        kept = self._store.load([stream.name_of(i) for stream in self._promised for i in Indicator])
        self._streams, self._since_ms = [], {}
        self._ledgers.forget()
        for promised in self._promised:
            histories = {i: BadHistory(kept.get(promised.name_of(i), ())) for i in Indicator}
            counted = histories[Indicator.ERROR_RATE]
            newest_ms = counted.newest_ms
            # A gate whose clock is ahead must not hide what others write until then.
            newest_ms = 0 if newest_ms is None else min(newest_ms, now_ms)
            since_ms = max(newest_ms - AGAIN_MS, now_ms - BACK_MS_MAX)
            stream = _Stream(promised, histories)
            # What burned when somebody last looked has not ended because nobody did since.
            stream.burning = frozenset(o.indicator for o in promised.objectives if _burned(o, histories[o.indicator]))
            stream.holding = self._held_share(counted, newest_ms) is not None
            since_ms = counted.forget_since(since_ms)
            name = promised.gate.name
            self._since_ms[name] = min(since_ms, self._since_ms.get(name, since_ms))
            self._streams.append(stream)
        # Streams of a gate share its ledger, so all of them begin where the first one does.
        for stream in self._streams:
            stream.histories[Indicator.ERROR_RATE].forget_since(self._since_ms[stream.promised.gate.name])

    def turn(self, looks: Sequence[ClusterLook], now_ms: int) -> BudgetTurn:
        """Judge a look and store what it adds. Raises WorldFault WM-DATABASE; the history is then as it was."""
        if len(self._streams) != len(self._promised):
            self.begin(now_ms)
        groups = {promised.gate.group_id for promised in self._promised}
        sights = {look.name: sight_of(look, groups) for look in looks}
        unseen = self._count(sights)
        found: list[Signal] = []
        blind: set[str] = set()
        reports: list[BudgetReport] = []
        for stream in self._streams:
            sight = sights.get(stream.promised.gate.cluster)
            if sight is not None:
                told = self._stream(stream, sight, now_ms)
                found += told.signals
                blind |= told.blind
                reports += told.reports
        changes = {
            stream.promised.name_of(indicator): changed
            for stream in self._streams
            for indicator, history in stream.histories.items()
            # Half of a ledger is not stored: who is killed now would go on behind the newest slot, and miss the rest.
            if (stream.whole or indicator is not Indicator.ERROR_RATE) and (changed := history.take_changes())
        }
        if changes:
            try:
                self._store.save(changes)
            except Exception:
                self._streams = []
                raise
        return BudgetTurn(tuple(found), frozenset(blind), tuple(reports), unseen)

    def _count(self, sights: Mapping[str, Sight]) -> tuple[str, ...]:
        """Add the news of the ledgers; gives what could not be read."""
        gates = {stream.promised.gate.name: stream.promised.gate for stream in self._streams}
        news = {}
        for name, gate in gates.items():
            sight = sights.get(gate.cluster)
            if sight is not None and sight.look.report is not None:
                ends = {partition: log.stable for partition, log in sight.logs.get(gate.ledger, {}).items()}
                told = self._ledgers.follow(gate, self._since_ms[name], ends) if ends else LedgerNews()
                dark = "" if sight.sees(gate.ledger) else f"{gate.ledger} cannot be seen"
                news[name] = replace(told, whole=told.whole and not dark, because=told.because or dark)
        for stream in self._streams:
            told = news.get(stream.promised.gate.name, LedgerNews())
            stream.whole = told.whole
            since_ms = self._since_ms[stream.promised.gate.name]
            for entry in told.entries:
                # What is older was counted before the restart.
                if entry.topic == stream.promised.topic and entry.now_ms >= since_ms:
                    stream.histories[Indicator.ERROR_RATE].add(entry.now_ms, Amount(entry.held, entry.read))
                    _remember(stream.rules, entry)
        ledgers = (f"the ledger of {gate}: {told.because}" for gate, told in news.items() if told.because)
        contracts = (f"what is promised for {p.topic}: {p.unread}" for p in self._promised if p.unread)
        return (*ledgers, *contracts)

    def _stream(self, stream: _Stream, sight: Sight, now_ms: int) -> BudgetTurn:
        promised, look = stream.promised, sight.look
        if look.report is not None:
            stream.growth.see(sight.logs.get(promised.topic, {}), now_ms)
        step_ms = self._step_ms(stream, now_ms)
        signals, reports, burning, unknown = [], [], set(), set()
        for objective in promised.objectives:
            history, indicator = stream.histories[objective.indicator], objective.indicator
            bad = _is_bad(objective, stream, sight, now_ms)
            if indicator is Indicator.LATENCY:
                # What has waited and is gone by the time of a look is late, too.
                worst_ms = self._take_worst(promised.gate.cluster, promised.topic)
                bad = bad or (True if worst_ms is not None and worst_ms > (objective.bound_ms or 0) else bad)
            if bad is not None and indicator is not Indicator.ERROR_RATE:
                history.add_span(now_ms - step_ms, now_ms, bad=bad)
            history.fold(now_ms)
            budget = judge_budget(objective, history, now_ms)
            gate = promised.gate
            reports.append(BudgetReport(gate.cluster, gate.name, promised.topic, objective, bad, budget))
            if budget.burning is not None:
                burning.add(indicator)
            if budget.burning is not None and look.report is not None:
                # That a cluster does not answer is a signal of its own.
                signals.append(_burn_signal(reports[-1], budget.burning, _facts(promised, sight, now_ms)))
            if not stream.whole if indicator is Indicator.ERROR_RATE else bad is None:
                unknown.add(indicator)
        if Indicator.ERROR_RATE not in {objective.indicator for objective in promised.objectives}:
            stream.histories[Indicator.ERROR_RATE].fold(now_ms)
        held = tuple(self._held(stream, sight, now_ms))
        signals += held
        # What cannot be seen goes on as it was last seen, however long ago that is.
        stream.burning = frozenset(burning) | (stream.burning & unknown)
        stream.holding = bool(held) or (stream.holding and not stream.whole)
        stream.looked_ms = now_ms
        blind = stream.burning & unknown or (stream.holding and not stream.whole)
        dark = {str(ProblemKey(promised.gate.cluster, promised.gate.group_id))} if blind else set()
        return BudgetTurn(tuple(signals), frozenset(dark), tuple(reports))

    def _step_ms(self, stream: _Stream, now_ms: int) -> int:
        if stream.looked_ms is None:
            return 0
        return min(now_ms - stream.looked_ms, STEP_POLLS_MAX * self._settings.poll_ms)

    def _held_share(self, counted: BadHistory, now_ms: int) -> float | None:
        """The share that is held, if it is large."""
        amount = counted.over(HELD_WINDOW_MS, now_ms)
        share = amount.share if amount.seen >= EVENTS_MIN else None
        return None if share is None or share < self._settings.held_share_min else share

    def _held(self, stream: _Stream, sight: Sight, now_ms: int) -> Iterator[Signal]:
        """The gate holds a large part of what it has read lately."""
        counted = stream.histories[Indicator.ERROR_RATE]
        for minute in [minute for minute in stream.rules if now_ms - minute > HELD_WINDOW_MS + MINUTE_MS]:
            del stream.rules[minute]
        share = self._held_share(counted, now_ms)
        if share is None:
            return
        amount = counted.over(HELD_WINDOW_MS, now_ms)
        gate, topic = stream.promised.gate, stream.promised.topic
        sentence = (
            f"The gate {gate.name} held {share:.0%} of {topic}: {amount.bad:.0f} of the {amount.seen:.0f} records"
            f" that it judged in the last {span(HELD_WINDOW_MS)}."
        )
        facts = _facts(stream.promised, sight, now_ms)
        evidence = (sentence, *_ranked(stream.rules), *facts.evidence)
        yield replace(facts, kind=SignalKind.HELD_SHARE, held_share=share, evidence=evidence)


def stand(
    promised: Sequence[PromisedStream], store: BudgetStore, now_ms: int
) -> tuple[tuple[BudgetReport, ...], int | None]:
    """Every objective as the history has it, and since when nothing was added; for whoever looks without a monitor."""
    kept = store.load([stream.name_of(i) for stream in promised for i in Indicator])
    histories = {name: BadHistory(slots) for name, slots in kept.items()}
    reports = []
    for stream in promised:
        for objective in stream.objectives:
            history = histories.get(stream.name_of(objective.indicator), BadHistory())
            budget = judge_budget(objective, history, now_ms)
            gate = stream.gate
            reports.append(BudgetReport(gate.cluster, gate.name, stream.topic, objective, None, budget))
    newest = [at_ms for history in histories.values() if (at_ms := history.newest_ms) is not None]
    return tuple(reports), max(newest, default=None)


def _burned(objective: Objective, history: BadHistory) -> bool:
    """Whether it burned at the end of what is stored."""
    newest_ms = history.newest_ms
    return newest_ms is not None and judge_budget(objective, history, newest_ms + MINUTE_MS).burning is not None


def _is_bad(objective: Objective, stream: _Stream, sight: Sight, now_ms: int) -> bool | None:
    bound_ms = objective.bound_ms or 0
    place = (stream.promised.gate.group_id, stream.promised.topic)
    line = sight.lags.get(place)
    match objective.indicator:
        case Indicator.LATENCY:
            late = is_late(line, bound_ms)
            return late if late or sight.has_read(*place) else None
        case Indicator.AVAILABILITY:
            # Nobody can be served from a cluster that does not answer.
            return True if sight.look.report is None else is_away(line)
        case Indicator.FREQUENCY:
            fresh = sight.freshness.get(place[1])
            return stream.growth.is_silent(bound_ms, now_ms, fresh) if sight.sees(place[1]) else None
        case Indicator.ERROR_RATE:
            # The newest two minutes, one of which is whole: what is held right now.
            share = stream.histories[Indicator.ERROR_RATE].over(2 * MINUTE_MS, now_ms).share
            return None if share is None or not stream.whole else share > objective.budget


def _facts(promised: PromisedStream, sight: Sight, now_ms: int) -> Signal:
    """A signal about the stream with what the look says of it, still without what is wrong."""
    gate, topic, look = promised.gate, promised.topic, sight.look
    place = (gate.group_id, topic)
    if look.report is not None and place in sight.horizons:
        facts = facts_of(look, look.report, sight.horizons[place], sight.lags[place], gate)
        return replace(facts, subject=replace(facts.subject, partition=None))
    return Signal(SignalKind.BUDGET_BURN, Subject(look.name, gate.group_id, topic), now_ms, (), real_time=True)


def _burn_signal(report: BudgetReport, burn: Burn, facts: Signal) -> Signal:
    objective = report.objective
    sentence = (
        f"{report.topic} misses its promised {promised_text(objective)}: {burn.window.long} and {burn.window.short} use"
        f" up the error budget {burn.long or 0:.1f} and {burn.short or 0:.1f} times too fast."
    )
    left = report.budget.left
    told = "is used up" if left is not None and left <= 0 else f"has {left or 0:.0%} left at the best"
    evidence = (sentence, f"The budget of 30 days ({objective.budget:.3g} of them) {told}.", *facts.evidence)
    held = burn.short * objective.budget if burn.short and objective.indicator is Indicator.ERROR_RATE else None
    return replace(facts, kind=SignalKind.BUDGET_BURN, burn=burn.window.factor, held_share=held, evidence=evidence)


def promised_text(objective: Objective) -> str:
    """An objective in words."""
    name = objective.indicator.value.replace("_", " ")
    return name if objective.bound_ms is None else f"{name} of {span(objective.bound_ms)}"


def _remember(rules: dict[int, Counter[str]], entry: LedgerEntry) -> None:
    minute = rules.setdefault(entry.now_ms // MINUTE_MS * MINUTE_MS, Counter())
    known = {rule: count for rule, count in entry.rules.items() if rule in minute or len(minute) < RULES_MAX}
    add_counts(minute, known)


def _ranked(rules: Mapping[int, Counter[str]]) -> Iterator[str]:
    total: Counter[str] = Counter()
    for minute in rules.values():
        total.update(minute)
    if total:
        ranked = ", ".join(f"{rule} ({count})" for rule, count in total.most_common(RULES_SHOWN))
        more = len(total) - RULES_SHOWN
        yield f"Broken most often: {ranked}" + (f", and {more} other rules" if more > 0 else "") + "."
