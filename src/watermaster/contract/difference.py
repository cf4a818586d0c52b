"""Two documents compared stream by stream: what is stricter, what is looser, which streams come and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from watermaster.contract.change import Change, ChangeKind, Rewrite, compare, rewrite
from watermaster.contract.checks import Checks


@dataclass(frozen=True, slots=True)
class StreamDifference:
    """One stream that both documents describe."""

    old: Checks
    new: Checks
    rewrite: Rewrite
    changes: tuple[Change, ...]
    unjudged_added: tuple[str, ...] = ()
    """What the new one asks in addition and no record is judged by."""
    unjudged_removed: tuple[str, ...] = ()

    def count(self, kind: ChangeKind) -> int:
        """How many changes are of a kind."""
        return sum(change.kind is kind for change in self.changes)


@dataclass(frozen=True, slots=True)
class Difference:
    """All streams of two documents."""

    streams: tuple[StreamDifference, ...] = ()
    added: tuple[str, ...] = field(default=())
    removed: tuple[str, ...] = field(default=())

    @property
    def is_stricter(self) -> bool:
        """Whether a record that passed may now be held: by what is stricter, or by what may be either."""
        return any(change.kind is not ChangeKind.LOOSER for stream in self.streams for change in stream.changes)


def differ(old: Sequence[Checks], new: Sequence[Checks]) -> Difference:
    """Compare by the streams' names; where both documents have one stream, these are compared whatever their names."""
    if len(old) == len(new) == 1:
        return Difference((_stream(old[0], new[0]),))
    before, after = ({checks.stream: checks for checks in side} for side in (old, new))
    return Difference(
        streams=tuple(_stream(before[name], after[name]) for name in after if name in before),
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
    )


def _stream(old: Checks, new: Checks) -> StreamDifference:
    return StreamDifference(
        old=old,
        new=new,
        rewrite=rewrite(old, new),
        changes=compare(old, new),
        unjudged_added=tuple(sentence for sentence in new.unjudged if sentence not in old.unjudged),
        unjudged_removed=tuple(sentence for sentence in old.unjudged if sentence not in new.unjudged),
    )
