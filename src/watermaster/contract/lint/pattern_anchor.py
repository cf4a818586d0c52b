"""Whether a pattern says how a text begins and how it ends.

Patterns are searched anywhere in a text: `[0-9]{4}` lets `x12345` pass, and `^a|b$` anchors each half at one end only.
"""

from __future__ import annotations

import re

_FLAGS = re.compile(r"^\(\?[imsU-]+\)")
_OPEN_ENDS = (".*", ".+")
"""Whoever writes these has thought of what stands around."""


def is_anchored(pattern: str) -> bool:
    """Whether every alternative has `^` (or `.*`) at its beginning and `$` (or `.*`) at its end."""
    pattern = _FLAGS.sub("", pattern)
    inside = _without_group(pattern)
    if inside is not None:
        return is_anchored(inside)
    return all(_begins(branch) and _ends(branch) for branch in _split(pattern))


def _begins(branch: str) -> bool:
    return branch.startswith(("^", *_OPEN_ENDS))


def _ends(branch: str) -> bool:
    if branch.endswith(_OPEN_ENDS):
        return True
    escapes = len(branch[:-1]) - len(branch[:-1].rstrip("\\"))
    return branch.endswith("$") and escapes % 2 == 0


def _without_group(pattern: str) -> str | None:
    """What is inside of the one group that is the whole pattern, if it is one."""
    opening = next((start for start in ("(?:", "(") if pattern.startswith(start)), None)
    if opening is None or (pattern.startswith("(?") and opening == "(") or not pattern.endswith(")"):
        return None
    depths = list(_depths(pattern))
    closed_early = 0 in depths[: len(pattern) - 1]
    return None if closed_early or depths[-1] != 0 else pattern[len(opening) : -1]


def _split(pattern: str) -> list[str]:
    """The alternatives outside of any group or class."""
    branches, start = [], 0
    for index, depth in enumerate(_depths(pattern)):
        if depth == 0 and pattern[index] == "|" and not _is_escaped(pattern, index):
            branches.append(pattern[start:index])
            start = index + 1
    return [*branches, pattern[start:]]


def _is_escaped(pattern: str, index: int) -> bool:
    before = pattern[:index]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _depths(pattern: str) -> list[int]:
    """For each character: in how many groups and classes one is after it."""
    depths: list[int] = []
    groups, in_class, escaped = 0, False, False
    for char in pattern:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            groups += 1 if char == "(" else -1
        depths.append(groups + in_class)
    return depths
