"""What replays wrote, compared with what was held: the same bytes, or just those that a named fix makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from watermaster.auditor.content import OriginalHeaders, altered_fields
from watermaster.auditor.finding import FindingKind, Place
from watermaster.auditor.replay import REPLAYED, Claim
from watermaster.stream.coordinates import TopicPartition

CONTENTS_MAX: Final = 100_000
"""Held records whose fingerprints are kept although no replay of them is known yet: about 20 MB."""


class Mended(NamedTuple):
    """A held record after a fix."""

    key: bytes | None
    value: bytes | None
    headers: OriginalHeaders


Remedy: TypeAlias = Callable[[bytes | None, bytes | None, OriginalHeaders], Mended | None]
"""What a fix makes of key, value and headers of a held record; None if it does not change it. Handed in from outside:
the auditor knows no fixes."""

Remedies: TypeAlias = Mapping[str, Remedy]
"""By `name@version`."""


class _Held(NamedTuple):
    content: bytes
    fix: str
    mended: bytes | None


class _Written(NamedTuple):
    content: bytes
    fix: str
    place: Place


class Difference(NamedTuple):
    """A field of a replayed record that is not as it must be."""

    kind: FindingKind
    place: Place


class ReplayContents:
    """Fingerprints of held records and their replays, until both are there: about 300 bytes each."""

    def __init__(self) -> None:
        self.fixes = 0
        """Replays that a fix has changed."""
        self.fixes_proved = 0
        """Those of them that are byte for byte what the fix makes of the held record."""
        self._held: dict[int, _Held] = {}
        self._written: dict[int, _Written] = {}

    def held(
        self, offset: int, content: bytes | None, claim: Claim | None, mended: bytes | None
    ) -> Iterator[Difference]:
        """A held record with what is said of it; `mended` is its fingerprint after the fix that is named there.

        Here and below, no content means that the bytes are not to be compared.
        """
        if content is None:
            return
        held = _Held(content, claim.fix if claim is not None else "", mended)
        written = self._written.pop(offset, None)
        if written is not None:
            yield from self._compare(held, written)
        elif (claim is not None and claim.state == REPLAYED) or len(self._held) < CONTENTS_MAX:
            self._held[offset] = held

    def written(
        self, offset: int, content: bytes | None, fix: str, where: TopicPartition, at: int
    ) -> Iterator[Difference]:
        """A replay of it."""
        if content is None:
            return
        self.fixes += bool(fix)
        written = _Written(content, fix, Place(offset, where, at, f"changed by {fix}" if fix else "a replay"))
        held = self._held.pop(offset, None)
        if held is None:
            self._written[offset] = written
        else:
            yield from self._compare(held, written)

    def _compare(self, held: _Held, written: _Written) -> Iterator[Difference]:
        expected, is_known = held.content, not written.fix
        if written.fix and held.mended is not None and held.fix == written.fix:
            expected, is_known = held.mended, True
        altered = [] if expected == written.content else altered_fields(expected, written.content)
        if not is_known:  # no fix moves a record in time
            altered = [kind for kind in altered if kind is FindingKind.ALTERED_TIMESTAMP]
        self.fixes_proved += bool(written.fix) and is_known and not altered
        for kind in altered:
            yield Difference(kind, written.place)
