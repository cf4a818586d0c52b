"""Avro's binary form, read strictly and within limits: what any other reader might read differently is refused.

Each reader takes a cursor, moves it, and gives a value, or raises `Refused` with a reason code; running off the end is
an IndexError or a struct.error, which the caller names. Counts are compared with what may still come before anything
is built, so that a few bytes never make many values.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from watermaster.contract.checks import Limits

_LONG_BITS_MAX: Final = 63
"""Where the tenth and last byte of a number begins."""
_LONG_END: Final = 1 << 64
_INT_END: Final = 1 << 31
_BITS_OF_A_DIGIT: Final = 4
"""Rounded up, so that no number that is short enough is refused by its bytes; to convert more takes minutes."""
_FLOAT: Final = struct.Struct("<f")
_DOUBLE: Final = struct.Struct("<d")


class Refused(ValueError):
    """These bytes are no value of the schema; `code` is one of `reasons.REASONS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Cursor:
    """A place in some bytes, and how much may still come."""

    __slots__ = ("content", "deeper", "left", "limits", "place")

    def __init__(self, content: bytes, place: int, limits: Limits) -> None:
        self.content = content
        self.place = place
        self.limits = limits
        self.left = limits.elements_max
        self.deeper = limits.depth_max

    def expect_end(self) -> None:
        """Bytes that the schema does not describe are no part of a value."""
        if self.place != len(self.content):
            raise Refused("avro.trailing")


Read: TypeAlias = Callable[[Cursor], Any]


def read_long(cursor: Cursor) -> int:
    """A zigzag number of at most 64 bits."""
    content, place = cursor.content, cursor.place
    byte = content[place]
    place += 1
    number = byte & 0x7F
    shift = 7
    while byte & 0x80:
        if shift > _LONG_BITS_MAX:
            raise Refused("avro.number")
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
    if number >= _LONG_END:
        raise Refused("avro.number")
    cursor.place = place
    return (number >> 1) ^ -(number & 1)


def read_int(cursor: Cursor) -> int:
    """A number that fits 32 bits."""
    number = read_long(cursor)
    if not -_INT_END <= number < _INT_END:
        raise Refused("avro.number")
    return number


def read_boolean(cursor: Cursor) -> bool:
    """0 or 1."""
    byte = cursor.content[cursor.place]
    if byte > 1:
        raise Refused("avro.boolean")
    cursor.place += 1
    return byte == 1


def read_float(cursor: Cursor) -> float:
    """32 bits."""
    (number,) = _FLOAT.unpack_from(cursor.content, cursor.place)
    cursor.place += _FLOAT.size
    return float(number)


def read_double(cursor: Cursor) -> float:
    """64 bits."""
    (number,) = _DOUBLE.unpack_from(cursor.content, cursor.place)
    cursor.place += _DOUBLE.size
    return float(number)


def read_bytes(cursor: Cursor) -> bytes:
    """As many as the number before them says."""
    return _take(cursor, read_long(cursor))


def read_string(cursor: Cursor) -> str:
    """UTF-8."""
    try:
        return _take(cursor, read_long(cursor)).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("json.utf8") from None


def fixed(size: int) -> Read:
    """So many bytes."""
    return lambda cursor: _take(cursor, size)


def enum(symbols: Sequence[str]) -> Read:
    """One of some words, by its number."""
    count = len(symbols)

    def read(cursor: Cursor) -> str:
        index = read_int(cursor)
        if not 0 <= index < count:
            raise Refused("avro.index")
        return symbols[index]

    return read


def union(branches: Sequence[Read]) -> Read:
    """A value of one of some types, by its number."""
    count = len(branches)

    def read(cursor: Cursor) -> Any:  # noqa: ANN401 - any Avro value
        index = read_long(cursor)
        if not 0 <= index < count:
            raise Refused("avro.index")
        return branches[index](cursor)

    return read


def record(fields: Sequence[tuple[str, Read]]) -> Read:
    """Its fields, one after the other."""
    weight = max(1, len(fields))

    def read(cursor: Cursor) -> dict[str, Any]:
        _enter(cursor, weight)
        value = {name: field(cursor) for name, field in fields}
        cursor.deeper += 1
        return value

    return read


def array(item: Read) -> Read:
    """Items, in blocks."""

    def read(cursor: Cursor) -> list[Any]:
        _enter(cursor, 0)
        values: list[Any] = []
        while block := _begin_block(cursor):
            count, end = block
            values += [item(cursor) for _ in range(count)]
            _end_block(cursor, end)
        _leave(cursor, len(values))
        return values

    return read


def mapping(member: Read) -> Read:
    """Members, in blocks. Two of one name are refused, as in JSON: readers disagree on which one counts."""

    def read(cursor: Cursor) -> dict[str, Any]:
        _enter(cursor, 0)
        values: dict[str, Any] = {}
        total = 0
        while block := _begin_block(cursor):
            count, end = block
            for _ in range(count):
                name = read_string(cursor)
                values[name] = member(cursor)
            total += count
            _end_block(cursor, end)
        if total != len(values):
            raise Refused("json.duplicate_key")
        _leave(cursor, total)
        return values

    return read


def decimal_of(content: bytes, precision: int, scale: int, limits: Limits) -> Decimal:
    """An exact number of at most `precision` digits, big-endian in two's complement."""
    if len(content) * 8 > limits.integer_digits_max * _BITS_OF_A_DIGIT:
        raise Refused("json.number_range")
    unscaled = int.from_bytes(content, "big", signed=True)
    if len(str(abs(unscaled))) > precision:
        raise Refused("avro.value")
    return Decimal(f"{unscaled}E-{scale}")


def _take(cursor: Cursor, size: int) -> bytes:
    if size < 0:
        raise Refused("avro.length")
    start = cursor.place
    content = cursor.content[start : start + size]
    if len(content) != size:
        raise Refused("avro.truncated")
    cursor.place = start + size
    return content


def _enter(cursor: Cursor, weight: int) -> None:
    """One level deeper, with at least so many values."""
    cursor.deeper -= 1
    if cursor.deeper < 0:
        raise Refused("json.depth")
    _pay(cursor, weight)


def _pay(cursor: Cursor, count: int) -> None:
    """So many values more."""
    cursor.left -= count
    if cursor.left < 0:
        raise Refused("json.elements")


def _leave(cursor: Cursor, count: int) -> None:
    """One level up. An empty container counts as one value, as in JSON."""
    cursor.deeper += 1
    if count == 0:
        _pay(cursor, 1)


def _begin_block(cursor: Cursor) -> tuple[int, int | None] | None:
    """How many items come, and where they must end if the block says so; None behind the last block."""
    count = read_long(cursor)
    if count == 0:
        return None
    end = None
    if count < 0:
        count = -count
        size = read_long(cursor)
        end = cursor.place + size
    _pay(cursor, count)
    return count, end


def _end_block(cursor: Cursor, end: int | None) -> None:
    """A reader that skips the block by its size must come out where one that reads it does."""
    if end is not None and cursor.place != end:
        raise Refused("avro.length")
