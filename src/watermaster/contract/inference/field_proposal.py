"""From the summary of one path to the draft of one field, and of everything below it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from watermaster.contract.draft import FieldDraft
from watermaster.contract.inference.evidence import FORMAT_MIN, REQUIRED_MIN, TYPE_MIN, confidence, share
from watermaster.contract.inference.number_rule import number_rule
from watermaster.contract.inference.personal import Sensitivity, looks_sensitive
from watermaster.contract.inference.summary import Budget, ObjectSummary, ValueSummary
from watermaster.contract.inference.text_rule import text_rule
from watermaster.contract.inference.text_summary import TextSummary

MAP_NAMES_MIN: Final = 20
"""Fewer names can be read one by one, so they are described, however rarely each of them comes."""
MAP_PRESENCE_MAX: Final = 0.2
"""In a map, an entry is in few of the objects."""
_DATA_NAME: Final = re.compile(
    r"[0-9][0-9._:/-]*|[0-9a-fA-F]{8,}|[0-9a-fA-F-]{32,}|.*[@/\\].*|https?:.*|[0-9]{4}-[0-9]{2}.*", re.ASCII
)
"""Names that nobody gives to a member: numbers, hashes, ids, addresses, paths, dates."""


@dataclass(slots=True)
class Extent:
    """How deep and how much is described; what lies beyond is left to be anything."""

    depth_max: int
    fields_left: int

    def take(self) -> bool:
        """Whether one more field is described."""
        self.fields_left -= 1
        return self.fields_left >= 0


def propose_members(summary: ObjectSummary, names: tuple[str, ...], extent: Extent) -> tuple[FieldDraft, ...]:
    """The members of an object, in the order of first sight. `names` are those of the path to it."""
    doubtful = summary.doubtful()
    if summary.overfull:
        return ()
    return tuple(
        propose_field((*names, name), member, summary.count, extent)
        for name, member in summary.members.items()
        if name not in doubtful and extent.take()
    )


def propose_field(names: tuple[str, ...], summary: ValueSummary, parents: int, extent: Extent) -> FieldDraft:
    """One member of `parents` objects."""
    sensitivity = looks_sensitive(names, summary.texts)
    required = summary.count == parents and not summary.nulls and parents >= REQUIRED_MIN
    draft = replace(
        propose_value(names, summary, sensitivity, extent),
        name=names[-1],
        required=required,
        classification=sensitivity.classification if sensitivity else None,
    )
    return replace(draft, comments=(_evidence(summary, parents), *_said(sensitivity), *draft.comments))


def _evidence(summary: ValueSummary, parents: int) -> str:
    there = f"in {share(summary.count, parents)}"
    nulls = f", {summary.nulls:,} null" if summary.nulls else ""
    texts = summary.texts
    different = f", {len(texts.distinct.counts)} different" if texts is not None and texts.distinct.closed else ""
    waiting = summary.count == parents and not summary.nulls and parents < REQUIRED_MIN
    few = f"; always there, yet {REQUIRED_MIN:,} are needed to require it" if waiting else ""
    return f"{there}{nulls}{different}; confidence {confidence(summary.count - summary.nulls)}{few}"


def _said(sensitivity: Sensitivity | None) -> tuple[str, ...]:
    if sensitivity is None:
        return ()
    return (f"classification proposed: {sensitivity.reason}; no value of it was used",)


def propose_value(
    names: tuple[str, ...], summary: ValueSummary, sensitivity: Sensitivity | None, extent: Extent
) -> FieldDraft:
    """Type and rules of the values at one path; name, presence and classification are the caller's."""
    types = list(summary.types())
    if not types:
        return FieldDraft("", comments=("never anything but null",) if summary.nulls else ())
    if len(types) > 1:
        said = ", ".join(f"{count:,} {name}" for name, count in types)
        return FieldDraft("", comments=(f"of different types: {said}",))
    name, count = types[0]
    if count < TYPE_MIN:
        return FieldDraft("", comments=(f"{name} whenever it was there, yet {TYPE_MIN} are needed to ask for it",))
    return _typed(names, summary, sensitive=sensitivity is not None, extent=extent)


