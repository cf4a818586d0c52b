"""Records held by reference: their bytes could not be carried, so their facts are compared with the source.

They are exceptions, so their sources are looked up in landing one by one, like holes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from watermaster.auditor.finding import FindingKind
from watermaster.stream.batch import RawHeaders

REFERENCES_MAX = 100_000
"""Records held by reference that wait to be looked up; more are not checked, and said to be so."""

_FIELDS: Final = (
    (FindingKind.ALTERED_KEY, "key_bytes"),
    (FindingKind.ALTERED_VALUE, "value_bytes"),
    (FindingKind.ALTERED_TIMESTAMP, "timestamp_ms"),
    (FindingKind.ALTERED_HEADERS, "headers"),
)


class Reference(msgspec.Struct, frozen=True):
    """What stands at the source of a record that is held by reference: sizes in bytes, number of headers."""

    key_bytes: int
    value_bytes: int
    timestamp_ms: int
    headers: int


_decode = msgspec.json.Decoder(Reference).decode


def read_reference(value: bytes | None) -> Reference | None:
    """Read the header of a record held by reference; None if it cannot be read."""
    try:
        return _decode(value or b"")
    except msgspec.DecodeError:
        return None


def reference_to(key: bytes | None, value: bytes | None, timestamp_ms: int, headers: RawHeaders | None) -> Reference:
    """The facts of a source record. Headers that the client cannot hand over count as none."""
    return Reference(len(key or b""), len(value or b""), timestamp_ms, len(headers or ()))


class References:
    """The facts that wait for their sources, by source offset."""

    def __init__(self) -> None:
        self._claimed: dict[int, Reference] = {}

    def __contains__(self, offset: int) -> bool:
        return offset in self._claimed

    def add(self, offset: int, reference: Reference) -> bool:
        """Keep what an output claims; False if there are too many already."""
        if len(self._claimed) >= REFERENCES_MAX:
            return False
        self._claimed[offset] = reference
        return True

    def below(self, upto: int) -> Iterator[int]:
        """The waiting offsets below `upto`."""
        return (offset for offset in self._claimed if offset < upto)

    def check(self, offset: int, found: Reference) -> list[tuple[FindingKind, str]]:
        """Compare a claim with its source; what differs, by kind and name."""
        claimed = self._claimed.pop(offset)
        return [(kind, name) for kind, name in _FIELDS if getattr(claimed, name) != getattr(found, name)]

    def take(self, start: int, end: int) -> list[int]:
        """Give up waiting for the sources in `[start, end)`; returns their offsets."""
        taken = [offset for offset in self._claimed if start <= offset < end]
        for offset in taken:
            del self._claimed[offset]
        return taken
