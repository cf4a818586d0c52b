"""Where a record came from, and the one reserved header that carries it.

Wire form (ASCII, one space between fields, so that any Kafka tool can show it):

    1 <cluster id> <topic id> <partition> <offset> <attempt> <ordinal> <activation> [<fix>@<version>]

The leading `1` is the version of this form. `activation` is the number of the contract activation that judged the
record, so that a consumer can tell which contract a record satisfied. The last field is there only where a fix changed
the record before it was replayed, so that a consumer can tell that it is not what the source wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

RESERVED_HEADER = "__watermaster"
"""The one header that we write; copies that come from outside are removed before ours is appended."""

HELD_FACTS_PREFIX = "__watermaster."
"""Prefix of the headers that only quarantine records carry, beside the standard dead-letter headers."""

_VERSION = b"1"
_FIELD_COUNT = 8
_DIGITS_MAX = 19
"""Of a signed 64-bit number."""
_PREFIXES_MAX: Final = 4096
"""One for each source partition that is written for: as many as one process ever has."""
_FIX: Final = re.compile(rb"[A-Za-z0-9._-]{1,100}@[0-9]{1,9}")


@dataclass(frozen=True, slots=True, order=True)
class TopicPartition:
    """One partition of a topic by name."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"


class Coordinates(msgspec.Struct, frozen=True, gc=False):
    """The source record of an output, unique for ever: ids and not names, so a re-created topic is another topic."""

    cluster_id: str
    topic_id: str
    partition: int
    offset: int
    attempt: int = 0
    ordinal: int = 0
    activation: int = 0
    fix: str = ""
    """`name@version` of the fix that changed the record, empty for none."""

    def encode(self) -> bytes:
        """The value of the reserved header."""
        head = coordinates_prefix(self.cluster_id, self.topic_id, self.partition)
        numbers = head + b"%d %d %d %d" % (self.offset, self.attempt, self.ordinal, self.activation)
        return numbers + b" " + self.fix.encode() if self.fix else numbers


@lru_cache(maxsize=_PREFIXES_MAX)
def coordinates_prefix(cluster_id: str, topic_id: str, partition: int) -> bytes:
    """The constant part of `Coordinates.encode` for one source partition; the hot loop appends the rest."""
    return b"%s %s %s %d " % (_VERSION, cluster_id.encode(), topic_id.encode(), partition)


def decode_coordinates(value: bytes | None) -> Coordinates | None:
    """Read a reserved header's value; None if it is not ours (a forged or foreign header is not an error)."""
    if value is None:
        return None
    fields = value.split(b" ")
    fix = b""
    if len(fields) == _FIELD_COUNT + 1 and _FIX.fullmatch(fields[-1]):
        fix = fields.pop()
    if len(fields) != _FIELD_COUNT or fields[0] != _VERSION:
        return None
    # Digits alone, as we write them: int() would also take signs, spaces and underscores, and any length.
    numbers = fields[3:]
    if b"" in numbers or not b"".join(numbers).isdigit() or max(map(len, numbers)) > _DIGITS_MAX:
        return None
    try:
        partition, offset, attempt, ordinal, activation = map(int, numbers)
        return Coordinates(
            fields[1].decode(), fields[2].decode(), partition, offset, attempt, ordinal, activation, fix.decode()
        )
    except UnicodeDecodeError:
        return None
