"""YAML text into JSON-compatible data that knows where each part stands.

Scalars are read by the core schema of YAML 1.2, not by YAML 1.1 as most Python tools do: `no`, `on` and `y` stay
texts (a country code NO is no boolean), `2024-01-01` and `12:30` stay texts (the official schema knows no dates), and
`010` is ten. What JSON cannot carry exactly (`.nan`, more digits than a double keeps) is a problem instead of a guess.
There are no merge keys and no tags that make objects. Aliases share the anchor's data, and what they would expand to
counts against the limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import isinf
from typing import TYPE_CHECKING, TypeAlias

import yaml

from watermaster.contract.problem import PROBLEMS_MAX, Position, Problem, ProblemCode, join_path, quoted

if TYPE_CHECKING:
    from yaml.events import Event

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

DEPTH_MAX = 64
"""Nesting of the document; a property inside a property costs two, so this is thirty levels of objects."""
NODES_MAX = 100_000
"""Values after aliases are expanded: a contract of five thousand fields has about half of it."""
NUMBER_CHARACTERS_MAX = 400
"""Longer literals cost quadratic time, and no contract means them."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TAG_PREFIX = "tag:yaml.org,2002:"
_ENCODINGS = (
    (b"\xef\xbb\xbf", "starts with a byte order mark"),
    (b"\xff\xfe", "is UTF-16 or UTF-32"),
    (b"\xfe\xff", "is UTF-16"),
    (b"\x00\x00\xfe\xff", "is UTF-32"),
)
_ADVICE = {
    "mapping values are not allowed": "A text that contains ': ' needs quotes; or the indentation is off.",
    "could not find expected ':'": "A key needs a colon and a space after it.",
    "did not find expected key": "The indentation is off, or a quote is missing.",
    "did not find expected '-'": "The items of a list must stand in one column.",
    "found unexpected end of stream": "A quote or bracket is opened and never closed.",
    "found character that cannot start": "A text that starts with this sign needs quotes.",
}


@dataclass(frozen=True, slots=True)
class YamlResult:
    """Data with the positions of its parts by JSON path; `data` is None if the text could not be read at all."""

    data: Json
    positions: Mapping[str, Position]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Measured:
    """A value with the number of values in it and its height, so that an alias costs what it expands to."""

    data: Json
    nodes: int = 1
    height: int = 0


