"""Writing files that a person will edit: never over one that is there, unless that was asked for in so many words."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from watermaster.stream.fault import UsageFault, WorldFault


def refuse_existing(directory: Path, name: str) -> None:
    """Raises `UsageFault` WM-INIT-EXISTS if the file is there."""
    if (directory / name).exists():
        raise UsageFault(
            "WM-INIT-EXISTS",
            f"{directory / name} exists already.",
            hint="Edit it, choose another --directory, or write over it with --force.",
        )


def refuse_other(path: Path, *, force: bool) -> None:
    """Raises `UsageFault` WM-FILES-EXISTS if there is something at `path` already, unless `force`."""
    if path.exists() and not force:
        raise UsageFault(
            "WM-FILES-EXISTS", f"{path} exists already.", hint="Name another file, or write over it with --force."
        )


def write_new_file(path: Path, text: str, *, force: bool) -> None:
    """One file, whole or not at all. Raises as `refuse_other` does, and `WorldFault` WM-FILES-WRITE."""
    refuse_other(path, force=force)
    write_new_files(path.parent, {path.name: text}, force=force)


def write_new_files(
    directory: Path, texts: Mapping[str, str], *, force: bool
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Write the files; (written, kept). Those that are there are kept, unless `force`.

    Each appears whole or not at all. Raises `WorldFault` WM-FILES-WRITE if the disk refuses.
    """
    written, kept = [], []
    for name, text in texts.items():
        path = directory / name
        if path.exists() and not force:
            kept.append(path)
            continue
        try:
            _write_whole(path, text)
        except OSError as error:
            raise WorldFault(
                "WM-FILES-WRITE", f"{path} cannot be written: {error.strerror}.", hint="Check the folder's permissions."
            ) from None
        written.append(path)
    return tuple(written), tuple(kept)


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        # mkstemp makes files private; these hold no secrets and are meant to be shared.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
