"""Files that are there whole, or not at all, also after a crash or a power cut."""

from __future__ import annotations

import os
from pathlib import Path

from watermaster.stream.fault import WorldFault


def write_durably(path: Path, text: str) -> None:
    """Write beside, force to the disk, rename. Raises WorldFault WM-FILES-WRITE if the disk refuses."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _force(path.parent)
    except OSError as error:
        raise WorldFault(
            "WM-FILES-WRITE", f"{path} cannot be written: {error.strerror}.", hint="Nothing was changed in Kafka."
        ) from None


def _force(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