class _Unreadable(Exception):
    """Ends the walk; never leaves this module."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_yaml(data: bytes, source: str) -> YamlResult:
    """Read one YAML document. Never raises: what is wrong comes out as problems."""
    reading = _Reading(source)
    try:
        text = _decode(data, source)
        try:
            value = reading.document(yaml.parse(text, Loader=_LOADER))
        except yaml.MarkedYAMLError as error:
            raise _Unreadable(_syntax(error, text, source)) from error
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            message = "the text is no YAML: it has an escape that names no character"
            raise _Unreadable(Problem(ProblemCode.YAML_SYNTAX, message, source=source)) from error
    except _Unreadable as stop:
        return YamlResult(None, reading.positions, (*reading.problems, stop.problem))
    return YamlResult(value, reading.positions, tuple(reading.problems))


def _decode(data: bytes, source: str) -> str:
    for mark, what in _ENCODINGS:
        if data.startswith(mark):
            message = f"the file {what}"
            raise _Unreadable(
                Problem(ProblemCode.YAML_ENCODING, message, "Save it as UTF-8 without byte order mark.", source, 1, 1)
            )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode("utf-8"))
        raise _Unreadable(
            Problem(ProblemCode.YAML_ENCODING, "the text is not UTF-8", "Save it as UTF-8.", source, line, column)
        ) from error
    strange = _NOT_PRINTABLE.search(text)
    if strange is not None:
        line, column = _place(text[: strange.start()])
        message = f"YAML does not allow the character U+{ord(strange[0]):04X}"
        raise _Unreadable(Problem(ProblemCode.YAML_ENCODING, message, "Remove it.", source, line, column))
    return text


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _syntax(error: yaml.MarkedYAMLError, text: str, source: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.split("\n")
    for number in (line, line - 1):
        content = lines[number - 1] if 0 < number <= len(lines) else ""
        indent = content[: len(content) - len(content.lstrip())]
        if "\t" in indent:
            message, hint = "a tab indents this line", "YAML wants spaces: replace each tab by two."
            return Problem(ProblemCode.YAML_TAB, message, hint, source, number, indent.index("\t") + 1)
    what = error.problem or "it cannot be read"
    hint = next((advice for start, advice in _ADVICE.items() if what.startswith(start)), "")
    return Problem(ProblemCode.YAML_SYNTAX, f"the text is no YAML: {what}", hint, source, line, column)


@dataclass(slots=True)
class _Reading:
    """One walk over the events of a document."""

    source: str
    positions: dict[str, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, _Measured] = field(default_factory=dict)
    nodes: int = 0

    def document(self, events: Iterator[Event]) -> Json:
        value: Json = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    hint = "Keep one contract in one file, without `---` between parts."
                    raise self.stop(ProblemCode.YAML_DOCUMENTS, "the file holds several documents", hint, "$", event)
            elif not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                self.positions["$"] = _position(event)
                value = self.value(event, events, "$", 0).data
        return value

    def value(self, event: Event, events: Iterator[Event], path: str, depth: int) -> _Measured:
        if depth > DEPTH_MAX:
            message = f"the document nests deeper than {DEPTH_MAX} levels"
            raise self.stop(ProblemCode.YAML_DEPTH, message, "Flatten it.", path, event)
        match event:
            case yaml.AliasEvent():
                return self.alias(event, path, depth)
            case yaml.ScalarEvent():
                read = _Measured(self.scalar(event, path))
            case yaml.SequenceStartEvent():
                read = self.sequence(event, events, path, depth)
            case _:
                read = self.mapping(event, events, path, depth)
        self.count(1, path, event)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self.anchors[anchor] = read
        return read

    def alias(self, event: Event, path: str, depth: int) -> _Measured:
        name = getattr(event, "anchor", "")
        read = self.anchors.get(name)
        if read is None:
            message = f"the alias *{name} names no anchor that is complete before it"
            raise self.stop(ProblemCode.YAML_ALIAS, message, f"Set &{name} on an earlier value.", path, event)
        if depth + read.height > DEPTH_MAX:
            message = f"with its aliases expanded the document nests deeper than {DEPTH_MAX} levels"
            raise self.stop(ProblemCode.YAML_DEPTH, message, "Flatten it.", path, event)
        self.count(read.nodes, path, event)
        return read

    def count(self, nodes: int, path: str, event: Event) -> None:
        self.nodes += nodes
        if self.nodes > NODES_MAX:
            message = f"the document holds more than {NODES_MAX} values, aliases expanded"
            raise self.stop(ProblemCode.YAML_NODES, message, "Split the contract, or use fewer aliases.", path, event)

    def sequence(self, event: Event, events: Iterator[Event], path: str, depth: int) -> _Measured:
        self.allow_tag(event, "seq", path)
        items: list[Json] = []
        nodes, height = 1, 0
        for child in events:
            if isinstance(child, yaml.SequenceEndEvent):
                break
            place = join_path(path, len(items))
            self.positions[place] = _position(child)
            read = self.value(child, events, place, depth + 1)
            items.append(read.data)
            nodes, height = nodes + read.nodes, max(height, read.height + 1)
        return _Measured(items, nodes, height)

    def mapping(self, event: Event, events: Iterator[Event], path: str, depth: int) -> _Measured:
        self.allow_tag(event, "map", path)
        entries: dict[str, Json] = {}
        nodes, height = 1, 0
        for key_event in events:
            if isinstance(key_event, yaml.MappingEndEvent):
                break
            key = self.key(key_event, path)
            place = join_path(path, key)
            if key in entries:
                first = self.positions[place]
                hint = f"Keep one; the first stands in line {first.line}."
                self.note(
                    ProblemCode.YAML_DUPLICATE_KEY, f"the key {quoted(key)} is given twice", hint, place, key_event
                )
            self.positions.setdefault(place, _position(key_event))
            read = self.value(next(events), events, place, depth + 1)
            entries.setdefault(key, read.data)
            nodes, height = nodes + read.nodes, max(height, read.height + 1)
        return _Measured(entries, nodes, height)

    def key(self, event: Event, path: str) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            message = "a key is a list, a mapping or an alias"
            raise self.stop(ProblemCode.YAML_KEY, message, "Keys are plain texts.", path, event)
        if event.value == "<<" and event.implicit[0]:
            message, hint = "merge keys (`<<`) are not part of YAML 1.2", "Write the keys out."
            self.note(ProblemCode.YAML_MERGE, message, hint, path, event)
            return "<<"
        key = self.scalar(event, path)
        if isinstance(key, str):
            return key
        self.note(ProblemCode.YAML_KEY, f"the key {quoted(event.value)} is no text", "Put it in quotes.", path, event)
        return event.value

    def scalar(self, event: yaml.ScalarEvent, path: str) -> Json:
        text = event.value
        self.allow_tag(event, "str int float bool null", path)
        if any("\ud800" <= character <= "\udfff" for character in text):
            message, hint = "the text holds half of a surrogate pair", "Write the character itself, or \\UXXXXXXXX."
            self.note(ProblemCode.YAML_TEXT, message, hint, path, event)
            return text.encode("utf-8", "replace").decode("utf-8")
        tag = event.tag or ""
        if tag in (f"{_TAG_PREFIX}str", "!") or (not tag and not event.implicit[0]):
            return text
        return self.plain(text, path, event)

    def plain(self, text: str, path: str, event: Event) -> Json:
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if not (_INTEGER.fullmatch(text) or _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text)):
            return text
        number = _number(text)
        if number is None:
            message = f"{quoted(text)} cannot be kept exactly as a JSON number"
            self.note(ProblemCode.YAML_NUMBER, message, "Write fewer digits, or quotes for a text.", path, event)
        return number

    def allow_tag(self, event: Event, names: str, path: str) -> None:
        tag = getattr(event, "tag", None)
        if tag in (None, "!") or tag in {_TAG_PREFIX + name for name in names.split()}:
            return
        self.note(ProblemCode.YAML_TAG, f"the tag {quoted(tag)} is not read", "Remove it.", path, event)

    def note(self, code: ProblemCode, message: str, hint: str, path: str, event: Event) -> None:
        place = _position(event)
        self.problems.append(Problem(code, message, hint, self.source, place.line, place.column, path))
        if len(self.problems) >= PROBLEMS_MAX:
            raise self.stop(ProblemCode.YAML_SYNTAX, "too many problems to go on", "Mend these first.", path, event)

    def stop(self, code: ProblemCode, message: str, hint: str, path: str, event: Event) -> _Unreadable:
        place = _position(event)
        return _Unreadable(Problem(code, message, hint, self.source, place.line, place.column, path))


def _position(event: Event) -> Position:
    mark = getattr(event, "start_mark", None)
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _number(text: str) -> int | float | None:
    """The exact number, or None if a double would change it (integers have no such limit but their length)."""
    if len(text) > NUMBER_CHARACTERS_MAX or _NOT_FINITE.fullmatch(text):
        return None
    if _INTEGER.fullmatch(text):
        return int(text) if text.lstrip("+-").isdigit() else int(text, 0)
    value = float(text)
    return None if isinf(value) or Decimal(repr(value)) != Decimal(text) else value
