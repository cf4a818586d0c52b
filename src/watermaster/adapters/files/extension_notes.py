"""Notes of extended retentions: one small JSON file for each topic, written whole and forced to the disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from watermaster.adapters.files.durable_file import write_durably
from watermaster.runtime.extend import ExtensionNote
from watermaster.stream.fault import WorldFault

VERSION: Final = 1
"""Of the form of a note; a later one is refused and not guessed at."""


class FileExtensionNotes:
    """Implements `runtime.extend.ExtensionNotes` in a directory, which is made when the first note is put."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def all(self) -> Sequence[ExtensionNote]:
        """Every note. Raises WorldFault WM-EXTEND-NOTE for a file that is none."""
        return [_read(path) for path in sorted(self._directory.glob("*.json"))]

    def put(self, note: ExtensionNote) -> None:
        """Write it; a crash leaves the old one or the new one."""
        write_durably(self._path(note), json.dumps(_plain(note), indent=2))

    def remove(self, note: ExtensionNote) -> None:
        """Remove its file."""
        self._path(note).unlink(missing_ok=True)

    def _path(self, note: ExtensionNote) -> Path:
        # Topic names may be longer than file names when a prefix is added, and cluster ids may hold a slash.
        digest = hashlib.sha256(f"{note.cluster_id}\0{note.topic}\0{note.topic_id}".encode()).hexdigest()[:32]
        return self._directory / f"{digest}.json"


def _plain(note: ExtensionNote) -> dict[str, Any]:
    return {
        "version": VERSION,
        "cluster_id": note.cluster_id,
        "topic": note.topic,
        "topic_id": note.topic_id,
        "before": dict(note.before),
        "ours": [dict(settings) for settings in note.ours],
        "extended_ms": note.extended_ms,
    }


def _read(path: Path) -> ExtensionNote:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["version"] == VERSION:
            return ExtensionNote(
                cluster_id=found["cluster_id"],
                topic=found["topic"],
                topic_id=found["topic_id"],
                before=dict(found["before"]),
                ours=tuple(dict(settings) for settings in found["ours"]),
                extended_ms=int(found["extended_ms"]),
            )
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise WorldFault(
        "WM-EXTEND-NOTE",
        f"{path} is no note of an extension that this version can read.",
        hint="Put it aside, and compare the topic's retention with what it says by hand.",
    )
