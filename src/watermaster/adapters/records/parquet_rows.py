"""Parquet, read by DuckDB: each row as the JSON text that a producer would have sent.

DuckDB writes the text itself, which is what makes this fast; only where its text is not what JSON between systems looks
like does a column get an expression (`row_text`). Where rows can be screened (`row_screen`), those that surely pass are
only counted, and of those that are surely judged alike only the first have texts. Names of columns are what JSON names,
so a file whose columns differ only by case is refused: DuckDB would rename one of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watermaster.adapters.records.engine import literally, opened
from watermaster.adapters.records.row_screen import Screen, compile_screen
from watermaster.adapters.records.row_text import row_text
from watermaster.runtime.record_source import ALIKE_FIRST, CHUNK_RECORDS, Chunk, Form, ManyTexts, Part, Reading
from watermaster.stream.fault import WorldFault

if TYPE_CHECKING:
    import duckdb

PART_ROWS: Final = 400_000
"""Row groups are joined to at least so many: a part then costs more to judge than to begin."""
_OBJECT_BYTES: Final = 128 * 1024 * 1024
"""Of one line: a record of the largest size that brokers take, escaped."""
_KINDS_MAX: Final = 500
"""Rows of more kinds are no kinds worth the name: then all rows that do not pass have texts."""
_LISTED_MAX: Final = 1000
"""So many rows of no kind are asked for by their numbers, and more of them by looking at all rows again."""


def parquet_parts(file: Path, size: int) -> Sequence[Part]:
    """Runs of whole row groups. Raises WorldFault WM-CHECK-READ if the file's end cannot be read."""
    with opened(str(file)) as database:
        query = "SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata(?) ORDER BY row_group_id"
        groups = [rows for _, rows in database.execute(query, [literally(str(file))]).fetchall()]
    total = sum(groups)
    parts = [
        Part(str(file), Form.PARQUET, start, stop, size * (stop - start) // total) for start, stop in _ranges(groups)
    ]
    return parts or [Part(str(file), Form.PARQUET, size=size)]


def read_parquet(part: Part, reading: Reading) -> Iterator[Chunk]:
    """Rows `[start, stop)`, numbered from 1 inside the part. A text is only as large as the row group it lies in."""
    with opened(part.file) as database:
        rows = _Rows(database, part)
        screen = None
        if reading.judged_by is not None and part.stop is not None:
            screen = compile_screen(reading.judged_by, {name: kind.id for name, kind in rows.columns})
        if screen is None:
            yield from rows.texts("true")
        else:
            yield from _screened(rows, screen, reading.texts_max)


def _screened(rows: _Rows, screen: Screen, texts_max: int | None) -> Iterator[Chunk]:
    failing = f"NOT coalesce({screen.passes}, false)"
    kinds = rows.kinds(failing, screen)
    if kinds is None:
        count = rows.count(failing)
        _require_few(count, texts_max)
        yield Chunk(passing=rows.total - count)
        yield from rows.texts(failing)
        return
    known = [kind for kind in kinds if kind.is_known]
    unknown = sum(kind.rows for kind in kinds if not kind.is_known)
    _require_few(unknown, texts_max)
    yield Chunk(passing=rows.total - sum(kind.rows for kind in kinds))
    listed = [number for kind in (known if unknown > _LISTED_MAX else kinds) for number in kind.first]
    wanted = f"file_row_number IN ({', '.join(map(str, listed)) or 'NULL'})"
    if unknown > _LISTED_MAX:
        wanted = f"({wanted} OR ({failing} AND ({_unknown(screen.kinds)})))"
    alike = {kind.first[0]: kind.rows - len(kind.first) for kind in known}
    yield from rows.texts(wanted, alike)


def _unknown(kinds: Sequence[str]) -> str:
    return " OR ".join(f"{kind} IS NULL" for kind in kinds)


def _require_few(texts: int, texts_max: int | None) -> None:
    if texts_max is not None and texts > texts_max:
        raise ManyTexts


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows of which the same is known, or nothing: how many, and the numbers of the first."""

    is_known: bool
    rows: int
    first: list[int]


class _Rows:
    """The rows of one part. The SQL that it is given is made of contracts, not of files; see `_query`."""

    def __init__(self, database: duckdb.DuckDBPyConnection, part: Part) -> None:
        self._database = database
        self._part = part
        self._file = [literally(part.file)]
        relation = database.sql("SELECT * FROM read_parquet(?, hive_partitioning=false)", params=self._file)
        _refuse_renamed(database, part.file, relation.columns)
        self.columns = list(zip(relation.columns, relation.types, strict=True))
        self.total = (part.stop or 0) - part.start

    def texts(self, wanted: str, alike: Mapping[int, int] | None = None) -> Iterator[Chunk]:
        """The texts of some rows; `alike`: by the number of a row how many are judged as it is, and have none."""
        rows = self._database.execute(self._query(f"file_row_number, {row_text(self.columns)}", wanted), self._file)
        start, known, last = self._part.start, alike or {}, 0
        while fetched := rows.fetchmany(CHUNK_RECORDS):
            values: list[bytes | None] = [text.encode() for _, text in fetched]
            numbers = [number - start + 1 for number, _ in fetched]
            more = {at: known[number] for at, (number, _) in enumerate(fetched) if number in known}
            last = numbers[-1]
            yield Chunk(numbers, values, last_number=last, read=_share(self._part, last), alike=more)
        if last < self.total:
            yield Chunk(last_number=self.total, read=self._part.size)

    def count(self, wanted: str) -> int:
        """How many rows are like this."""
        ((found,),) = self._database.execute(self._query("count(*)", wanted), self._file).fetchall()
        return int(found)

    def kinds(self, wanted: str, screen: Screen) -> list[_Kind] | None:
        """These rows by their kinds; None if there are too many."""
        names = [f"kind{at}" for at in range(len(screen.kinds))]
        known = ", ".join(f"{kind} AS {name}" for kind, name in zip(screen.kinds, names, strict=True))
        inner = self._query(f"file_row_number AS number, {known}", wanted)
        unknown = _unknown(names)
        first = f"min(number, {ALIKE_FIRST}), min(number, {_LISTED_MAX}) FILTER ({unknown})"
        query = f"SELECT NOT ({unknown}), count(*), {first} FROM ({inner}) GROUP BY {', '.join(names)}"  # noqa: S608 - as in `_query`
        found = self._database.execute(f"{query} LIMIT {_KINDS_MAX + 1}", self._file).fetchall()
        if len(found) > _KINDS_MAX:
            return None
        return [_Kind(is_known, rows, few if is_known else many) for is_known, rows, few, many in found]

    def _query(self, what: str, wanted: str) -> str:
        source = "read_parquet(?, hive_partitioning=false, file_row_number=true)"
        # The numbers are made of numbers of ours and names are quoted: nothing of the file is read as SQL.
        # What a contract says stands in it as numbers and as texts between quotes, and its own SQL never.
        rows = "true"
        if self._part.stop is not None:
            rows = f"file_row_number >= {self._part.start:d} AND file_row_number < {self._part.stop:d}"
        return f"SELECT {what} FROM {source} WHERE {rows} AND {wanted}"  # noqa: S608 - see above


def write_parquet(lines: Path, file: Path, columns: Mapping[str, str]) -> None:
    """Turn lines of JSON into Parquet; `columns` are DuckDB's types by name. Raises UsageFault WM-CHECK-EXTRA."""
    with opened(str(lines)) as database:
        rows = database.read_json(
            literally(str(lines)), columns=dict(columns), format="newline_delimited", maximum_object_size=_OBJECT_BYTES
        )
        rows.write_parquet(os.path.abspath(file), compression="zstd")  # noqa: PTH100 - as in `literally`


def _refuse_renamed(database: duckdb.DuckDBPyConnection, file: str, columns: Sequence[str]) -> None:
    found = database.execute("SELECT name FROM parquet_schema(?)", [literally(file)]).fetchall()
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
