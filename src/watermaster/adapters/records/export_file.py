"""Rows into a file that is there whole or not at all: JSON lines, or Parquet by DuckDB.

The file is only for its owner, as it may hold what records say. A file that exists is never written over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TextIO

from watermaster.adapters.records.parquet_rows import write_parquet
from watermaster.stream.fault import UsageFault, WorldFault

JSON_LINES: Final = (".jsonl", ".ndjson")
PARQUET: Final = ".parquet"


class ExportFile:
    """Takes rows; `count` of them so far."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.count = 0

    def write(self, row: Mapping[str, Any]) -> None:
        """One line, all but ASCII escaped: nothing in it can act on a terminal that shows the file."""
        self._stream.write(json.dumps(row, separators=(",", ":")) + "\n")
        self.count += 1


@contextmanager
def export_file(path: Path, columns: Mapping[str, str]) -> Iterator[ExportFile]:
    """Open for rows; in place at the end. `columns` are DuckDB's types by name, for Parquet.

    Raises UsageFault WM-EXPORT-FORM, WM-EXPORT-EXISTS, WM-CHECK-EXTRA, or WorldFault WM-EXPORT-WRITE.
    """
    if path.suffix not in (*JSON_LINES, PARQUET):
        raise UsageFault(
            "WM-EXPORT-FORM", f"{path.name} is neither JSON lines nor Parquet.", hint="Name it *.jsonl or *.parquet."
        )
    if path.exists():
        raise UsageFault("WM-EXPORT-EXISTS", f"{path} is there already.", hint="Name another file.")
    try:
        # Beside the file, so that it can be put in place at once; nobody else can look into it.
        with TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
            whole = Path(folder, "lines")
            with whole.open("x", encoding="ascii") as stream:
                yield ExportFile(stream)
            if path.suffix == PARQUET:
                lines, whole = whole, Path(folder, "whole")
                write_parquet(lines, whole, columns)
            whole.chmod(0o600)
            os.link(whole, path)  # unlike a renaming, this never replaces what came there meanwhile
    except OSError as error:
        raise WorldFault(
            "WM-EXPORT-WRITE", f"{path} cannot be written: {error.strerror}.", hint="Check the folder and the disk."
        ) from None
