"""What is asked of an object's members: which are described, which must be there, whether others may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from watermaster.contract.importing.conjunction import Gatherer, Part
from watermaster.contract.importing.demand import Demand
from watermaster.contract.importing.reference import Located
from watermaster.contract.importing.scalar import is_usable_pattern
from watermaster.contract.importing.schema_text import SchemaData

_OPENING: Final = frozenset(
    {"additionalProperties", "patternProperties", "if", "dependentSchemas", "$dynamicRef", "$recursiveRef"}
)
"""Beside these, `unevaluatedProperties` asks for what is not followed."""
_OTHER_MEMBERS: Final = "it speaks of members that are not named, and others are"


@dataclass(slots=True)
class ObjectShape:
    """The members of one object, by name, each with all that is asked of it."""

    members: dict[str, list[Located]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    is_closed: bool = False
    """No member may be there that is not among `members`."""
    values: list[Located] = field(default_factory=list)
    """What is asked of each value; only where no member has a name of its own, and so with `keys`."""
    keys: list[Located] = field(default_factory=list)
    key_pattern: str | None = None

    @property
    def is_map(self) -> bool:
        """Whether the names are data."""
        return bool(self.values or self.keys or self.key_pattern)


def shape_of(demand: Demand, path: str, gatherer: Gatherer) -> ObjectShape:
    """The shape, with remarks on what it does not say."""
    shape = ObjectShape()
    for part in demand.parts:
        for name, schema in _mapping(part.words.get("properties")).items():
            shape.members.setdefault(name, []).append(gatherer.resolver.child(part.origin, schema))
    names = (name for value in demand.words("required") if isinstance(value, list) for name in value)
    shape.required = tuple(dict.fromkeys(name for name in names if isinstance(name, str)))
    for name in shape.required:
        shape.members.setdefault(name, [])
    for part in demand.parts:
        _add_others(part, shape, path, gatherer)
        if "propertyNames" in part.words:
            _add_keys(part, shape, path, gatherer)
    if _closes_unevaluated(demand, path, gatherer):
        shape.is_closed = True
    return shape


def _add_others(part: Part, shape: ObjectShape, path: str, gatherer: Gatherer) -> None:
    """What one schema says of the members that it does not name."""
    own, patterns = _mapping(part.words.get("properties")), _mapping(part.words.get("patternProperties"))
    others = part.words.get("additionalProperties", True)
    if patterns:
        _add_patterns(patterns, others, part, shape, path, gatherer)
        return
    if others is True or others == {}:
        return
    strangers = [name for name in shape.members if name not in own]
    if others is False:
        if strangers:
            why = "it forbids members that stand in another part of the schema"
            gatherer.leave_out(path, "additionalProperties", why)
        else:
            shape.is_closed = True
        return
    asked = gatherer.resolver.child(part.origin, others)
    for name in strangers:
        shape.members[name].append(asked)
    if shape.members:
        gatherer.leave_out(path, "additionalProperties", _OTHER_MEMBERS)
    else:
        shape.values.append(asked)


def _add_patterns(
    patterns: dict[str, SchemaData], others: SchemaData, part: Part, shape: ObjectShape, path: str, gatherer: Gatherer
) -> None:
    """One pattern and nothing else is a map; more than that is left out."""
    pattern, schema = next(iter(patterns.items()))
    is_alone = len(patterns) == 1 and others is False and not shape.members and shape.key_pattern is None
    if is_alone and is_usable_pattern(pattern, f"{path}.~", gatherer):
        shape.key_pattern = pattern
        shape.values.append(gatherer.resolver.child(part.origin, schema))
        return
    gatherer.leave_out(path, "patternProperties", "members are described one by one, or all alike")
    if others not in (True, {}):
        gatherer.leave_out(path, "additionalProperties", _OTHER_MEMBERS)


def _add_keys(part: Part, shape: ObjectShape, path: str, gatherer: Gatherer) -> None:
    asked = part.words["propertyNames"]
    if asked is True or asked == {}:
        return
    if shape.members:
        gatherer.leave_out(path, "propertyNames", "names of members are data only in a map")
    else:
        shape.keys.append(gatherer.resolver.child(part.origin, asked))


def _closes_unevaluated(demand: Demand, path: str, gatherer: Gatherer) -> bool:
    closes = False
    for part in _with(demand, "unevaluatedProperties"):
        asked = part.words["unevaluatedProperties"]
        if asked is True or asked == {}:
            continue
        is_simple = not any(one.is_cut or _OPENING & one.words.keys() for one in demand.parts)
        if asked is False and part.is_top and is_simple:
            closes = True
        else:
            gatherer.leave_out(path, "unevaluatedProperties", "which members it speaks of is not followed here")
    return closes


def _with(demand: Demand, keyword: str) -> Iterator[Part]:
    return (part for part in demand.parts if keyword in part.words)


def _mapping(value: SchemaData) -> dict[str, SchemaData]:
    return value if isinstance(value, dict) else {}
