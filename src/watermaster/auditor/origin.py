"""The auditor's own reading of the reserved header. See `stream.coordinates` for the form."""

from __future__ import annotations

from typing import NamedTuple

_FIELD_COUNT = 8
_NUMBER_DIGITS_MAX = 19
"""Digits of the largest offset."""
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


def read_origin(value: bytes | None) -> Origin | None:
    """Read `1 <cluster> <topic id> <partition> <offset> <attempt> <ordinal> <activation>`; None if it is not that."""
    fields = value.split(b" ", _FIELD_COUNT) if value is not None else []
    if len(fields) != _FIELD_COUNT or fields[0] != b"1":
        return None
    numbers = fields[3:]
    if not all(number.isdigit() and len(number) <= _NUMBER_DIGITS_MAX for number in numbers):
        return None
    try:
        names = fields[1].decode("ascii"), fields[2].decode("ascii")
    except UnicodeDecodeError:
        return None
    origin = Origin(*names, *map(int, numbers))
    return origin if origin.activation <= _ACTIVATION_MAX else None
