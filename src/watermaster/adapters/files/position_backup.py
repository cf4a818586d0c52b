"""Backups of positions: one JSON file for each reset, written whole and forced to the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from watermaster.adapters.files.durable_file import write_durably
from watermaster.runtime.observed import ObservedPosition
from watermaster.runtime.reset import Backup, Move
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault

VERSION: Final = 1
"""Of the form of a backup; a later one is refused and not guessed at."""


def write_backup(path: Path, backup: Backup) -> None:
    """Write it. Raises WorldFault WM-FILES-WRITE."""
    moves = [
        {
            "topic": move.source.topic,
            "partition": move.source.partition,
            "before": None if move.before is None else move.before.offset,
            "metadata": None if move.before is None else move.before.metadata,
            "after": move.after.offset,
        }
        for move in backup.moves
    ]
    content = {
        "version": VERSION,
        "cluster_id": backup.cluster_id,
        "group": backup.group_id,
        "taken_ms": backup.taken_ms,
        "moves": moves,
    }
    write_durably(path, json.dumps(content, indent=2))


def read_backup(path: Path) -> Backup:
    """Read it. Raises UsageFault WM-RESET-BACKUP for a file that is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["version"] == VERSION:
            moves = tuple(_move(each) for each in found["moves"])
            return Backup(str(found["cluster_id"]), str(found["group"]), moves, int(found["taken_ms"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UsageFault(
        "WM-RESET-BACKUP", f"{path} is no backup that this version can read.", hint="`reset` prints where it keeps it."
    )


def _move(found: dict[str, Any]) -> Move:
    before = None if found["before"] is None else ObservedPosition(int(found["before"]), str(found["metadata"]))
    source = TopicPartition(str(found["topic"]), int(found["partition"]))
    return Move(source, before, ObservedPosition(int(found["after"])))