def _typed(names: tuple[str, ...], summary: ValueSummary, *, sensitive: bool, extent: Extent) -> FieldDraft:
    name = names[-1] if names else ""
    if summary.texts is not None:
        text = text_rule(name, summary.texts, sensitive=sensitive)
        return FieldDraft("", text.logical_type, options=text.options, enum=text.enum, comments=text.remarks)
    if summary.numbers is not None:
        number = number_rule(name, summary.numbers, sensitive=sensitive)
        return FieldDraft("", number.logical_type, options=number.options, comments=number.remarks)
    if summary.objects is not None:
        return _object(names, summary.objects, extent)
    if summary.items is not None:
        return _array(names, summary.items, extent)
    return FieldDraft("", "array" if summary.arrays else "boolean")


def _array(names: tuple[str, ...], items: ValueSummary, extent: Extent) -> FieldDraft:
    if len(names) >= extent.depth_max or not extent.take():
        return FieldDraft("", "array")
    sensitivity = looks_sensitive(names, items.texts)
    item = propose_value(names, items, sensitivity, extent)
    required = items.count >= REQUIRED_MIN and not items.nulls
    comment = f"items: {items.count:,} seen; confidence {confidence(items.count)}"
    described = replace(item, required=required, comments=(comment, *item.comments))
    return FieldDraft("", "array", items=None if item.logical_type is None else described)


def _object(names: tuple[str, ...], summary: ObjectSummary, extent: Extent) -> FieldDraft:
    if uses_names_as_data(summary):
        return _map(names, summary, extent)
    if len(names) >= extent.depth_max or _has_strangers(summary):
        return FieldDraft("", comments=("an object that is not described further",))
    return FieldDraft("", "object", properties=propose_members(summary, names, extent))


def _has_strangers(summary: ObjectSummary) -> bool:
    """Names that cannot be described, and which a reader may take for one another or for one that is."""
    wide = sum(not name.isascii() for name in summary.strange)
    return summary.overfull or bool(summary.doubtful()) or wide > 1


def uses_names_as_data(summary: ObjectSummary) -> bool:
    """Whether the names of an object's members are data, so that it is a map."""
    if summary.folded:
        return True
    names = summary.members
    if not names or summary.count < TYPE_MIN:
        return False
    if sum(_DATA_NAME.fullmatch(name) is not None for name in names) * 5 >= len(names) * 4:
        return True
    rare = sum(member.count for member in names.values()) < MAP_PRESENCE_MAX * len(names) * summary.count
    kinds = {tuple(kind for kind, _ in member.types()) for member in names.values()} - {()}
    return len(names) >= MAP_NAMES_MIN and rare and len(kinds) == 1


def _map(names: tuple[str, ...], summary: ObjectSummary, extent: Extent) -> FieldDraft:
    keys, values = _entries(summary)
    sensitive = looks_sensitive((*names, ""), keys) or looks_sensitive(names, keys)
    options = {}
    if not sensitive and keys.count >= FORMAT_MIN and keys.formats[:1] == ("uuid",):
        options["format"] = "uuid"
    key = FieldDraft("", "string", options=options, comments=(f"{keys.count:,} keys seen: names are data here",))
    deeper = len(names) < extent.depth_max and extent.take()
    value = propose_value(names, values, sensitive, extent) if deeper else FieldDraft("")
    return FieldDraft("", "map", map_key=key, map_value=value)


def _entries(summary: ObjectSummary) -> tuple[TextSummary, ValueSummary]:
    if summary.keys is not None and summary.values is not None:
        return summary.keys, summary.values
    keys, values, budget = TextSummary(), ValueSummary(), Budget()
    for name, member in summary.members.items():
        keys.add(name)
        values.merge(member, budget)
    for name in summary.strange:
        keys.add(name)
    if summary.strange or summary.overfull:
        values = ValueSummary()  # the values of strange names were not looked at
    return keys, values
