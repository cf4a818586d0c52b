"""The second half of the ledger equation: what became of the held records of one source partition.

    held = open + fixed + replayed + discarded + expired

Expired is what was held, lies below the log start of the quarantine, and was neither replayed nor discarded. Nobody
writes that down: a replay that read the bytes before they were deleted, and commits after, is a replay.

A replay leaves two traces that stand in one transaction: a record with an attempt in its stamp, in trusted or in the
repair topic that its state names, and a state in the holds topic. The audit reads both with its own few lines and asks
that neither is there without the other; `replay_content` compares the bytes with what was held. States are read before
and after the outputs: a state of the first reading must have its output, an output must have its state in the second.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from watermaster.auditor.finding import FindingKind, Place
from watermaster.stream.coordinates import TopicPartition

REPLAYED: Final = "replayed"
DISCARDED: Final = "discarded"
FIXED: Final = "fixed"

_KEY_FIELDS: Final = 7
_DIGITS_MAX: Final = 19


class Claim(NamedTuple):
    """What the holds topic says of one source record. An empty state takes back what was said (a tombstone)."""

    topic_id: str
    partition: int
    offset: int
    state: str
    attempt: int
    target: str
    """The topic that a replay wrote to, where it is not trusted."""
    fix: str = ""
    """`name@version` of the fix that was used or chosen."""


class _Value(msgspec.Struct, frozen=True):
    state: str
    attempt: int = 0
    target: str = ""
    fix: str = ""


_decode = msgspec.json.Decoder(_Value).decode


def read_claim(key: bytes | None, value: bytes | None, cluster_id: str, gate: str) -> Claim | None:
    """Read `1 <cluster> <topic id> <partition> <offset> <ordinal> <holder>` with its state; None if it is not that.

    States of holds that another application gave up on concern no output of the gate.
    """
    fields = key.split(b" ", _KEY_FIELDS - 1) if key else []
    if len(fields) != _KEY_FIELDS or fields[0] != b"1" or fields[1] != cluster_id.encode():
        return None
    if fields[6] != gate.encode() or not all(f.isdigit() and len(f) <= _DIGITS_MAX for f in fields[3:6]):
        return None
    try:
        read = _decode(value) if value is not None else _Value("")
        return Claim(
            fields[2].decode(), int(fields[3]), int(fields[4]), read.state, read.attempt, read.target, read.fix
        )
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Output(NamedTuple):
    repair: str
    attempt: int
    where: TopicPartition
    at: int
    fix: str


class Ends(NamedTuple):
    """What has become of the held records below an offset, by number; what is left of them is open."""

    replayed: int
    discarded: int
    fixed: int
    expired: int


class Found(NamedTuple):
    """A finding with its place."""

    kind: FindingKind
    place: Place


class ReplayAudit:
    """Replays of one source partition: about 100 bytes for each replayed record, 16 for each held one."""

    def __init__(self) -> None:
        self.has_states = False
        """Whether the gate has a holds topic at all; without one, states prove nothing and are not asked for."""
        self.is_cut = False
        """Retention or compaction may have removed outputs of replays from trusted."""
        self.cut_repairs: set[str] = set()
        """The repair topics of which the same is true."""
        self.held_is_cut = False
        """Retention has removed held records."""
        self.held_start = 0
        """The log start of the quarantine partition of the same number: what lay below is gone."""
        self._held, self._held_at = array("q"), array("q")
        self._outputs: dict[int, _Output] = {}
        self._claims: dict[int, Claim] = {}
        self._due: set[int] = set()

    def held(self, offset: int, at: int) -> None:
        """The gate has held this source record, at this offset of the quarantine."""
        self._held.append(offset)
        self._held_at.append(at)

    def output(
        self, offset: int, attempt: int, where: TopicPartition, at: int, *, fix: str = "", repair: bool = False
    ) -> Found | None:
        """A record with an attempt in its stamp, in trusted or a repair topic; a finding if there is one already."""
        place = Place(offset, where, at, f"attempt {attempt}")
        if offset in self._outputs:
            return Found(FindingKind.DUPLICATE, place)
        self._outputs[offset] = _Output(where.topic if repair else "", attempt, where, at, fix)
        return None

    def claim(self, claim: Claim) -> None:
        """The newest state of a held record."""
        if claim.state:
            self._claims[claim.offset] = claim
        else:
            self._claims.pop(claim.offset, None)

    def mark_due(self) -> None:
        """Outputs are read from now on: what is replayed by now must be found."""
        self._due = {offset for offset, claim in self._claims.items() if claim.state == REPLAYED}

    def claim_of(self, offset: int) -> Claim | None:
        """What is said of a source record, as far as states are read."""
        return self._claims.get(offset)

    def repairs(self) -> set[str]:
        """The repair topics that states name."""
        return {claim.target for claim in self._claims.values() if claim.state == REPLAYED and claim.target}

    @property
    def is_behind(self) -> bool:
        """Whether outputs are there without their states: these may only become visible later, or be missing."""
        return self.has_states and any(True for _ in self._unaccounted())

    def ends(self, begin: int, end: int, held: int) -> Ends:
        """What has become of the records that the ledger says are held, `held` in number, in `[begin, end)`.

        Others have states too: those from before the ledger's first entry, and what a gate has held meanwhile.
        """
        states: dict[str, set[int]] = {state: set() for state in (REPLAYED, DISCARDED, FIXED)}
        for offset, claim in self._claims.items():
            if claim.state in states and begin <= offset < end:
                states[claim.state].add(offset)
        expired = 0
        if self.held_start:
            there = {offset for offset in self._still_there() if begin <= offset < end}
            states[FIXED] &= there
            expired = max(0, held - len(states[REPLAYED] | states[DISCARDED] | there))
        return Ends(len(states[REPLAYED]), len(states[DISCARDED]), len(states[FIXED]), expired)

    def _still_there(self) -> set[int]:
        both = zip(self._held, self._held_at, strict=True)
        return {offset for offset, at in both if at >= self.held_start}

    def findings(self) -> Iterator[Found]:
        """What does not agree between states, outputs and held records."""
        if not self.has_states:
            return
        yield from self._unaccounted()
        yield from self._undelivered()
        if not self.held_is_cut:
            held = sorted(self._held)
            for offset in sorted(self._claims):
                at = bisect_left(held, offset)
                if at == len(held) or held[at] != offset:
                    yield Found(FindingKind.ORPHAN, Place(offset, detail="a state of a record that was never held"))

    def _undelivered(self) -> Iterator[Found]:
        for offset in sorted(self._due - self._outputs.keys()):
            claim = self._claims.get(offset)
            if claim is None or claim.state != REPLAYED:  # taken back by hand: nothing is promised any more
                continue
            is_cut = claim.target in self.cut_repairs if claim.target else self.is_cut
            kind = FindingKind.OUTPUT_GONE if is_cut else FindingKind.LOST
            yield Found(kind, Place(offset, detail=f"replayed by its state, and not in {claim.target or 'trusted'}"))

    def _unaccounted(self) -> Iterator[Found]:
        for offset, output in sorted(self._outputs.items()):
            claim = self._claims.get(offset)
            place = Place(offset, output.where, output.at)
            if claim is None or claim.state != REPLAYED:
                state = "no state" if claim is None else f"the state {claim.state}"
                yield Found(FindingKind.REPLAY_UNACCOUNTED, _with(place, f"a replay with {state}"))
            elif claim.target != output.repair:
                detail = f"a replay in {output.where.topic}, by its state in {claim.target or 'trusted'}"
                yield Found(FindingKind.REPLAY_UNACCOUNTED, _with(place, detail))
            elif output.attempt != claim.attempt + 1:
                detail = f"attempt {output.attempt}, by its state {claim.attempt + 1}"
                yield Found(FindingKind.REPLAY_UNACCOUNTED, _with(place, detail))
            elif output.fix and output.fix != claim.fix:
                detail = f"changed by {output.fix}, by its state by {claim.fix or 'no fix'}"
                yield Found(FindingKind.REPLAY_UNACCOUNTED, _with(place, detail))


def _with(place: Place, detail: str) -> Place:
    return Place(place.source_offset, place.found_in, place.found_offset, detail)
