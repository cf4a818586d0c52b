"""What a fix changes, line by line for the eye: restricted fields masked as everywhere, unchanged lines left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Final

from watermaster.contract.checks import Checks
from watermaster.quarantine.exhibit import MASK, exhibit, is_guarded
from watermaster.quarantine.held import OriginalRecord

LINES_MAX: Final = 40
"""Of one record's difference; a person looks at a few."""
_COMPARED_MAX: Final = 400
"""Lines of a value that are compared: the comparison may take the square of it."""
_TEXT_BYTES_MAX: Final = 200


class Side(Enum):
    """Where a line stands."""

    BEFORE = "-"
    AFTER = "+"
    NOTE = " "


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """One line that is only before, or only after, or says something about both."""

    side: Side
    text: str


def difference(before: OriginalRecord, after: OriginalRecord, checks: Checks | None) -> list[DifferenceLine]:
    """The lines that differ. `checks` say what is restricted; None shows everything."""
    lines = [*_value_lines(before, after, checks), *_text_lines(before, after, checks)]
    if not lines and (before.value, before.key, before.headers) != (after.value, after.key, after.headers):
        return [DifferenceLine(Side.NOTE, "only fields change that the contract restricts, or blanks and spellings")]
    if len(lines) > LINES_MAX:
        return [*lines[:LINES_MAX], DifferenceLine(Side.NOTE, f"… {len(lines) - LINES_MAX} lines more")]
    return lines


def _value_lines(before: OriginalRecord, after: OriginalRecord, checks: Checks | None) -> Iterator[DifferenceLine]:
    if before.value == after.value:
        return
    check = checks.value if checks is not None else None
    old = [line.text for line in exhibit(before.value, (), check)[:_COMPARED_MAX]]
    new = [line.text for line in exhibit(after.value, (), check)[:_COMPARED_MAX]]
    for tag, old_start, old_end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from (DifferenceLine(Side.BEFORE, line) for line in old[old_start:old_end])
            yield from (DifferenceLine(Side.AFTER, line) for line in new[new_start:new_end])


def _text_lines(before: OriginalRecord, after: OriginalRecord, checks: Checks | None) -> Iterator[DifferenceLine]:
    guarded = checks is not None and is_guarded(checks)
    if before.key != after.key:
        yield DifferenceLine(Side.BEFORE, f"key: {_shown(before.key, guarded=guarded)}")
        yield DifferenceLine(Side.AFTER, f"key: {_shown(after.key, guarded=guarded)}")
    for name, value in before.headers:
        if (name, value) not in after.headers:
            yield DifferenceLine(Side.BEFORE, f"header {name}: {_shown(value, guarded=guarded)}")
    for name, value in after.headers:
        if (name, value) not in before.headers:
            yield DifferenceLine(Side.AFTER, f"header {name}: {_shown(value, guarded=guarded)}")


def _shown(data: bytes | None, *, guarded: bool) -> str:
    if data is None:
        return "null"
    return MASK if guarded else data[:_TEXT_BYTES_MAX].decode(errors="backslashreplace")
