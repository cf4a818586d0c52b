"""A table read to its end: chunks of rows through a server-side cursor, in one read-only snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from watermaster.adapters.postgres.row_text import Column, row_text
from watermaster.runtime.record_source import CHUNK_BYTES, CHUNK_RECORDS, Chunk, Part, Reading, Store
from watermaster.stream.fault import Fault, UsageFault, WorldFault

if TYPE_CHECKING:
    import psycopg

_FIRST_ROWS: Final = 20
"""Before it is known how long rows are; then as many at a time as a chunk may hold."""
_TABLE: Final = """
SELECT c.oid, c.reltuples::bigint, pg_relation_size(c.oid)
FROM pg_class c WHERE c.oid = to_regclass(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_COLUMNS: Final = """
WITH RECURSIVE known AS (
  SELECT a.attnum, a.attname, t.oid, t.typname, t.typtype, t.typbasetype, t.typelem, t.typcategory
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT known.attnum, known.attname, t.oid, t.typname, t.typtype, t.typbasetype, t.typelem, t.typcategory
  FROM known JOIN pg_type t ON known.typtype = 'd' AND t.oid = known.typbasetype
)
SELECT attname, known.typname, CASE WHEN known.typcategory = 'A' THEN item.typname END
FROM known LEFT JOIN pg_type item ON item.oid = known.typelem
WHERE known.typtype <> 'd' ORDER BY attnum
"""


class TableRecords:
    """A `RecordSource` over tables and views of one database. `settings` are libpq's; nothing of them is ever shown."""

    def __init__(self, settings: Mapping[str, Any], tables: Sequence[str]) -> None:
        self._settings = dict(settings)
        self._tables = tables

    def parts(self) -> Sequence[Part]:
        """One for each table. Raises UsageFault WM-TABLE-NAME, WM-TABLE-DENIED, or WorldFault WM-TABLE."""
        with self._connected() as connection:
            return [Part(table, Store.TABLE, size=_look(connection, table)[2]) for table in self._tables]

    def read(self, part: Part, reading: Reading) -> Iterator[Chunk]:
        """See `RecordSource.read`. Rows come in the order of the table and are numbered from 1."""
        with self._connected() as connection:
            oid, rows, size = _look(connection, part.file)
            columns = [Column(*row) for row in connection.execute(_COLUMNS, [oid])]
            with connection.cursor(name="watermaster", withhold=False) as cursor:
                cursor.execute(_query(connection, part.file, columns, reading.value_bytes_max))
                yield from _chunks(cursor, max(rows, 1), size)

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        psycopg = require_psycopg()
        try:
            with psycopg.connect(**self._settings, application_name="watermaster check") as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = True
                connection.execute("SET TIME ZONE 'UTC'")
                connection.execute("SET extra_float_digits = 1")
                connection.execute("SET DateStyle = 'ISO'")
                yield connection
        except psycopg.Error as error:
            raise _fault(error) from None


def require_psycopg() -> Any:  # noqa: ANN401 - the module itself, an extra
    """The driver. Raises UsageFault WM-CHECK-EXTRA."""
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageFault(
            "WM-CHECK-EXTRA",
            "PostgreSQL tables need psycopg, which is not installed.",
            hint="pip install 'watermaster[postgres]'",
        ) from None
    return psycopg


def _look(connection: psycopg.Connection[Any], table: str) -> tuple[int, int, int]:
    """Identity, estimated rows and bytes on disk of a table or view."""
    found = connection.execute(_TABLE, [_identifier(connection, table)]).fetchone()
    if found is None:
        raise UsageFault(
            "WM-TABLE-NAME",
            f"There is no table or view {table} that this login can see.",
            hint="Name it as schema.table, in upper and lower case as it was created.",
        )
    oid, rows, size = found
    return oid, rows, size


def _identifier(connection: psycopg.Connection[Any], table: str) -> str:
    from psycopg.sql import Identifier  # noqa: PLC0415 - an extra

    return Identifier(*table.split(".", 1)).as_string(connection)


def _query(connection: psycopg.Connection[Any], table: str, columns: Sequence[Column], bytes_max: int) -> bytes:
    # OFFSET 0 keeps the text from being made twice. Of a row beyond the limit only so much comes that this is seen.
    whole = f"SELECT {row_text(columns)} AS record FROM {_identifier(connection, table)} OFFSET 0"  # noqa: S608
    cut = f"left(record, {bytes_max + 1:d})"
    query = f"SELECT CASE WHEN octet_length(record) > {bytes_max:d} THEN {cut} ELSE record END FROM ({whole}) AS rows"  # noqa: S608
    # Names of the table and its columns are quoted: nothing of the database is read as SQL.
    return query.encode()


def _chunks(cursor: psycopg.ServerCursor[Any], rows: int, size: int) -> Iterator[Chunk]:
    number, wanted = 0, _FIRST_ROWS
    while fetched := cursor.fetchmany(wanted):
        values: list[bytes | None] = [text.encode() for (text,) in fetched]
        byte_count = sum(len(value) for value in values if value is not None)
        numbers = list(range(number + 1, number + len(values) + 1))
        number += len(values)
        yield Chunk(numbers, values, byte_count=byte_count, last_number=number, read=min(size, size * number // rows))
        wanted = max(1, min(CHUNK_RECORDS, CHUNK_BYTES * len(values) // max(byte_count, 1)))


def _fault(error: psycopg.Error) -> Fault:
    """Named by its type and SQLSTATE: the library's words may repeat values and the address."""
    name = f"{type(error).__name__}{f', SQLSTATE {error.sqlstate}' if error.sqlstate else ''}"
    match error.sqlstate or "":
        case "42501":
            return UsageFault(
                "WM-TABLE-DENIED", f"The table may not be read ({name}).", hint="GRANT SELECT to this login."
            )
        case state if state.startswith("28"):
            return UsageFault(
                "WM-TABLE-LOGIN", f"The database refuses the login ({name}).", hint="Check user and password."
            )
        case _:
            return WorldFault(
                "WM-TABLE",
                f"The database does not do its part ({name}).",
                hint="Is it up and reachable, does it exist, and does it take this login and sslmode?",
                retriable=True,
            )
