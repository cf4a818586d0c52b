"""Avro container files, read by fastavro: each record as the JSON text that a producer would have sent."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from watermaster.gate.avro_text import compile_schema
from watermaster.runtime.record_source import Chunk, Part, Reading
from watermaster.stream.fault import UsageFault, WorldFault

_DAMAGED: Final = (
    *(EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, StopIteration),  # bytes read as others
    *(OverflowError, MemoryError, RecursionError),  # lengths and times that cannot be
    *(zlib.error, lzma.LZMAError, struct.error),
)
"""What fastavro lets through where bytes are not what the schema says; it has no exception of its own for it."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


def read_avro(part: Part, reading: Reading) -> Iterator[Chunk]:
    """All records, numbered from 1."""
    del reading
    number = 0
    chunk = Chunk()
    with Path(part.file).open("rb") as stream, _named(part.file):
        records = require_fastavro().reader(stream, handle_unicode_errors="surrogateescape")
        convert = compile_schema(records.writer_schema)
        while True:
            with _at(part.file, number):
                record = next(records, None)
                if record is None:
                    break
                number += 1
                _add(chunk, number, convert(record))
            if chunk.is_full:
                chunk.read = stream.tell()
                yield chunk
                chunk = Chunk()
    chunk.last_number, chunk.read = number, part.size
    yield chunk


def _add(chunk: Chunk, number: int, record: object) -> None:
    try:
        chunk.add(number, _encode(record))
    except UnicodeEncodeError:
        chunk.refuse(number, "json.utf8")


def require_fastavro() -> Any:  # noqa: ANN401 - of an extra
    """The library. Raises UsageFault WM-CHECK-EXTRA; asked before the first record is judged, not in the midst."""
    try:
        import fastavro  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageFault(
            "WM-CHECK-EXTRA", "Avro needs fastavro, which is not installed.", hint="pip install 'watermaster[avro]'"
        ) from None
    return fastavro


@contextmanager
def _named(file: str) -> Iterator[None]:
    """Faults of the beginning: magic, schema, codec."""
    try:
        yield
    except _DAMAGED as error:
        codec = "codec" in str(error)
        what = "is packed with a codec whose library is not installed" if codec else "cannot be read as Avro"
        raise WorldFault(
            "WM-CHECK-READ",
            f"{file} {what}.",
            hint="pip install the codec's package, as fastavro names it: cramjam, zstandard, lz4."
            if codec
            else "It is damaged or not whole: write or copy it again.",
        ) from error


@contextmanager
def _at(file: str, number: int) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise WorldFault(
            "WM-CHECK-READ",
            f"{file} cannot be read as Avro beyond record {number}: it is damaged or not whole.",
            hint="Write or copy it again.",
        ) from error
