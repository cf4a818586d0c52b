"""SQL of a contract over the records of a run: DuckDB, shut in.

The records are laid out as a table in a database file by a connection of ours. The contract's query runs on another
one, which may only read: no file beside that database, no network, no extensions, no settings, so much memory and disk,
so much time. It gives one value. What it may not or cannot do makes it unjudged, in words without a record's value.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

from watermaster.contract.assertion import Measured
from watermaster.contract.assertion_compiler import RECORDS_TABLE
from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.runtime.assertion import NotMeasured
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    import duckdb

MEMORY: Final = "1GB"
"""Beyond it DuckDB goes on on the disk, or says that it cannot."""
DISK: Final = "64GB"
"""Of intermediate results: a join without a condition must not fill the disk."""
THREADS_MAX: Final = 8
_BUFFERS_BYTES: Final = 512 * 1024 * 1024
"""Of the memory, for lines that are being read."""
_BUFFER_BYTES_MIN: Final = 32 * 1024 * 1024
"""What DuckDB takes to read lines with, for each thread; or two of the longest lines."""
SECONDS_MAX: Final = 600
"""A query that has not ended by then is not judged."""
_SHUT: Final[dict[str, Any]] = {
    "memory_limit": MEMORY,
    "max_temp_directory_size": DISK,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}
_IN_UTC: Final = "SET TimeZone = 'UTC'"
"""The zone of this machine must not matter."""
_IN_SILENCE: Final = "SET enable_progress_bar = false"
"""DuckDB paints the progress of longer queries on standard output, which is the report's."""
_ESTIMATES: Final = ("approx_", "reservoir_", "list_approx_")
"""How the names of DuckDB's functions begin that estimate, without telling their error."""
_BY_NAME: Final = frozenset({"aggregate", "list_aggregate", "list_aggr", "array_aggregate", "array_aggr"})
"""Functions that are given the name of another one as a text."""
_EXACT: Final = (
    "count(DISTINCT …) goes to the disk, and whether a quantile keeps a limit is the share of records that do"
)
_SPARING: Final = "a median, a quantile or a list needs all values at once, a count or a share of records does not"
_CASTS: Final = {
    LogicalType.INTEGER: "TRY_CAST({0} AS BIGINT)",
    LogicalType.NUMBER: "TRY_CAST({0} AS DOUBLE)",
    LogicalType.BOOLEAN: "TRY_CAST({0} AS BOOLEAN)",
    LogicalType.DATE: "TRY_CAST({0} AS DATE)",
    # An instant, as a moment in UTC: what is written with another offset is moved.
    LogicalType.TIMESTAMP: "TRY_CAST({0} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'",
}
_NESTED: Final = frozenset({LogicalType.OBJECT, LogicalType.ARRAY, LogicalType.MAP, LogicalType.ANY})


class RecordTable:
    """The records of a run as a table. Raises UsageFault WM-CHECK-EXTRA without DuckDB."""

    def __init__(self, directory: Path, rows: Sequence[Path], checks: Checks, names: Sequence[str]) -> None:
        self._duckdb = require_duckdb()
        self._file = directory / "records.duckdb"
        self._spill = directory / "spill"
        self._threads = _threads(_line_bytes_max(checks))
        self._failure: NotMeasured | None = None
        try:
            with self._duckdb.connect(str(self._file), config=self._settings()) as database:
                database.execute(_IN_SILENCE)
                _lay_out(database, [str(path) for path in rows], checks, names)
        except self._duckdb.Error as error:
            self._failure = NotMeasured(f"the records cannot be laid out as a table ({type(error).__name__})")

    def _settings(self) -> dict[str, Any]:
        return {**_SHUT, "temp_directory": str(self._spill), "threads": self._threads}

    def measure(self, query: str) -> Measured | NotMeasured:
        """The one value that a query gives."""
        if self._failure is not None:
            return self._failure
        try:
            return self._run(query)
        except self._duckdb.Error as error:
            return NotMeasured(self._why(error))

    def _why(self, error: Exception) -> str:
        known = self._duckdb
        if isinstance(error, known.ParserException | known.BinderException | known.CatalogException):
            # These speak of the query alone; the words of others may repeat values.
            return f"the query is refused: {str(error).splitlines()[0]}"
        if isinstance(error, known.InterruptException):
            return f"the query did not end within {SECONDS_MAX} s"
        if isinstance(error, known.OutOfMemoryException):
            return f"the query needs more than {MEMORY} of memory or {DISK} of disk; {_SPARING}"
        if isinstance(error, known.PermissionException):
            return "the query wants a file or the network, which it may not have"
        return f"the query ended with an error ({type(error).__name__})"

    def _run(self, query: str) -> Measured | NotMeasured:
        statements = self._duckdb.extract_statements(query)
        if len(statements) != 1 or statements[0].type != self._duckdb.StatementType.SELECT:
            return NotMeasured("it is no single SELECT")
        with self._duckdb.connect(str(self._file), read_only=True, config=self._settings()) as database:
            database.execute(_IN_UTC)
            database.execute(_IN_SILENCE)
            # In this order: the directory for intermediate results has to be set before, and nothing can be after.
            database.execute("SET enable_external_access = false")
            database.execute("SET lock_configuration = true")
            estimate = _estimate(database, query)
            if estimate is not None:
                return NotMeasured(f"the query estimates ({estimate}), and assertions are exact: {_EXACT}")
            alarm = Timer(SECONDS_MAX, database.interrupt)
            alarm.start()
            try:
                rows = database.execute(query).fetchmany(2)
            finally:
                alarm.cancel()
        if len(rows) != 1 or len(rows[0]) != 1:
            return NotMeasured("the query does not give exactly one value")
        return _measured(rows[0][0])


