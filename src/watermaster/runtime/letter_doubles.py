"""Letters that stand twice: who writes at least once may write a record's letter again, into another partition too.

Both have the coordinates of one source record and so are one hold. If their bytes differ, they are two records: the
source topic was deleted and made anew, and its offsets began again. Letters know names and no ids, so nobody can say
which of the two a state is about; it is counted and told, and the later one is left alone.
"""

from __future__ import annotations

from enum import Enum

from watermaster.quarantine.held import HeldRecord, QuarantineRecord
from watermaster.quarantine.letter import Dialect


class Sight(Enum):
    """What a letter is to those that were seen before it."""

    FIRST = "first"
    AGAIN = "again"
    CLASH = "clash"


class LetterDoubles:
    """Remembers the letters of one pass by hashes: about 150 bytes each. Two of ten million collide by chance of 1e-5.

    A gate writes each letter once, and what names no source is named by where it lies: both are always the first.
    """

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def see(self, held: HeldRecord, record: QuarantineRecord) -> Sight:
        """Take one letter in."""
        if held.dialect is Dialect.GATE or held.origin is None:
            return Sight.FIRST
        name, content = hash(held.key.encode()), hash((record.key, record.value))
        before = self._seen.get(name)
        if before is None:
            self._seen[name] = content
            return Sight.FIRST
        return Sight.AGAIN if before == content else Sight.CLASH
