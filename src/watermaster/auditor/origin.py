"""The auditor's own reading of the reserved header. See `stream.coordinates` for the form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

_FIELD_COUNT = 8
_NUMBER_DIGITS_MAX = 19
"""Digits of the largest offset."""
_FIX_MARK = b"@"
"""Stands in `name@version` of a fix alone: ids of clusters and topics are base64 for URLs."""
_ACTIVATION_MAX = 2**31 - 1
"""Activations are kept as 32-bit numbers for each offset; a larger one is not from a gate."""


class Origin(NamedTuple):
    """Which source record an output claims to be made of, and by which activation."""

    cluster_id: str
    topic_id: str
    partition: int
    offset: int
    attempt: int
    ordinal: int
    activation: int
    fix: str = ""
    """`name@version` of the fix that changed the record."""


@dataclass(frozen=True, slots=True)
class Home:
    """The source partition that most outputs of a batch will speak of: read with less work, judged no milder."""

    cluster_id: str
    topic_id: str
    partition: int
    prefix: bytes = b""

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefix", f"1 {self.cluster_id} {self.topic_id} {self.partition} ".encode())

    def is_of(self, origin: Origin) -> bool:
        """Whether an output was made of a record of this partition."""
        return (
            origin.topic_id == self.topic_id
            and origin.partition == self.partition
            and origin.cluster_id == self.cluster_id
        )


def read_origin(value: bytes | None, home: Home) -> Origin | None:
    """Read `1 <cluster> <topic id> <partition> <offset> <attempt> <ordinal> <activation>`; None if it is not that.

    The name of a fix may follow.
    """
    if value is None:
        return None
    if _FIX_MARK in value:
        value, _, fix = value.rpartition(b" ")
        origin = _read(value, home) if fix.isascii() and fix.partition(_FIX_MARK)[2].isdigit() else None
        return None if origin is None else origin._replace(fix=fix.decode())
    return _read(value, home)


def _read(value: bytes, home: Home) -> Origin | None:
    if value.startswith(home.prefix):
        numbers = _numbers(value[len(home.prefix) :].split(b" "), _FIELD_COUNT - 4)
        if numbers is None:
            return None
        offset, attempt, ordinal, activation = numbers
        return Origin(home.cluster_id, home.topic_id, home.partition, offset, attempt, ordinal, activation)
    return _read_elsewhere(value)


def _read_elsewhere(value: bytes) -> Origin | None:
    """The same for any other partition."""
    fields = value.split(b" ", _FIELD_COUNT)
    if len(fields) != _FIELD_COUNT or fields[0] != b"1":
        return None
    numbers = _numbers(fields[3:], _FIELD_COUNT - 3)
    if numbers is None:
        return None
    try:
        cluster_id, topic_id = fields[1].decode("ascii"), fields[2].decode("ascii")
    except UnicodeDecodeError:
        return None
    partition, offset, attempt, ordinal, activation = numbers
    return Origin(cluster_id, topic_id, partition, offset, attempt, ordinal, activation)


def _numbers(fields: list[bytes], count: int) -> list[int] | None:
    """Decimal numbers without sign; the last one is an activation."""
    if len(fields) != count or b"" in fields or not b"".join(fields).isdigit():
        return None
    if max(map(len, fields)) > _NUMBER_DIGITS_MAX:
        return None
    numbers = list(map(int, fields))
    return numbers if numbers[-1] <= _ACTIVATION_MAX else None