def _estimate(database: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """The part of a query that gives an estimate, if there is one; a query that DuckDB does not take apart has none."""
    row = database.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    waiting: list[Any] = [json.loads(row[0])] if row else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            for name in _called(node):
                if name.startswith(_ESTIMATES):
                    return name
            if node.get("sample"):
                return "a sample"
            if node.get("show_type") == "SUMMARY":
                return "SUMMARIZE"
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return None


def _called(node: dict[str, Any]) -> list[str]:
    """The functions that a node of a query calls."""
    name = node.get("function_name")
    if not isinstance(name, str):
        return []
    if name not in _BY_NAME:
        return [name]
    literals = [each.get("expression", {}).get("literal") for each in node.get("arguments", ())]
    return [str(literal.get("text")).lower() for literal in literals if literal]


def require_duckdb() -> Any:  # noqa: ANN401 - the module itself, an extra
    """The library. Raises UsageFault WM-CHECK-EXTRA."""
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageFault(
            "WM-CHECK-EXTRA",
            "Assertions in SQL need DuckDB, which is not installed.",
            hint="pip install 'watermaster[batch]'",
        ) from None
    return duckdb


def _lay_out(database: duckdb.DuckDBPyConnection, rows: Sequence[str], checks: Checks, names: Sequence[str]) -> None:
    columns = [f"{_column(child)} AS {_quoted(child.name)}" for child in checks.value.properties]
    source = "(SELECT NULL::JSON AS json WHERE false)"
    if rows:
        source = f"read_ndjson_objects(?, maximum_object_size={_line_bytes_max(checks):d})"
    # Names are quoted and all else is ours: nothing of the contract or the records is read as SQL here.
    select = f"SELECT {', '.join(columns) or '1 AS record'} FROM {source}"  # noqa: S608 - see above
    database.execute(_IN_UTC)
    database.execute(f"CREATE TABLE {_quoted(RECORDS_TABLE)} AS {select}", [rows] if rows else [])
    for name in names:
        if name.casefold() != RECORDS_TABLE:
            database.execute(f"CREATE VIEW {_quoted(name)} AS FROM {_quoted(RECORDS_TABLE)}")


def _line_bytes_max(checks: Checks) -> int:
    return checks.limits.value_bytes_max + 1024


def _threads(line_bytes_max: int) -> int:
    """On many cores the buffers alone would be more than the memory."""
    buffer_bytes = max(_BUFFER_BYTES_MIN, 2 * line_bytes_max)
    return max(1, min(len(os.sched_getaffinity(0)), THREADS_MAX, _BUFFERS_BYTES // buffer_bytes))


def _column(check: FieldCheck) -> str:
    pointer = "/" + check.name.replace("~", "~0").replace("/", "~1").replace("'", "''")
    text = f"json_extract_string(json, '{pointer}')"
    if check.type in _NESTED:
        return f"CASE WHEN {text} IS NULL THEN NULL ELSE json_extract(json, '{pointer}') END"
    if check.temporal_format is not None or check.type not in _CASTS:
        return text
    return _CASTS[check.type].format(text)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _measured(value: object) -> Measured | NotMeasured:
    match value:
        case None | bool() | str():
            return value
        case int() | Decimal():
            return Decimal(value)
        case float():
            return (
                Decimal(repr(value)) if math.isfinite(value) else NotMeasured("the query's value is no finite number")
            )
        case _:
            return str(value)
