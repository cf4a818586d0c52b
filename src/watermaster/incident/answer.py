"""The five answers. Each one is given with its evidence, or says what is missing to give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from watermaster.incident.signal import Signal, SignalKind

CORRELATED: Final = "correlated"
"""The grade of what was seen together and not proved to be the cause."""

_HELD: Final = "yes: what was held keeps its bytes and its reasons in the quarantine topic"
_GONE: Final = "not what is gone from this topic; what is still there is read when the group goes on"
_BATCH: Final = "mend or deliver the batch and check it again with `--record`: a good run ends this"
_FIXES: Final = (
    (frozenset({SignalKind.DATA_LOST, SignalKind.GROUP_ABANDONED}), _GONE),
    (frozenset({SignalKind.BATCH_FAILED, SignalKind.BATCH_MISSING}), _BATCH),
    (frozenset({SignalKind.HELD_SHARE}), _HELD),
)
"""Whether it can be mended, by signals, the ones that rule the others out first."""
_FIELDS: Final = frozenset({SignalKind.FIELDS_CHANGED, SignalKind.FIELDS_NEW})
_VOLUMES: Final = frozenset({SignalKind.VOLUME_LOW, SignalKind.VOLUME_HIGH})


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is None where the answer is not known; `missing` then says what would be needed."""

    text: str | None
    evidence: tuple[str, ...] = ()
    missing: str | None = None

    def __str__(self) -> str:
        missing = f"not known: {self.missing}" if self.missing else None
        return "; ".join(part for part in (self.text, missing) if part)


@dataclass(frozen=True, slots=True)
class Answers:
    """On-call's five questions, in their order."""

    what: Answer
    whose: Answer
    how_long: Answer
    fix: Answer
    copy: Answer

    def listed(self) -> tuple[tuple[str, Answer], ...]:
        """Each question with its answer."""
        return (
            ("What broke, and why?", self.what),
            ("Whose is it?", self.whose),
            ("How long until data is lost?", self.how_long),
            ("Can I fix and replay it?", self.fix),
            ("Is the copy safe?", self.copy),
        )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the signals: the owner and where from, what happened shortly before, where copies lie."""

    owner: str | None = None
    owner_from: str | None = None
    before: tuple[str, ...] = ()
    """What happened before the first signal; the last one is the likeliest to be named: what somebody did."""
    copies: tuple[str, ...] = ()
    standby: bool = False
    """Whether another cluster could be looked at."""


def answer(signals: Sequence[Signal], around: Surroundings) -> Answers:
    """The five answers for the signals of one problem."""
    return Answers(_what(signals, around), _whose(around), _how_long(signals), _fix(signals), _copy(around))


def _what(signals: Sequence[Signal], around: Surroundings) -> Answer:
    seen = tuple(dict.fromkeys(line for signal in signals for line in signal.evidence))
    text = seen[0] if seen else None
    if around.before:
        return Answer(f"{text} Shortly before ({CORRELATED}): {around.before[-1]}", (*seen, *around.before))
    return Answer(text, seen, "why; nothing is recorded before it (`incident note deploy` in CI would be)")


def _whose(around: Surroundings) -> Answer:
    if around.owner is None:
        return Answer(None, missing="no contract names an owner, and no pattern under `owners` matches")
    return Answer(around.owner, (f"from {around.owner_from}",))


def _how_long(signals: Sequence[Signal]) -> Answer:
    lost = max((signal.lost_max for signal in signals), default=0)
    dated = [signal for signal in signals if signal.left_ms is not None]
    first = min(dated, key=lambda signal: signal.left_ms or 0, default=None)
    gone = f"up to {lost} records are lost already" if lost else None
    if first is None:
        return Answer(gone, missing=None if gone else "no loss horizon could be seen for it")
    sure = "forecast" if first.forecast else "at the earliest"
    left = f"{span(first.left_ms or 0)} ({sure}), by {first.loss_cause}, on {first.subject}"
    return Answer("; then ".join(part for part in (gone, left) if part))


def _fix(signals: Sequence[Signal]) -> Answer:
    kinds = {signal.kind for signal in signals}
    if SignalKind.CLUSTER_UNREACHABLE in kinds:
        return Answer(None, missing="the cluster does not answer, so nothing can be seen of what waits in it")
    if kinds == {SignalKind.BUDGET_BURN}:
        return Answer(_mended_budget(signals))
    for some, text in _FIXES:
        if kinds & some:
            return Answer(text)
    if kinds and kinds <= _VOLUMES:
        return Answer("ask the source: what it did not write cannot be replayed from here, and what it wrote is there")
    if kinds & _FIELDS:
        return Answer(
            "if it is a fault, a rule in the contract holds such records from now on; what has passed is in trusted,"
            " and its source can correct it"
        )
    # Several signals of one topic count the same records.
    unread = sum({(signal.subject.group, signal.subject.topic): signal.unread_max or 0 for signal in signals}.values())
    waiting = f"up to {unread} records wait in the topic; " if unread else ""
    return Answer(f"yes: {waiting}start the reader again, it goes on at its position and nothing needs a replay")


def _mended_budget(signals: Sequence[Signal]) -> str:
    if any(signal.held_share is not None for signal in signals):
        return _HELD
    return "nothing is to be replayed: records come later or less often than promised, and none of them was held"


def _copy(around: Surroundings) -> Answer:
    if around.copies:
        return Answer(around.copies[0], around.copies, "whether it holds every record, for offsets are not mapped")
    if around.standby:
        return Answer("no other configured cluster has a topic of this name")
    return Answer(None, missing="no standby cluster is configured or none answers")


def span(milliseconds: int) -> str:
    """A length of time for a person who was just woken."""
    seconds = milliseconds / 1000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
