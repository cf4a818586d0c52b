"""What a person hears of an index of held records while it is read: on standard error, beside what was asked for."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from watermaster.cli.output import inert

if TYPE_CHECKING:
    from watermaster.runtime.hold_index import IndexProgress

_EVERY_S: Final = 1.0
_EVERY_S_IN_A_FILE: Final = 30.0


def told_beside(sentence: str) -> None:
    """A sentence that is no part of the answer."""
    sys.stderr.write(inert(sentence) + "\n")
    sys.stderr.flush()


class IndexLine:
    """How far the index is: one line on a terminal, renewed each second; in a file a line now and then."""

    def __init__(self) -> None:
        self._began_s = self._shown_s = time.monotonic()
        self._is_terminal = sys.stderr.isatty()

    def show(self, progress: IndexProgress) -> None:
        """Say it, unless it was just said."""
        now_s = time.monotonic()
        if now_s - self._shown_s < (_EVERY_S if self._is_terminal else _EVERY_S_IN_A_FILE):
            return
        self._shown_s = now_s
        rate = progress.done / (now_s - self._began_s)
        line = f"Indexing: {progress.done:,} of {progress.todo:,} offsets, {rate:,.0f}/s"
        sys.stderr.write(f"\r{line}\033[K\r" if self._is_terminal else f"{line}\n")
        sys.stderr.flush()
