"""That somebody has looked at masked values: events in a chain, each of which holds the hash of the one before.

Wire form: one partition of a topic that keeps everything; key the event's number, value JSON. `before` is the SHA-256
of the value of the event before, so no event can be altered, left out or put in between without breaking the chain
after it; and a record that stands on a topic cannot be altered at all, nor taken from its end. Pure.
"""

from __future__ import annotations

from collections import deque
from hashlib import sha256
from typing import Any, Final

import msgspec

from watermaster.quarantine.hold_record import WHY_CHARACTERS_MAX
from watermaster.quarantine.selection import Selection

UNMASKING_VERSION: Final = 1
NOTHING_BEFORE: Final = "0" * 64
"""The hash that the first event holds."""
EVENTS_KEPT: Final = 10_000
"""Of a chain that is read for people: the newest. All are verified."""
PROBLEMS_KEPT: Final = 20


class Unmasking(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who was shown which records of which quarantine in clear, when and why. `at_ms` counts since the epoch.

    `record` is the key of one hold. Where many are shown it is empty, and `chosen` says which: the conditions of the
    selection, and under `below` the ends of the quarantine's partitions at that moment.
    """

    number: int
    before: str
    at_ms: int
    principal: str
    system_user: str
    quarantine: str
    """The gate, or the adopted quarantine."""
    why: str
    record: str = ""
    chosen: dict[str, Any] = {}
    v: int = 0


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(Unmasking).decode


def follow_up(event: Unmasking, last: bytes | None) -> Unmasking | None:
    """The event as the next one behind the value `last`; None if that is no event, and so nothing may follow it."""
    before = None if last is None else decode_unmasking(last)
    if last is not None and before is None:
        return None
    return msgspec.structs.replace(
        event,
        number=1 if before is None else before.number + 1,
        before=NOTHING_BEFORE if last is None else sha256(last).hexdigest(),
        why=event.why[:WHY_CHARACTERS_MAX],
        v=UNMASKING_VERSION,
    )


def encode_unmasking(event: Unmasking) -> tuple[bytes, bytes]:
    """Key and value of its record."""
    return b"%d" % event.number, _encode(event)


def decode_unmasking(value: bytes | None) -> Unmasking | None:
    """Read a record's value; None if it is none of these."""
    try:
        event = _decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return event if event.v == UNMASKING_VERSION else None


def chosen_words(selection: Selection, below: dict[str, list[int]]) -> dict[str, Any]:
    """A selection as it is written down; what is not given is left out."""
    said = {
        "groups": list(selection.groups),
        "rules": list(selection.rules),
        "partitions": list(selection.partitions),
        "offsets": list(selection.offsets),
        "contract": selection.contract,
        "since_ms": selection.since_ms,
        "until_ms": selection.until_ms,
        "states": [state.value for state in selection.states],
    }
    return {**{name: value for name, value in said.items() if value not in ([], "", None)}, "below": below}


class Chain:
    """Takes the records of the topic in order and says where the chain is broken."""

    def __init__(self, log_start: int) -> None:
        """`log_start` is the log start offset: above 0, the oldest events were deleted."""
        self.events: deque[Unmasking] = deque(maxlen=EVENTS_KEPT)
        """The newest ones."""
        self.count = 0
        self.problems: list[str] = []
        self._last: bytes | None = None
        self._number = 0
        if log_start:
            self._tell(f"the events before offset {log_start} of the topic were deleted")

    def take(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        """The next record."""
        event = decode_unmasking(value)
        if event is None or value is None or key != b"%d" % event.number:
            self._tell(f"offset {offset} is no event, or not under its number: somebody else has written it")
            return
        is_first = self._last is None and bool(self.problems)  # what stood before is gone, and that was told
        expected = NOTHING_BEFORE if self._last is None else sha256(self._last).hexdigest()
        if not is_first and (event.number, event.before) != (self._number + 1, expected):
            self._tell(f"event {event.number} at offset {offset} does not follow event {self._number}")
        self._last, self._number = value, event.number
        self.events.append(event)
        self.count += 1

    def _tell(self, problem: str) -> None:
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(problem)
