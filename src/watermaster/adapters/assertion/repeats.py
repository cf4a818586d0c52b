"""How many digests are there again: exact, in bounded memory, by dividing what does not fit by its next byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

DIGEST_BYTES: Final = 16
"""Of a keyed hash: two different values share one with a chance of about n² / 2^129, which is nothing."""
IN_MEMORY_MAX: Final = 1_000_000
"""Different digests in memory at once: about 100 MB of Python's objects."""
_BLOCK: Final = DIGEST_BYTES * 64 * 1024


def count_repeats(files: Sequence[Path], directory: Path, depth: int = 0, at_once: int = IN_MEMORY_MAX) -> int:
    """Digests beyond the first of each, over all files. Pieces of a division are made in `directory` and removed.

    Raises OSError. `at_once` (at least 1) bounds the different digests in memory, however often each is there. `depth`
    is the byte by which files were divided so far: equal digests never divide, so after the last byte there is one.
    """
    distinct = _distinct(files, at_once)
    if distinct is not None:
        return sum(file.stat().st_size for file in files) // DIGEST_BYTES - distinct
    pieces = _divide(files, directory, depth)
    try:
        return sum(count_repeats([piece], directory, depth + 1, at_once) for piece in pieces)
    finally:
        for piece in pieces:
            piece.unlink(missing_ok=True)


def _distinct(files: Sequence[Path], most: int) -> int | None:
    """How many different digests there are; None if more than `most`."""
    known: set[bytes] = set()
    for file in files:
        for digest in _digests(file):
            known.add(digest)
            if len(known) > most:
                return None
    return len(known)


def _digests(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            for start in range(0, len(block), DIGEST_BYTES):
                yield block[start : start + DIGEST_BYTES]


def _divide(files: Sequence[Path], directory: Path, depth: int) -> Sequence[Path]:
    """One piece for each byte that is there."""
    opened: dict[int, BinaryIO] = {}
    try:
        for file in files:
            for digest in _digests(file):
                byte = digest[depth]
                if byte not in opened:
                    opened[byte] = (directory / f"piece-{depth}.{byte}").open("wb")
                opened[byte].write(digest)
    finally:
        for stream in opened.values():
            stream.close()
    return [directory / f"piece-{depth}.{byte}" for byte in sorted(opened)]
