"""A replay or discard that one person asks for and another one approves.

Wire form: key `request <id>` in the hold-state topic, value JSON; a tombstone when it is done or withdrawn. The id is a
hash of the content, so whoever approves an id approves exactly this. What was held after the request was made is not
meant by it: nobody has looked at that.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from watermaster.quarantine.lifecycle import Actor, Step
from watermaster.quarantine.selection import Selection

REQUEST_KEY: Final = b"request "
REQUEST_VERSION: Final = 1
REQUEST_HOURS_MAX: Final = 72
"""Over a weekend. What is approved later is no longer what was looked at."""

_ID_CHARACTERS: Final = 8
_HOUR_MS: Final = 3_600_000


class Chosen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A `Selection` as it is written; `below` are the ends of the quarantine topics' partitions when it was made."""

    below: dict[str, list[int]]
    groups: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    partitions: tuple[int, ...] = ()
    offsets: tuple[int, ...] = ()
    contract: str = ""
    since_ms: int | None = None
    until_ms: int | None = None

    def selection(self) -> Selection:
        """What it means."""
        return Selection(
            groups=self.groups,
            rules=self.rules,
            partitions=self.partitions,
            offsets=self.offsets,
            contract=self.contract,
            since_ms=self.since_ms,
            until_ms=self.until_ms,
            below=self.below,
        )


def chosen(selection: Selection, below: Mapping[str, list[int]]) -> Chosen | None:
    """A selection as it is written; None if it has a predicate, which cannot be."""
    if selection.predicate is not None or selection.states:
        return None
    return Chosen(
        dict(below),
        selection.groups,
        selection.rules,
        selection.partitions,
        selection.offsets,
        selection.contract,
        selection.since_ms,
        selection.until_ms,
    )


class Request(msgspec.Struct, frozen=True):
    """Who asks for which step with which records, when and why; times in milliseconds since the epoch."""

    step: Step
    streams: tuple[str, ...]
    """Landing topics."""
    chosen: Chosen
    principal: str
    system_user: str
    at_ms: int
    why: str
    policy: str = ""
    repair_topic: str = ""
    attempts_max: int = 0
    rate_max: float = 0.0
    fix_document: str = ""
    """The whole fix, so that what is approved is what was looked at."""
    v: int = REQUEST_VERSION

    @property
    def id(self) -> str:
        """What a person types to approve it."""
        return sha256(encode_request(self)).hexdigest()[:_ID_CHARACTERS]

    def key(self) -> bytes:
        """Of its record."""
        return REQUEST_KEY + self.id.encode()


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Request)


def encode_request(request: Request) -> bytes:
    """The value of a request's record."""
    return _encoder.encode(request)


def decode_request(key: bytes, value: bytes) -> Request | None:
    """Read a record; None if it is no request, or if its key is not that of its content."""
    if not key.startswith(REQUEST_KEY):
        return None
    try:
        request = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return request if request.v == REQUEST_VERSION and request.key() == key else None


def refusal(request: Request, approver: Actor, now_ms: int) -> str:
    """Why this person may not approve it now; empty if they may."""
    if (request.principal, request.system_user) == (approver.principal, approver.system_user):
        return f"{request.principal} ({request.system_user}) has asked for it, and cannot approve it as well"
    if now_ms - request.at_ms > REQUEST_HOURS_MAX * _HOUR_MS:
        return f"it is older than {REQUEST_HOURS_MAX} hours"
    return ""
