"""Names and texts in expressions of CEL that we write."""

from __future__ import annotations

import re
from typing import Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_WORDS: Final = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
     "namespace", "null", "package", "return", "true", "var", "void", "while"}
)  # fmt: skip


def is_cel_name(name: str) -> bool:
    """Whether a member can be written after a dot in CEL."""
    return _IDENTIFIER.fullmatch(name) is not None and name not in _WORDS


def cel_text(text: str) -> str:
    """A text as a literal of CEL."""
    return '"' + "".join(map(_escaped, text)) + '"'


def cel_has(name: str) -> str:
    """That the record has a member, which may be null."""
    return f"has(this.{name})" if is_cel_name(name) else f"{cel_text(name)} in this"


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"  # noqa: PLR2004 - CEL's two escapes
