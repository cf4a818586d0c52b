"""A first small contract for a JSON stream, from a few of its records.

Conservative on purpose: names at the top level, the logical types that were seen, and `required` only where every
record had the field and it was never null. It is a page to begin from; a few records prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from watermaster.runtime.value_format import json_document

API_VERSION: Final = "v3.2.0"
FIELDS_MAX: Final = 500
"""A record with more top-level names uses them as data (a map), which a draft cannot describe."""

_NAME_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class DraftField:
    """One top-level name; `logical_type` None means that records disagree, or that it was always null."""

    name: str
    logical_type: str | None
    required: bool


def draft_fields(values: Sequence[bytes | None]) -> tuple[DraftField, ...]:
    """Fields of the JSON objects among `values`, in the order of first sight."""
    documents = [document for value in values if value and isinstance(document := json_document(value), dict)]
    seen: dict[str, list[object]] = {}
    for document in documents:
        for name, value in document.items():
            if len(seen) < FIELDS_MAX and 0 < len(name) <= _NAME_CHARACTERS_MAX and name.isprintable():
                seen.setdefault(name, []).append(value)
    return tuple(_field(name, found, len(documents)) for name, found in seen.items())


def draft_contract(topic: str, trusted: str, values: Sequence[bytes | None]) -> str:
    """An ODCS document with comments. `topic` is where the records were seen, `trusted` their stream."""
    fields = draft_fields(values)
    sampled = sum(1 for value in values if value)
    return "\n".join(
        [
            f"# A first draft, from {sampled} recent records of {topic}. Read it, and make it say what must hold:",
            "# - `required` stands where each of those records had the field; a few records prove nothing.",
            "# - types are what was seen; ranges, patterns, enums and rules are for you to add.",
            "# - only names at the top level are listed; fields that are not listed are allowed.",
            f"# Then: watermaster gate --observe shows what it would hold of {topic}; nothing is written.",
            f"apiVersion: {API_VERSION}",
            "kind: DataContract",
            f"id: {quoted(contract_id(trusted))}",
            "version: 0.1.0",
            "status: draft",
            "schema:",
            f"  - name: {quoted(contract_id(trusted))}",
            f"    physicalName: {quoted(trusted)}",
            "    physicalType: topic",
            "    logicalType: object",
            *(["    properties:", *_property_lines(fields)] if fields else []),
            "",
        ]
    )


def contract_id(topic: str) -> str:
    """A topic's name as an id: letters, digits and dashes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", topic).strip("-") or "stream"


def quoted(text: str) -> str:
    """A text as a YAML scalar: plain where that is safe, else in double quotes."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", text) and text.lower() not in _YAML_WORDS:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_YAML_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def _property_lines(fields: Sequence[DraftField]) -> Iterator[str]:
    for field in fields:
        yield f"      - name: {quoted(field.name)}"
        if field.logical_type is not None:
            yield f"        logicalType: {field.logical_type}"
        if field.required:
            yield "        required: true"


def _field(name: str, values: Sequence[object], documents: int) -> DraftField:
    types = {_logical_type(value) for value in values if value is not None}
    if types == {"integer", "number"}:
        types = {"number"}
    logical_type = types.pop() if len(types) == 1 else None
    return DraftField(name, logical_type, len(values) == documents and None not in values)


def _logical_type(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
