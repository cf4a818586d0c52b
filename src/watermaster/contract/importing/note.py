"""What a JSON Schema says to people, for the description and the comments of a field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from watermaster.contract.importing.conjunction import Part
from watermaster.contract.importing.keyword import NOTES
from watermaster.contract.importing.schema_text import SchemaData

NOTE_CHARACTERS_MAX: Final = 200


def description_of(parts: Sequence[Part]) -> str:
    """The nearest description, else the nearest title: what stands beside a reference is nearer than its target."""
    for keyword in ("description", "title"):
        for part in reversed(parts):
            found = part.words.get(keyword)
            if isinstance(found, str) and found.strip():
                return found.strip()
    return ""


def notes_of(parts: Sequence[Part]) -> tuple[str, ...]:
    """Annotations as comments, one for each."""
    return tuple(dict.fromkeys(note for part in reversed(parts) for note in _notes(part)))


def _notes(part: Part) -> Iterator[str]:
    for keyword in NOTES:
        if keyword in part.words and part.words[keyword] is not False:
            yield f"{keyword.removeprefix('$')}: {shown(part.words[keyword])}"


def shown(value: SchemaData) -> str:
    """A value as JSON on one line, cut."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= NOTE_CHARACTERS_MAX else text[: NOTE_CHARACTERS_MAX - 1] + "…"
