"""DuckDB for reading files: one database for each thread that asks, shut in and with memory of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from watermaster.stream.fault import UsageFault, WorldFault

if TYPE_CHECKING:
    import duckdb

_MEMORY: Final = "1GB"
"""Far more than one row group takes, of which whole columns are held; beyond it DuckDB says so and does not grow."""
_GLOB_SIGNS: Final = str.maketrans({sign: f"[{sign}]" for sign in "*?["})


@contextmanager
def opened(file: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to ask about one file of Parquet. Raises UsageFault WM-CHECK-EXTRA, or WorldFault."""
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageFault(
            "WM-CHECK-EXTRA",
            "Parquet needs DuckDB, which is not installed.",
            hint="pip install 'watermaster[batch]'",
        ) from None
    with _database().cursor() as connection:
        try:
            # It paints the progress of longer queries on standard output, which is the report's.
            connection.execute("SET enable_progress_bar = false")
            yield connection
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


_of_thread = threading.local()


def _database() -> duckdb.DuckDBPyConnection:
    """Kept, since opening one takes longer than many a question; not shared, since its memory would be shared, too."""
    known: duckdb.DuckDBPyConnection | None = getattr(_of_thread, "database", None)
    if known is None:
        known = _of_thread.database = _connect()
    return known


def _connect() -> duckdb.DuckDBPyConnection:
    import duckdb  # noqa: PLC0415 - an extra

    # Extensions are never fetched. No threads of its own: those who ask are as many as there are cores.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": _MEMORY,
        "enable_external_file_cache": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    return duckdb.connect(config=settings)


def literally(file: str) -> str:
    """The path such that DuckDB reads no pattern and no address in it."""
    return os.path.abspath(file).translate(_GLOB_SIGNS)  # noqa: PTH100 - an address is no path, and stays as it is
