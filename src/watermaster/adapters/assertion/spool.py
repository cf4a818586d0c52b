"""Files of one run that its processes append to, each to its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

from watermaster.adapters.assertion.repeats import DIGEST_BYTES, count_repeats
from watermaster.adapters.assertion.table import RecordTable
from watermaster.contract.assertion import Measured, SqlQuery
from watermaster.contract.checks import Checks
from watermaster.runtime.assertion import NotMeasured
from watermaster.stream.fault import WorldFault

_ROWS: Final = "rows"
_BUFFER_BYTES: Final = 256 * 1024
_ONE_LINE: Final = bytes.maketrans(b"\n\r", b"  ")
"""In JSON a line break stands only between tokens, where a blank means the same."""


class FileSpool:
    """A `Spool` of this process. `key` is that of the run: digests without it say nothing of a value."""

    def __init__(self, directory: Path, key: bytes) -> None:
        self._directory = directory
        self._key = key
        self._files: dict[str, BinaryIO] = {}

    def keep_texts(self, number: int, texts: Sequence[bytes]) -> None:
        """See `Spool.keep_texts`."""
        self._append(
            f"digests-{number}",
            b"".join(blake2b(text, digest_size=DIGEST_BYTES, key=self._key).digest() for text in texts),
        )

    def keep_records(self, values: Sequence[bytes]) -> None:
        """See `Spool.keep_records`."""
        self._append(_ROWS, b"".join(value.translate(_ONE_LINE) + b"\n" for value in values))

    def flush(self) -> None:
        """See `Spool.flush`."""
        try:
            for file in self._files.values():
                file.flush()
        except OSError as error:
            raise _disk_fault(error) from None

    def _append(self, name: str, content: bytes) -> None:
        try:
            if name not in self._files:
                path = self._directory / f"{name}.{os.getpid()}"
                self._files[name] = path.open("ab", buffering=_BUFFER_BYTES)
            self._files[name].write(content)
        except OSError as error:
            raise _disk_fault(error) from None

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()


class SpooledRun:
    """What all processes of a run kept: `Gathered` over its directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._table: RecordTable | None = None

    def repeats(self, number: int) -> int:
        """See `Gathered.repeats`."""
        try:
            return count_repeats(sorted(self._directory.glob(f"digests-{number}.*")), self._directory)
        except OSError as error:
            raise _disk_fault(error) from None

    def measure(self, query: SqlQuery, checks: Checks) -> Measured | NotMeasured:
        """See `Gathered.measure`. The table is laid out for the first query."""
        if self._table is None:
            rows: Iterable[Path] = sorted(self._directory.glob(f"{_ROWS}.*"))
            names = [
                name for one in checks.assertions if isinstance(one.measure, SqlQuery) for name in one.measure.tables
            ]
            self._table = RecordTable(self._directory, tuple(rows), checks, tuple(dict.fromkeys(names)))
        return self._table.measure(query.query)


def _disk_fault(error: OSError) -> WorldFault:
    return WorldFault(
        "WM-CHECK-SPOOL",
        f"What assertions need cannot be kept on the disk: {error.strerror}.",
        hint="Records and digests of one run lie in the directory for temporary files; TMPDIR names another one.",
    )
