"""Where patterns of contracts (RE2, ASCII classes) and those of JSON Schema (ECMA-262) read the same, and where not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final


class Apart(Enum):
    """What a pattern holds that the two read differently."""

    SPELLING = "it means something else, or nothing, in the other dialect"
    WHITE_SPACE = "white space is that of ASCII here, and that of Unicode in ECMA-262"
    LINE_END = "a dot stands for all but a line feed here, and in ECMA-262 for all but the four ends of a line"
    UNICODE_CLASS = "classes of Unicode are part of ECMA-262 only in its Unicode mode"


_SHARED_ESCAPES: Final = frozenset("dDwWsSbBnrtfvcxu0")
_SPACES: Final = r"\t\n\f\r "
_QUANTIFIER: Final = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_EXACT: Final = {
    ".": r"[^\n]",
    r"\s": f"[{_SPACES}]",
    r"\S": f"[^{_SPACES}]",
    # Alone they stand for themselves, which the Unicode mode of ECMA-262 refuses.
    **{bracket: f"\\{bracket}" for bracket in "]{}"},
}
_LETTERS_OF_NAMES: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$"


def differences(pattern: str) -> frozenset[Apart]:
    """What the two dialects read differently; the pattern is one that `compile_pattern` takes."""
    found = {_difference(token, in_class=in_class) for token, in_class in _tokens(pattern)}
    return frozenset(apart for apart in found if apart is not None)


def as_ecma(pattern: str) -> str | None:
    """A pattern of ECMA-262 that finds what this one finds; None if there is none that is surely so."""
    apart = differences(pattern)
    if not apart <= {Apart.WHITE_SPACE, Apart.LINE_END}:
        return None
    parts = []
    tokens = list(_tokens(pattern))
    for index, (token, in_class) in enumerate(tokens):
        beside = {tokens[near][0] for near in (index - 1, index + 1) if 0 <= near < len(tokens)}
        if in_class and token in (r"\s", r"\S") and (token == r"\S" or "-" in beside):
            return None  # nothing can be taken out of a class, and what was no range could become one
        parts.append(_spelled(token, in_class=in_class))
    return "".join(parts)


def _spelled(token: str, *, in_class: bool) -> str:
    if in_class:
        return _SPACES if token == r"\s" else token
    return _EXACT.get(token, token)


def _difference(token: str, *, in_class: bool) -> Apart | None:
    if token[0] == "\\":
        letter = token[1:]
        if letter in ("s", "S"):
            return Apart.WHITE_SPACE
        if letter in ("p", "P"):
            return Apart.UNICODE_CLASS
        is_shared = letter in _SHARED_ESCAPES if letter.isascii() and letter.isalnum() else len(letter) == 1
        return None if is_shared else Apart.SPELLING
    if token.startswith("(?") and token[2:] != ":":
        return None if token[2:3] == "<" and token[3:] else Apart.SPELLING
    if token == "." and not in_class:
        return Apart.LINE_END
    return Apart.SPELLING if token.startswith("[:") else None


def _tokens(pattern: str) -> Iterator[tuple[str, bool]]:
    """Escapes, openings of groups and single characters, each with whether it stands inside of a class."""
    in_class, at = False, 0
    while at < len(pattern):
        token = _token(pattern, at, in_class=in_class)
        yield token, in_class
        if token == "[":
            in_class = True
        elif token == "]":
            in_class = False
        at += len(token)


def _token(pattern: str, at: int, *, in_class: bool) -> str:
    if pattern.startswith("\\x{", at):
        return "\\x{"
    if pattern[at] == "\\":
        return pattern[at : at + 2]
    if in_class:
        return "[:" if pattern.startswith("[:", at) else pattern[at]
    if pattern.startswith("(?<", at):
        # A group with a name; `(?<=` and `(?<!` look behind.
        return pattern[at : at + 4] if pattern[at + 3 : at + 4] in _LETTERS_OF_NAMES else "(?<"
    if pattern.startswith("(?", at):
        return pattern[at : at + 3]
    quantifier = _QUANTIFIER.match(pattern, at)
    return quantifier[0] if quantifier else pattern[at]
