"""The two ways of writing client properties, read into lines; what the keys mean is `client_properties`' part.

Java: `java.util.Properties` (separators `=`, `:` or blanks, `#` and `!` comments, `\\` escapes and continuations).
librdkafka: `key=value`, `#` comments, everything else literal, so that a backslash in a password stays one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from watermaster.adapters.kafka.secret import Secret

_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_BLANKS: Final = " \t\f"


@dataclass(frozen=True, slots=True)
class Property:
    """One entry; the value may be a password, so it is a secret until its key is known. `line` starts at 1."""

    key: str
    value: Secret
    line: int


def read_java(text: str) -> list[Property]:
    """Entries of a `java.util.Properties` file, in order. Raises `ValueError` for a broken `\\u` escape."""
    found = []
    for line, logical in _logical_lines(text):
        key, value = _split_java(logical)
        found.append(Property(_unescape(key), Secret(_unescape(value)), line))
    return found


def read_librdkafka(text: str) -> list[Property]:
    """Entries of a librdkafka (kcat) file, in order; a line without `=` becomes a key with an empty value."""
    found = []
    for line, raw in enumerate(text.splitlines(), start=1):
        stripped = raw.strip()
        if stripped and not stripped.startswith("#"):
            key, _, value = stripped.partition("=")
            found.append(Property(key.strip(), Secret(value.strip()), line))
    return found


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations joined, without comments and blank lines."""
    pending, start = "", 0
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        content = raw.lstrip(_BLANKS)
        if not pending:
            if not content or content[0] in "#!":
                continue
            start = number
        backslashes = len(content) - len(content.rstrip("\\"))
        if backslashes % 2:
            pending += content[:-1]
            # An empty continuation still has to be remembered as one.
            pending = pending or " "
            continue
        yield start, pending + content
        pending = ""
    if pending.strip():
        yield start, pending


def _split_java(logical: str) -> tuple[str, str]:
    """Key and value, still escaped: the key ends at the first unescaped separator."""
    position = 0
    while position < len(logical) and logical[position] not in _BLANKS + "=:":
        position += 2 if logical[position] == "\\" else 1
    key, rest = logical[:position], logical[position:].lstrip(_BLANKS)
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(_BLANKS)
    return key, rest


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char != "\\":
            out.append(char)
        elif text[position : position + 1] == "u":
            out.append(chr(int(text[position + 1 : position + 5].ljust(4, "?"), 16)))
            position += 5
        else:
            escaped = text[position : position + 1]
            out.append(_ESCAPES.get(escaped, escaped))
            position += 1
    return "".join(out)
