"""Finding places in JSON text, and replacing just their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from watermaster.quarantine.fix.json_text import Container, Slot, find_root, read_container, read_name, write_text
from watermaster.quarantine.fix.place import Every, Step
from watermaster.quarantine.fix.trouble import Trouble

MATCHES_MAX: Final = 10_000
"""Values that one step may touch in one record: bounds the work and the number of edits."""

_TWICE: Final = Trouble("the name stands there twice, so which one is meant cannot be told")
_MANY: Final = Trouble(f"the place stands for more than {MATCHES_MAX} values")


class Edit(NamedTuple):
    """Replace `[start, end)` of a text."""

    start: int
    end: int
    new: bytes


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a text: the container, and the number of its slot; None where the object lacks the member."""

    inside: Container
    index: int | None

    @property
    def slot(self) -> Slot | None:
        """The slot, if it is there."""
        return None if self.index is None else self.inside.slots[self.index]


def find_spots(text: bytes, steps: Sequence[Step]) -> list[Spot] | Trouble:
    """Where `steps` lead: nothing where the way is not there, the lacking member where only its last step is not."""
    root = find_root(text)
    if isinstance(root, Trouble):
        return root
    starts = [root]
    for step in steps[:-1]:
        spots = _follow(text, starts, step)
        if isinstance(spots, Trouble):
            return spots
        starts = [spot.inside.slots[spot.index].value for spot in spots if spot.index is not None]
    return _follow(text, starts, steps[-1])


def _follow(text: bytes, starts: Sequence[int], step: Step) -> list[Spot] | Trouble:
    spots: list[Spot] = []
    for start in starts:
        container = read_container(text, start)
        found = [] if container is None else _enter(text, container, step)
        if isinstance(found, Trouble):
            return found
        spots += found
        if len(spots) > MATCHES_MAX:
            return _MANY
    return spots


def _enter(text: bytes, container: Container, step: Step) -> list[Spot] | Trouble:
    if isinstance(step, str):
        return _member(text, container, step) if container.is_object else []
    if container.is_object:
        return []
    if isinstance(step, Every):
        return [Spot(container, index) for index in range(len(container.slots))]
    return [Spot(container, step)] if step < len(container.slots) else []


def _member(text: bytes, container: Container, name: str) -> list[Spot] | Trouble:
    plain = write_text(name)
    found = [index for index, slot in enumerate(container.slots) if _is_named(text, slot, plain, name)]
    if len(found) > 1:
        return _TWICE
    return [Spot(container, found[0] if found else None)]


def _is_named(text: bytes, slot: Slot, plain: bytes, name: str) -> bool:
    raw = text[slot.start : slot.name_end]
    return raw == plain or (b"\\" in raw and read_name(text, slot) == name)


def replace_name(spot: Spot, name: str) -> Edit | None:
    """Give a member another name."""
    slot = spot.slot
    return None if slot is None else Edit(slot.start, slot.name_end, write_text(name))


def add_member(text: bytes, container: Container, name: str, value: bytes) -> Edit:
    """Add a member behind the last one, with the blanks that the object's own members have."""
    named = write_text(name)
    if not container.slots:
        return Edit(container.start + 1, container.start + 1, named + b":" + value)
    last = container.slots[-1]
    colon = text[last.name_end : last.value]
    if len(container.slots) > 1:
        between = text[container.slots[-2].end : last.start]
    else:
        between = b"," + text[container.start + 1 : last.start]
    return Edit(last.end, last.end, between + named + colon + value)


def remove_slot(spot: Spot) -> Edit | None:
    """Take a member or an item away, with one of the commas beside it."""
    slot, slots = spot.slot, spot.inside.slots
    if slot is None or spot.index is None:
        return None
    if spot.index > 0:
        return Edit(slots[spot.index - 1].end, slot.end, b"")
    return Edit(slot.start, slots[1].start if len(slots) > 1 else slot.end, b"")


def splice(text: bytes, edits: Sequence[Edit]) -> bytes:
    """The text with all edits; they do not overlap."""
    pieces: list[bytes] = []
    at = 0
    for edit in sorted(edits):
        pieces += (text[at : edit.start], edit.new)
        at = edit.end
    return b"".join([*pieces, text[at:]])
