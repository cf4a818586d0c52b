"""Places that a fix names: inside the value (`$.order.lines[*].price`), the key (`key`, `key.id`), or `header:NAME`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from watermaster.contract.problem import join_path
from watermaster.stream.coordinates import RESERVED_HEADER

STEPS_MAX: Final = 32
"""Deeper places are not written by hand."""
RESERVED_PREFIX: Final = RESERVED_HEADER
"""Names that begin so are ours, the coordinates and the facts of held records alike."""

_STEP: Final = re.compile(
    r"\.(?P<name>[^\W\d][\w-]*)|\[(?P<index>[0-9]{1,9})\]|\[(?P<every>\*)\]|"
    r"""\[(?:'(?P<single>(?:[^'\\]|\\['\\])+)'|"(?P<double>(?:[^"\\]|\\["\\])+)")\]"""
)
_ESCAPED: Final = re.compile(r"""\\(['"\\])""")


class Part(Enum):
    """Which part of a record."""

    VALUE = "value"
    KEY = "key"
    HEADER = "header"


class Every(Enum):
    """The step `[*]`."""

    ITEM = "[*]"


Step: TypeAlias = str | int | Every
"""A member by name, an item by index from 0, or every item."""


@dataclass(frozen=True, slots=True)
class Place:
    """`steps` lead into JSON; without any it is the whole part, as text. `header` names one where the part is."""

    part: Part
    steps: tuple[Step, ...] = ()
    header: str = ""

    @property
    def is_text(self) -> bool:
        """Whether the place is a whole key or header, whose bytes are a text and not JSON."""
        return not self.steps

    @property
    def is_many(self) -> bool:
        """Whether it may stand for several values of one record."""
        return Every.ITEM in self.steps

    def __str__(self) -> str:
        if self.part is Part.HEADER:
            return f"header:{self.header}"
        path = "$" if self.part is Part.VALUE else "key"
        for step in self.steps:
            path = f"{path}[*]" if isinstance(step, Every) else join_path(path, step)
        return path


@dataclass(frozen=True, slots=True)
class BadPlace:
    """Why a text names no place that a fix may touch."""

    message: str
    hint: str
    is_reserved: bool = False


_SHAPE_HINT: Final = "Write for instance $.total, $.lines[*].price, $['a b'], key, key.id or header:source."


def parse_place(text: str) -> Place | BadPlace:
    """Read a place."""
    if text.startswith("header:"):
        return _header(text.removeprefix("header:"))
    for prefix, part in (("$", Part.VALUE), ("key", Part.KEY)):
        if text.startswith(prefix):
            steps = _steps(text[len(prefix) :])
            if steps is None:
                break
            if not steps and part is Part.VALUE:
                return BadPlace("a fix does not replace a whole value", "Name a member, for instance $.total.")
            return Place(part, steps)
    return BadPlace("it names no place", _SHAPE_HINT)


def _header(name: str) -> Place | BadPlace:
    if not name:
        return BadPlace("a header needs a name", _SHAPE_HINT)
    if name.startswith(RESERVED_PREFIX):
        return BadPlace(
            "the reserved headers say where a record comes from, and no fix may touch them",
            "Choose another header.",
            is_reserved=True,
        )
    return Place(Part.HEADER, (), name)


def _steps(text: str) -> tuple[Step, ...] | None:
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or len(steps) == STEPS_MAX:
            return None
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["every"] is not None:
        return Every.ITEM
    if found["index"] is not None:
        return int(found["index"])
    quoted = found["single"] or found["double"]
    return found["name"] if quoted is None else _ESCAPED.sub(r"\1", quoted)
