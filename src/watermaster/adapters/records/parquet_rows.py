"""Parquet, read by DuckDB: each row as the JSON text that a producer would have sent.

DuckDB writes the text itself, which is what makes this fast; only where its text is not what JSON between systems looks
like does a column get an expression (`row_text`). Names of columns are what JSON names, so a file whose columns differ
only by case is refused: DuckDB would rename one of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watermaster.adapters.records.parquet_screen import surely_passes
from watermaster.adapters.records.row_text import row_text
from watermaster.contract.checks import Checks
from watermaster.runtime.record_source import CHUNK_RECORDS, Chunk, Form, Part, Reading
from watermaster.stream.fault import UsageFault, WorldFault

if TYPE_CHECKING:
    import duckdb

PART_ROWS: Final = 200_000
"""Row groups are joined to at least so many: a part then costs more to judge than to begin."""
_MEMORY: Final = "1GB"
"""Far more than one row group on one thread takes; beyond it DuckDB says so instead of growing."""
_OBJECT_BYTES: Final = 128 * 1024 * 1024
"""Of one line: a record of the largest size that brokers take, escaped."""
_GLOB_SIGNS: Final = str.maketrans({sign: f"[{sign}]" for sign in "*?["})


def parquet_parts(file: Path, size: int) -> Sequence[Part]:
    """Runs of whole row groups. Raises WorldFault WM-CHECK-READ if the file's end cannot be read."""
    with _opened(str(file)) as database:
        query = "SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata(?) ORDER BY row_group_id"
        groups = [rows for _, rows in database.execute(query, [_literally(str(file))]).fetchall()]
    total = sum(groups)
    parts = [
        Part(str(file), Form.PARQUET, start, stop, size * (stop - start) // total) for start, stop in _ranges(groups)
    ]
    return parts or [Part(str(file), Form.PARQUET, size=size)]


def read_parquet(part: Part, reading: Reading) -> Iterator[Chunk]:
    """Rows `[start, stop)`, numbered from 1 inside the part. A text is only as large as the row group it lies in."""
    with _opened(part.file) as database:
        rows = database.execute(_query(database, part, reading.judged_by), [_literally(part.file)])
        last = 0
        while fetched := rows.fetchmany(CHUNK_RECORDS):
            values: list[bytes | None] = [text.encode() for _, text in fetched]
            numbers = [number - part.start + 1 for number, _ in fetched]
            passing, last = numbers[-1] - last - len(numbers), numbers[-1]
            yield Chunk(numbers, values, last_number=last, read=_share(part, last), passing=passing)
        if part.stop is not None and last < part.stop - part.start:
            total = part.stop - part.start
            yield Chunk(last_number=total, read=part.size, passing=total - last)


def write_parquet(lines: Path, file: Path, columns: Mapping[str, str]) -> None:
    """Turn lines of JSON into Parquet; `columns` are DuckDB's types by name. Raises UsageFault WM-CHECK-EXTRA."""
    with _opened(str(lines)) as database:
        rows = database.read_json(
            _literally(str(lines)), columns=dict(columns), format="newline_delimited", maximum_object_size=_OBJECT_BYTES
        )
        rows.write_parquet(os.path.abspath(file), compression="zstd")  # noqa: PTH100 - as in `_literally`


def _query(database: duckdb.DuckDBPyConnection, part: Part, judged_by: Checks | None) -> str:
    relation = database.sql("SELECT * FROM read_parquet(?, hive_partitioning=false)", params=[_literally(part.file)])
    _refuse_renamed(database, part.file, relation.columns)
    columns = list(zip(relation.columns, relation.types, strict=True))
    passes = None if judged_by is None else surely_passes(judged_by, {name: kind.id for name, kind in columns})
    source = "read_parquet(?, hive_partitioning=false, file_row_number=true)"
    # The numbers are made of numbers of ours and names are quoted: nothing of the file is read as SQL.
    # What a contract says stands in it as numbers and as texts between quotes, and its own SQL never.
    wanted = "true" if passes is None else f"NOT coalesce({passes}, false)"
    rows = f"file_row_number >= {part.start:d} AND file_row_number < {part.stop:d}" if part.stop else "true"
    return f"SELECT file_row_number, {row_text(columns)} FROM {source} WHERE {rows} AND {wanted}"  # noqa: S608 - see above


def _refuse_renamed(database: duckdb.DuckDBPyConnection, file: str, columns: Sequence[str]) -> None:
    found = database.execute("SELECT name FROM parquet_schema(?)", [_literally(file)]).fetchall()
    stored = {name for (name,) in found}
    if any(column not in stored for column in columns):
        raise WorldFault(
            "WM-CHECK-COLUMNS",
            f"{file} has columns whose names differ only by case.",
            hint="No reader agrees which one counts: write the file with names that differ.",
        )


def _ranges(groups: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = stop = 0
    for rows in groups:
        stop += rows
        if stop - start >= PART_ROWS:
            yield start, stop
            start = stop
    if stop > start:
        yield start, stop


def _share(part: Part, number: int) -> int:
    rows = (part.stop or 0) - part.start
    return part.size * number // rows if rows > 0 else part.size


def _literally(file: str) -> str:
    """The path such that DuckDB reads no pattern and no address in it."""
    return os.path.abspath(file).translate(_GLOB_SIGNS)  # noqa: PTH100 - an address is no path, and stays as it is


@contextmanager
def _opened(file: str) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageFault(
            "WM-CHECK-EXTRA",
            "Parquet needs DuckDB, which is not installed.",
            hint="pip install 'watermaster[batch]'",
        ) from None
    # Extensions are never fetched. One thread: what uses the cores are processes that judge.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": _MEMORY,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=settings) as database:
        # It paints the progress of longer queries on standard output, which is the report's.
        database.execute("SET enable_progress_bar = false")
        try:
            yield database
        except duckdb.OutOfMemoryException as error:
            raise WorldFault(
                "WM-CHECK-MEMORY", f"A row group of {file} needs more than {_MEMORY}.", hint="Write smaller row groups."
            ) from error
        except duckdb.Error as error:
            # The library's sentence may repeat values.
            raise WorldFault(
                "WM-CHECK-READ",
                f"{file} cannot be read as Parquet: it is damaged or not whole.",
                hint="Write or copy it again; DuckDB's own words: WATERMASTER_DEBUG=1.",
            ) from error
