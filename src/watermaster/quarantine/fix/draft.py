"""A record while a fix works on it: values are looked for, replaced, added and taken away by place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec.structs import replace

from watermaster.gate import frame
from watermaster.quarantine.fix.json_text import Slot
from watermaster.quarantine.fix.place import Part, Place
from watermaster.quarantine.fix.scalar import NULL, fragment_of_text, text_of_fragment
from watermaster.quarantine.fix.span import (
    Edit,
    Spot,
    add_member,
    find_spots,
    remove_slot,
    replace_name,
    splice,
)
from watermaster.quarantine.fix.trouble import Trouble
from watermaster.quarantine.held import OriginalRecord

GROWTH_BYTES_MAX: Final = 16 * 1024 * 1024
"""New bytes of one step: a large constant at many places would grow a record without bound."""

Renew: TypeAlias = Callable[[bytes], bytes | Trouble]
"""The new fragment for an old one."""

Make: TypeAlias = Callable[[], bytes | Trouble]
"""A fragment that is made when it is needed."""

_TOO_LARGE: Final = Trouble(f"the step would write more than {GROWTH_BYTES_MAX} bytes")
NAMES_SCHEMA: Final = Trouble(
    "it names a schema of a registry (Avro, or JSON behind a frame), and fixes change plain JSON alone"
)
_TAKEN: Final = Trouble("something of the new name is there already")


@dataclass(frozen=True, slots=True)
class _Spots:
    """JSON text of a part with the spots that a place names in it."""

    text: bytes
    spots: list[Spot]

    def edited(self, edits: list[Edit]) -> bytes | Trouble:
        if sum(len(edit.new) for edit in edits) > GROWTH_BYTES_MAX:
            return _TOO_LARGE
        return splice(self.text, edits) if edits else self.text


def renew(record: OriginalRecord, place: Place, change: Renew) -> OriginalRecord | Trouble:
    """Change every value that is there."""
    if place.is_text:
        return _renew_text(record, place, change)
    found = _find(record, place)
    if not isinstance(found, _Spots):
        return found or record
    edits: list[Edit] = []
    for spot in found.spots:
        if spot.slot is None:
            continue
        old = found.text[spot.slot.value : spot.slot.end]
        new = change(old)
        if isinstance(new, Trouble):
            return new
        if new != old:
            edits.append(Edit(spot.slot.value, spot.slot.end, new))
    return _with_json(record, place, found.edited(edits))


def put(record: OriginalRecord, place: Place, source: Make, *, keeps: bool) -> OriginalRecord | Trouble:
    """Write a value where one is, or where it is missing and its object is there; `keeps` writes over nulls only.

    The value is asked for only if it is written somewhere.
    """
    if place.is_text:
        return _put_text(record, place, source, keeps=keeps)
    found = _find(record, place)
    if not isinstance(found, _Spots):
        return found or record
    spots = [spot for spot in found.spots if spot.slot is None or not keeps or _is_null(found.text, spot.slot)]
    if not spots:
        return record
    fragment = source()
    if isinstance(fragment, Trouble):
        return fragment
    edits = [_written(found.text, spot, str(place.steps[-1]), fragment) for spot in spots]
    return _with_json(record, place, found.edited(edits))


def _is_null(text: bytes, slot: Slot) -> bool:
    return text[slot.value : slot.end] == NULL


def _written(text: bytes, spot: Spot, name: str, fragment: bytes) -> Edit:
    slot = spot.slot
    if slot is None:
        return add_member(text, spot.inside, name, fragment)
    return Edit(slot.value, slot.end, fragment)


def remove(record: OriginalRecord, place: Place) -> OriginalRecord | Trouble:
    """Take away what is there."""
    if place.part is Part.HEADER:
        kept = [header for header in record.headers if header[0] != place.header]
        return record if len(kept) == len(record.headers) else replace(record, headers=kept)
    if place.is_text:
        return replace(record, key=None)
    found = _find(record, place)
    if not isinstance(found, _Spots):
        return found or record
    edits = [edit for spot in found.spots if (edit := remove_slot(spot)) is not None]
    return _with_json(record, place, found.edited(edits))


def rename(record: OriginalRecord, place: Place, name: str) -> OriginalRecord | Trouble:
    """Give members or a header another name, where they stand."""
    if place.part is Part.HEADER:
        return _rename_header(record, place.header, name)
    if place.steps[-1] == name:
        return record
    found = _find(record, place)
    if not isinstance(found, _Spots):
        return found or record
    taken = find_spots(found.text, (*place.steps[:-1], name))
    if isinstance(taken, Trouble):
        return taken
    taken_in = {spot.inside.start for spot in taken if spot.index is not None}
    edits = [edit for spot in found.spots if (edit := replace_name(spot, name)) is not None]
    if any(spot.index is not None and spot.inside.start in taken_in for spot in found.spots):
        return _TAKEN
    return _with_json(record, place, found.edited(edits))


def find_fragments(record: OriginalRecord, place: Place) -> list[bytes] | Trouble:
    """The values that are there; a null key is a null, a null value of a record has nothing in it."""
    if place.is_text:
        fragments = [fragment_of_text(text) for text in _texts(record, place)]
        trouble = next((one for one in fragments if isinstance(one, Trouble)), None)
        return trouble or [one for one in fragments if isinstance(one, bytes)]
    found = _find(record, place)
    if not isinstance(found, _Spots):
        return found or []
    return [found.text[slot.value : slot.end] for spot in found.spots if (slot := spot.slot) is not None]


def can_add(record: OriginalRecord, place: Place) -> bool | Trouble:
    """Whether the place is free and there is something to put it into."""
    if place.part is Part.HEADER:
        return not _texts(record, place)
    if place.is_text:
        return record.key is None
    found = _find(record, place)
    if not isinstance(found, _Spots):
        return found or False
    return bool(found.spots) and all(spot.index is None for spot in found.spots)


def _find(record: OriginalRecord, place: Place) -> _Spots | Trouble | None:
    """None where the part is null."""
    text = record.value if place.part is Part.VALUE else record.key
    if text is None:
        return None
    spots = find_spots(text, place.steps)
    if isinstance(spots, Trouble):
        return NAMES_SCHEMA if names_schema(record, place.part) else spots
    return _Spots(text, spots)


def names_schema(record: OriginalRecord, part: Part) -> bool:
    """Whether the value or key names a schema of a registry: then it is no text that could be edited."""
    content = record.value if part is Part.VALUE else record.key
    framed = frame.Part.VALUE if part is Part.VALUE else frame.Part.KEY
    return content is not None and isinstance(frame.read_frame(framed, content, record.headers), frame.Frame)


def _with_json(record: OriginalRecord, place: Place, text: bytes | Trouble) -> OriginalRecord | Trouble:
    if isinstance(text, Trouble):
        return text
    return replace(record, value=text) if place.part is Part.VALUE else replace(record, key=text)


def _texts(record: OriginalRecord, place: Place) -> list[bytes | None]:
    if place.part is Part.KEY:
        return [record.key]
    return [value for name, value in record.headers if name == place.header]


def _renew_text(record: OriginalRecord, place: Place, change: Renew) -> OriginalRecord | Trouble:
    if place.part is Part.KEY:
        key = _changed(record.key, change)
        return key if isinstance(key, Trouble) else replace(record, key=key)
    headers: list[tuple[str, bytes | None]] = []
    for name, value in record.headers:
        new = _changed(value, change) if name == place.header else value
        if isinstance(new, Trouble):
            return new
        headers.append((name, new))
    return replace(record, headers=headers)


def _changed(text: bytes | None, change: Renew) -> bytes | Trouble | None:
    fragment = fragment_of_text(text)
    if isinstance(fragment, Trouble):
        return fragment
    new = change(fragment)
    if isinstance(new, Trouble):
        return new
    return text if new == fragment else text_of_fragment(new)


def _put_text(record: OriginalRecord, place: Place, source: Make, *, keeps: bool) -> OriginalRecord | Trouble:
    texts = _texts(record, place)
    if keeps and None not in texts and texts:
        return record
    fragment = source()
    text = fragment if isinstance(fragment, Trouble) else text_of_fragment(fragment)
    if isinstance(text, Trouble):
        return text
    if place.part is Part.KEY:
        return replace(record, key=text)
    if not texts:
        return replace(record, headers=[*record.headers, (place.header, text)])
    headers = [
        (name, text if name == place.header and (value is None or not keeps) else value)
        for name, value in record.headers
    ]
    return replace(record, headers=headers)


def _rename_header(record: OriginalRecord, old: str, new: str) -> OriginalRecord | Trouble:
    names = [name for name, _ in record.headers]
    if old not in names or old == new:
        return record
    if new in names:
        return _TAKEN
    return replace(record, headers=[(new if name == old else name, value) for name, value in record.headers])
