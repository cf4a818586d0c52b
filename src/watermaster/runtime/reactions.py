"""Which contract's promised reactions a problem is judged by, and since when it is bad."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from watermaster.incident.reaction import ReactionPromise, first_bad_ms, strictest
from watermaster.incident.signal import Signal, Subject
from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.monitor import HELD_RECORDS


@dataclass(frozen=True, slots=True)
class PromisedReaction:
    """What the contract of a gate's stream promises."""

    gate: GateConfiguration
    stream: StreamConfiguration
    promise: ReactionPromise

    def speaks_of(self, subject: Subject) -> bool:
        """The whole cluster, the gate on its landing topic, the topics themselves, and what waits in quarantine.

        Not who else reads them: that a reader stops is no failure of the stream.
        """
        if subject.cluster != self.gate.cluster:
            return False
        if subject.group is None:
            topics = (None, self.stream.landing, self.stream.trusted, self.stream.quarantine)
            return subject.topic in topics
        return (subject.group, subject.topic) in (
            (self.gate.group_id, self.stream.landing),
            (HELD_RECORDS, self.stream.quarantine),
        )


def promise_for(promised: Sequence[PromisedReaction], signals: Iterable[Signal]) -> ReactionPromise | None:
    """The shortest times of all contracts that speak of any of the signals."""
    subjects = {signal.subject for signal in signals}
    return strictest(each.promise for each in promised if any(map(each.speaks_of, subjects)))


class Beginnings:
    """Since when each problem is bad: the last look that saw its cluster and nothing of it bounds that from below.

    The memory is this process's; after a start only the signals themselves tell.
    """

    def __init__(self) -> None:
        self._looked_ms: int | None = None
        self._blind: frozenset[str] = frozenset()
        self._clear_ms: dict[str, int | None] = {}

    def see(
        self, problems: Mapping[str, Sequence[Signal]], blind: Collection[str], now_ms: int
    ) -> Mapping[str, int | None]:
        """One look; for each problem since when it is bad, None where nothing tells."""
        hidden = {key for key in self._clear_ms if key in blind or key.split("/")[0] in blind}
        kept = {key: clear for key, clear in self._clear_ms.items() if key in problems or key in hidden}
        for key in problems.keys() - kept.keys():
            dark = key in self._blind or key.split("/")[0] in self._blind
            kept[key] = None if dark else self._looked_ms
        self._clear_ms, self._looked_ms, self._blind = kept, now_ms, frozenset(blind)
        return {key: first_bad_ms(signals, kept[key], now_ms) for key, signals in problems.items()}
