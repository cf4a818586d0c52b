"""JSON as text with spans: what stands where, without building values.

The reader is lenient where leniency does no harm: bytes inside strings are not decoded, names may stand twice, and
words such as `NaN` are taken as what they are, because a fix may be about just that. Brackets, commas, colons and the
end of the text are not negotiable.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from watermaster.quarantine.fix.trouble import Trouble

DEPTH_MAX: Final = 100
"""Far beyond what any contract lets pass by default (64), far below the interpreter's recursion limit."""

_BLANK: Final = re.compile(rb"[ \t\r\n]*+")
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_WORD: Final = re.compile(rb"[-+.0-9A-Za-z_]++")
_QUOTE, _OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_ARRAY, _CLOSE_ARRAY, _COMMA, _COLON = b'"{}[],:'

NOT_JSON: Final = Trouble("the text is no JSON")
TOO_DEEP: Final = Trouble(f"the text nests deeper than {DEPTH_MAX} levels")


class Slot(NamedTuple):
    """One member of an object or one item of an array, as offsets into the text.

    `start` is where the name begins (of an item: the value), `name_end` where the name ends, `value` and `end` enclose
    the value.
    """

    start: int
    name_end: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class Container:
    """An object or array in the text: `[start, end)` with brackets, and what is in it in order."""

    is_object: bool
    start: int
    end: int
    slots: tuple[Slot, ...]


class _Broken(Exception):
    """Ends the walk; never leaves this module."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


def find_root(text: bytes) -> int | Trouble:
    """Where the one value of the text begins; the whole text is walked, so that it is known to be one."""
    try:
        start = _skip_blank(text, 0)
        end = _skip_blank(text, _skip_value(text, start, 0))
    except _Broken as broken:
        return broken.trouble
    return start if end == len(text) else NOT_JSON


def read_container(text: bytes, at: int) -> Container | None:
    """The object or array that begins at `at`, in a text that `find_root` has accepted; None for other values."""
    if text[at] not in (_OPEN_OBJECT, _OPEN_ARRAY):
        return None
    slots: list[Slot] = []
    end = _walk(text, at, 0, slots)
    return Container(text[at] == _OPEN_OBJECT, at, end, tuple(slots))


def read_name(text: bytes, slot: Slot) -> str | None:
    """The name of a member; None where its bytes are no text."""
    return read_text(text[slot.start : slot.name_end])


def read_text(fragment: bytes) -> str | None:
    """The text that a JSON string is; None where its bytes are none."""
    try:
        text = json.loads(fragment)
        if isinstance(text, str):
            text.encode()  # half of a surrogate pair could not be written again
            return text
    except (ValueError, RecursionError):
        pass
    return None


def write_text(text: str) -> bytes:
    """A JSON string. Characters stand for themselves wherever JSON allows it."""
    return json.dumps(text, ensure_ascii=False).encode()


def _skip_blank(text: bytes, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()


def _skip_value(text: bytes, at: int, depth: int) -> int:
    if at >= len(text):
        raise _Broken(NOT_JSON)
    if text[at] in (_OPEN_OBJECT, _OPEN_ARRAY):
        return _walk(text, at, depth, None)
    found = _STRING.match(text, at) or _WORD.match(text, at)
    if found is None:
        raise _Broken(NOT_JSON)
    return found.end()


def _walk(text: bytes, at: int, depth: int, slots: list[Slot] | None) -> int:
    """The end of a container; adds its slots where they are asked for."""
    if depth >= DEPTH_MAX:
        raise _Broken(TOO_DEEP)
    is_object = text[at] == _OPEN_OBJECT
    closing = _CLOSE_OBJECT if is_object else _CLOSE_ARRAY
    at = _skip_blank(text, at + 1)
    if at < len(text) and text[at] == closing:
        return at + 1
    while True:
        slot = _read_slot(text, at, depth, is_object=is_object)
        if slots is not None:
            slots.append(slot)
        at = _skip_blank(text, slot.end)
        if at < len(text) and text[at] == closing:
            return at + 1
        if at >= len(text) or text[at] != _COMMA:
            raise _Broken(NOT_JSON)
        at = _skip_blank(text, at + 1)


def _read_slot(text: bytes, at: int, depth: int, *, is_object: bool) -> Slot:
    if not is_object:
        return Slot(at, at, at, _skip_value(text, at, depth + 1))
    name = _STRING.match(text, at)
    if name is None:
        raise _Broken(NOT_JSON)
    colon = _skip_blank(text, name.end())
    if colon >= len(text) or text[colon] != _COLON:
        raise _Broken(NOT_JSON)
    value = _skip_blank(text, colon + 1)
    return Slot(at, name.end(), value, _skip_value(text, value, depth + 1))
