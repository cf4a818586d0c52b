"""Confluent's wire formats: which schema a key or value was written with, and the bytes behind that.

The schema is named by a header of its own (`__key_schema_id`, `__value_schema_id`), else by the first bytes: magic 0
and a number of four bytes, or magic 1 and a GUID of sixteen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import UUID

from watermaster.gate.schema import SchemaId
from watermaster.stream.batch import RawHeaders

MAGIC_NUMBER: Final = 0
MAGIC_GUID: Final = 1
_NUMBER_END: Final = 5
_GUID_END: Final = 17


class Part(Enum):
    """Of a record; the value is the header that may name its schema."""

    KEY = "__key_schema_id"
    VALUE = "__value_schema_id"


@dataclass(frozen=True, slots=True)
class Frame:
    """The schema that some bytes were written with, and where they begin."""

    schema: SchemaId
    start: int


def read_frame(part: Part, content: bytes, headers: RawHeaders | None) -> Frame | str:
    """The frame of one key or value, or the reason code why there is none."""
    if headers:
        named = {value for name, value in headers if name == part.value}
        if named:
            return _of_header(named)
    found = _id_at_start(content)
    return found if isinstance(found, str) else Frame(*found)


def _of_header(named: set[bytes | None]) -> Frame | str:
    """Headers that name several schemas name none: readers take the first or the last."""
    content = next(iter(named))
    if len(named) > 1 or content is None:
        return "frame.header"
    found = _id_at_start(content)
    if isinstance(found, str) or found[1] != len(content):
        return "frame.id" if found == "frame.id" else "frame.header"
    return Frame(found[0], 0)


def _id_at_start(content: bytes) -> tuple[SchemaId, int] | str:
    """The id and where it ends."""
    if not content:
        return "frame.short"
    match content[0]:
        case 0:
            if len(content) < _NUMBER_END:
                return "frame.short"
            number = int.from_bytes(content[1:_NUMBER_END], "big", signed=True)
            # Registries count from one, in Java's `int`.
            return (number, _NUMBER_END) if number > 0 else "frame.id"
        case 1:
            if len(content) < _GUID_END:
                return "frame.short"
            return UUID(bytes=content[1:_GUID_END]), _GUID_END
        case _:
            return "frame.magic"
