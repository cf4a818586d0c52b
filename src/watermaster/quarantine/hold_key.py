"""What a hold is named by, for ever: the coordinates of its source record, and who gave up on it.

Wire form (the key in the compacted hold-state topic; ASCII but for the last field, which may hold any text):

    1 <cluster id> <topic id> <partition> <offset> <ordinal> <holder>

The attempt is no part of it: a failed replay keeps its coordinates. The holder is, because two applications that
read one topic may both fail on one record, and mending it for one does not mend it for the other. The broker's share
groups may write a letter twice; both then have one key, and so are one hold.
"""

from __future__ import annotations

from typing import Final

import msgspec

TOPIC_NAME_MARK: Final = "name:"
"""Stands before a topic's name where its id is not known (it is gone, or may not be seen). Ids have no colon."""

_VERSION: Final = b"1"
_FIELDS: Final = 7
_DIGITS_MAX: Final = 19


class HoldKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """The identity of one hold. `ordinal` tells several outputs of one source record apart."""

    cluster_id: str
    topic_id: str
    partition: int
    offset: int
    ordinal: int = 0
    holder: str = ""

    def encode(self) -> bytes:
        """The key of the hold's records in the hold-state topic."""
        head = f"1 {self.cluster_id} {self.topic_id} {self.partition} {self.offset} {self.ordinal} "
        return (head + self.holder).encode()


def key_ends(key: HoldKey) -> tuple[bytes, bytes]:
    """What stands before and behind the offset in the written key."""
    head = f"1 {key.cluster_id} {key.topic_id} {key.partition} ".encode()
    return head, key.encode()[len(head) + len(str(key.offset)) :]


def decode_hold_key(data: bytes | None) -> HoldKey | None:
    """Read a key; None if it is none of ours."""
    fields = data.split(b" ", _FIELDS - 1) if data else []
    if len(fields) != _FIELDS or fields[0] != _VERSION:
        return None
    if not all(field.isdigit() and len(field) <= _DIGITS_MAX for field in fields[3:6]):
        return None
    partition, offset, ordinal = map(int, fields[3:6])
    try:
        return HoldKey(fields[1].decode(), fields[2].decode(), partition, offset, ordinal, fields[6].decode())
    except UnicodeDecodeError:
        return None
