"""One held record for the eye: its value line by line, the fields that break marked, restricted ones masked. Pure.

Numbers are shown as they were written and names that stand twice stay twice, because that may be what is wrong. The
contract's fields are walked beside the value. What the contract classifies as more than internal is masked; where it
does so for any field, so is whatever it does not know (a restricted field under a misspelled name), and a value that
cannot be taken apart is not shown at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from watermaster.contract.checks import Checks, FieldCheck
from watermaster.contract.problem import join_path
from watermaster.gate.verdict import BrokenRule

OPEN_CLASSIFICATIONS: Final = frozenset({"", "public", "internal"})
"""Whatever else a contract calls a field, it means that not everybody may see it."""
MASK: Final = "•••"
VALUE_BYTES_MAX: Final = 256 * 1024
"""Of a value that is taken apart: a person reads a few pages."""
TEXT_BYTES_MAX: Final = 4 * 1024
"""Of a value that is no JSON, or too large."""
LINES_MAX: Final = 2_000
_INDENT: Final = "  "


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a value. `notes` say which rules break here; `masked` that its value is not shown."""

    text: str
    notes: tuple[str, ...] = ()
    masked: bool = False


class _Literal(str):
    """A number as it was written."""

    __slots__ = ()


class _Members(list[tuple[str, Any]]):
    """An object with its names in order, those that stand twice too."""


def is_restricted(check: FieldCheck) -> bool:
    """Whether the contract keeps this field, or any below it, from view."""
    below = [*check.properties, *(c for c in (check.items, check.map_key, check.map_value) if c is not None)]
    return _is_masked(check) or any(is_restricted(child) for child in below)


def is_guarded(checks: Checks) -> bool:
    """Whether the contract restricts anything of its records: then key and headers are not shown either."""
    key = checks.key.check
    return is_restricted(checks.value) or (key is not None and is_restricted(key))


def exhibit(value: bytes | None, broken: Sequence[BrokenRule], check: FieldCheck | None) -> list[Line]:
    """The lines of a value. `check` is the contract's whole value, None where there is no contract."""
    notes = _Notes(broken)
    whole = notes.take("$")
    if value is None:
        return [Line("null (a tombstone)", whole), *notes.left()]
    guarded = check is not None and is_restricted(check)
    read = _read(value)
    if isinstance(read, _Unread):
        text = "(not shown: the contract restricts fields, and these bytes cannot be taken apart)"
        return [Line(text if guarded else _as_text(value), whole, guarded), *notes.left()]
    walk = _Walk(notes, guarded=guarded)
    lines: list[Line] = []
    for line in walk.lines(read, check, "$", "", ""):
        if len(lines) == LINES_MAX:
            lines.append(Line("…"))
            break
        lines.append(line)
    lines[0] = Line(lines[0].text, whole + lines[0].notes, lines[0].masked)
    return [*lines, *notes.left()]


class _Notes:
    """What to say at which path; what no line took (a field that is missing) is said at the end."""

    def __init__(self, broken: Sequence[BrokenRule]) -> None:
        self._by_path: dict[str, list[str]] = {}
        for rule in broken:
            self._by_path.setdefault(rule.path, []).append(f"{rule.rule}: {rule.message}")

    def take(self, path: str) -> tuple[str, ...]:
        return tuple(self._by_path.pop(path, ()))

    def left(self) -> list[Line]:
        return [Line(f"{path}: not there, or not by this path", tuple(notes)) for path, notes in self._by_path.items()]


class _Walk:
    def __init__(self, notes: _Notes, *, guarded: bool) -> None:
        self._notes = notes
        self._guarded = guarded

    def lines(self, node: Any, check: FieldCheck | None, path: str, lead: str, tail: str) -> Iterator[Line]:  # noqa: ANN401 - any JSON
        """A node, `lead` before its first line and `tail` behind its last."""
        notes = self._notes.take(path) if path != "$" else ()
        if self._is_hidden(node, check):
            yield Line(lead + MASK + tail, notes, masked=True)
        elif isinstance(node, _Members) and node:
            yield from self._block("{}", lead, tail, notes, self._members(node, check, path, _blank(lead)))
        elif isinstance(node, list) and node:
            yield from self._block("[]", lead, tail, notes, self._items(node, check, path, _blank(lead)))
        else:
            yield Line(lead + _leaf(node) + tail, notes)

    def _is_hidden(self, node: Any, check: FieldCheck | None) -> bool:  # noqa: ANN401 - any JSON
        if check is None:
            return self._guarded
        # A plain value where restricted fields should stand: they may have been written another way.
        return _is_masked(check) or (not isinstance(node, list) and is_restricted(check))

    def _block(
        self, brackets: str, lead: str, tail: str, notes: tuple[str, ...], inside: Iterator[Line]
    ) -> Iterator[Line]:
        yield Line(lead + brackets[0], notes)
        yield from inside
        yield Line(_blank(lead) + brackets[1] + tail)

    def _members(self, node: _Members, check: FieldCheck | None, path: str, blank: str) -> Iterator[Line]:
        known = {child.name: child for child in check.properties} if check is not None else {}
        other = check.map_value if check is not None else None
        for index, (name, value) in enumerate(node):
            hidden = check is not None and check.map_key is not None and _is_masked(check.map_key)
            lead = f"{blank}{_INDENT}{MASK if hidden else json.dumps(name, ensure_ascii=False)}: "
            tail = "," if index < len(node) - 1 else ""
            yield from self.lines(value, known.get(name, other), join_path(path, name), lead, tail)

    def _items(self, node: list[Any], check: FieldCheck | None, path: str, blank: str) -> Iterator[Line]:
        for index, value in enumerate(node):
            tail = "," if index < len(node) - 1 else ""
            items = check.items if check is not None else None
            yield from self.lines(value, items, f"{path}[{index}]", blank + _INDENT, tail)


class _Unread:
    """The bytes are no JSON, or too many."""


def _read(value: bytes) -> Any:  # noqa: ANN401 - any JSON
    if len(value) > VALUE_BYTES_MAX:
        return _Unread()
    try:
        return json.loads(
            value.decode(),
            object_pairs_hook=_Members,
            parse_int=_Literal,
            parse_float=_Literal,
            parse_constant=_Literal,
        )
    except (ValueError, RecursionError):
        return _Unread()


def _leaf(node: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(node, _Literal):
        return str(node)
    if isinstance(node, list):
        return "{}" if isinstance(node, _Members) else "[]"
    return json.dumps(node, ensure_ascii=False)


def _as_text(value: bytes) -> str:
    shown = value[:TEXT_BYTES_MAX].decode(errors="backslashreplace")
    return shown if len(value) <= TEXT_BYTES_MAX else f"{shown}… ({len(value)} bytes)"


def _blank(lead: str) -> str:
    return " " * (len(lead) - len(lead.lstrip(" ")))


def hides(classification: str | None) -> bool:
    """Whether a field that is classified so is kept from view: what is not known to be open is closed."""
    return (classification or "").strip().lower() not in OPEN_CLASSIFICATIONS


def _is_masked(check: FieldCheck) -> bool:
    return hides(check.classification)
