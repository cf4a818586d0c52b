"""JSON lines: one line is one record; an empty line is none and is only counted. And a file that is one document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from watermaster.adapters.records.opened import OpenedFile
from watermaster.runtime.record_source import Chunk, Part, Reading

_BLOCK_BYTES: Final = 1024 * 1024
_LINES_TOGETHER: Final = 4000
"""Lines of one block in one chunk: they are in memory anyway, and the few that are bad are judged together."""
ARRAY_BYTES_MAX: Final = 256 * 1024 * 1024
"""A larger array is better kept as JSON lines: it is held in memory, twice. Cut here, it is one bad record."""
_decode_array: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_json_lines(part: Part, reading: Reading) -> Iterator[Chunk]:
    """Lines that begin inside the part. Lines without their ends; a byte order mark is the judge's to refuse."""
    with OpenedFile(part.file) as opened:
        stream = opened.stream
        if part.start:
            stream.seek(part.start - 1)
            _skip_line(stream)
        yield from _chunks(_blocks(stream, part.stop, reading.value_bytes_max), opened, part)


def read_json_document(part: Part, reading: Reading) -> Iterator[Chunk]:
    """One file is one record; but an array, which no contract takes for a record, is a list of them."""
    with OpenedFile(part.file) as opened:
        text = opened.stream.read(reading.value_bytes_max + 1)
        if text.lstrip().startswith(b"["):
            text += opened.stream.read(ARRAY_BYTES_MAX - len(text))
        elements = _elements(text)
        chunk = Chunk()
        for number, element in enumerate([text[: reading.value_bytes_max + 1]] if elements is None else elements, 1):
            chunk.add(number, element)
            if chunk.is_full:
                chunk.read = part.size * number // len(elements or (text,))
                yield chunk
                chunk = Chunk(last_number=number)
        chunk.read = opened.read
        yield chunk


def _elements(text: bytes) -> list[bytes] | None:
    if not text.lstrip().startswith(b"["):
        return None
    try:
        return [bytes(element) for element in _decode_array(text)]
    except msgspec.DecodeError:
        return None


def _chunks(blocks: Iterator[list[bytes]], opened: OpenedFile, part: Part) -> Iterator[Chunk]:
    number = 0
    for lines in blocks:
        for first in range(0, len(lines), _LINES_TOGETHER):
            some = lines[first : first + _LINES_TOGETHER]
            chunk = _chunk(some, number + 1)
            number += len(some)
            chunk.read = opened.read - part.start
            yield chunk
    yield Chunk(last_number=number, read=opened.read - part.start)


def _chunk(lines: list[bytes], first: int) -> Chunk:
    last = first + len(lines) - 1
    numbers = range(first, last + 1)
    if b"" not in lines:
        return Chunk([*numbers], [*lines], last_number=last)
    kept = [(number, line) for number, line in zip(numbers, lines, strict=True) if line]
    blank_lines = len(lines) - len(kept)
    return Chunk([number for number, _ in kept], [line for _, line in kept], blank_lines=blank_lines, last_number=last)


def _blocks(stream: BinaryIO, stop: int | None, bytes_max: int) -> Iterator[list[bytes]]:
    """Lines, as many as end in one block; what is left of a block is the beginning of the next line."""
    position = stream.tell()
    rest = b""
    while True:
        wanted = _BLOCK_BYTES if stop is None else min(_BLOCK_BYTES, stop - position)
        block = stream.read(wanted) if wanted > 0 else b""
        if not block:
            break
        position += len(block)
        rest_before = rest
        lines = (rest_before + block).split(b"\n")
        rest = lines.pop()
        ends = b"\r" in block or rest_before.endswith(b"\r")
        yield [line.removesuffix(b"\r") for line in lines] if ends else lines
        if len(rest) > bytes_max:
            position += _skip_line(stream)
            yield [rest[: bytes_max + 1]]
            rest = b""
    # The last line may end behind the part; the next part begins after it.
    yield list(_last_line(stream, rest, bytes_max, goes_on=stop is not None and position >= stop))


def _last_line(stream: BinaryIO, rest: bytes, bytes_max: int, *, goes_on: bool) -> Iterator[bytes]:
    if not rest:
        return
    if goes_on:
        line = rest + stream.readline(bytes_max + 2)
        yield line.removesuffix(b"\n").removesuffix(b"\r")[: bytes_max + 1]
        return
    yield rest.removesuffix(b"\r")[: bytes_max + 1]


def _skip_line(stream: BinaryIO) -> int:
    skipped = 0
    while piece := stream.readline(_BLOCK_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
