"""Opening a text file of records, packed with gzip or plain."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO, cast


class OpenedFile:
    """A stream of bytes, and how many bytes of the file itself were read for it."""

    def __init__(self, file: str) -> None:
        self._raw = Path(file).open("rb")  # noqa: SIM115 - closed by `close`
        self.stream: BinaryIO = self._raw
        if file.endswith(".gz"):
            self.stream = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw))

    def __enter__(self) -> OpenedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self._raw.close()

    @property
    def read(self) -> int:
        """Bytes of the file on disk read so far."""
        return self._raw.tell()
