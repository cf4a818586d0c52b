"""A JSON Schema (drafts 4 to 2020-12) as the draft of a contract.

Invariant: no record that the schema accepts is held by the draft, but for what is said: that a record is one strict
JSON object, and the remarks of the kind `OTHERWISE`. Without any remark it also passes no other record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from watermaster.contract.draft import DraftScalar, FieldDraft, RuleDraft
from watermaster.contract.draft.cel_text import cel_has
from watermaster.contract.importing.conjunction import Gatherer, Part, excludes_null
from watermaster.contract.importing.demand import Demand, demand_of
from watermaster.contract.importing.dialect import dialect_of
from watermaster.contract.importing.imported import Unimportable
from watermaster.contract.importing.keyword import (
    ANNOTATIONS,
    COMBINED,
    MAY_BE_NULL,
    OF_NUMBERS,
    OF_STRINGS,
    ONE_TYPE,
    READ_OF_ARRAYS,
    READ_OF_OBJECTS,
    why_left_out,
    why_silent,
)
from watermaster.contract.importing.kind import ALL, NULL, NUMBER, Kinds
from watermaster.contract.importing.note import description_of, notes_of
from watermaster.contract.importing.object_shape import ObjectShape, shape_of
from watermaster.contract.importing.record import FIELDS_MAX, LEVELS_MAX, TOO_DEEP, RecordDraft
from watermaster.contract.importing.reference import Located, Resolver, SchemaObject
from watermaster.contract.importing.scalar import Options, add_counts, number_options, text_options, usable_number
from watermaster.contract.importing.schema_text import SchemaData
from watermaster.contract.problem import ProblemCode, join_path

_RULE_MEMBERS_MAX: Final = 20
"""More members in one rule would not be read."""
_CLOSED_ALONE: Final = "unknown members are held in every object of a contract or in none, and others are open"


def import_json_schema(schema: SchemaData) -> RecordDraft:
    """The draft of what a document describes. Raises `Unimportable`."""
    if not isinstance(schema, dict):
        message = "the document is no object, and a schema that describes records is one"
        raise Unimportable(ProblemCode.IMPORT_ROOT, message, 'It starts with {"$schema": …, "type": "object", …}.')
    writer = _Writer(Gatherer(Resolver(schema, dialect_of(schema))))
    return writer.record()


@dataclass(slots=True)
class _Writer:
    gatherer: Gatherer
    fields: int = 0
    objects: list[tuple[str, bool]] = field(default_factory=list)
    """Each object whose members are described, and whether it allows no other."""

    def record(self) -> RecordDraft:
        """The root: what a property can say of an object, rules say of the whole record."""
        gatherer, root = self.gatherer, self.gatherer.resolver.root
        parts = gatherer.parts([root], "$")
        demand = demand_of(parts)
        if "object" not in demand.kinds:
            message = "the schema accepts no object, and a record is one JSON object"
            raise Unimportable(ProblemCode.IMPORT_ROOT, message, "Import the part that describes the records.")
        if demand.kinds != {"object"}:
            gatherer.read_otherwise("$", "type", "a record is one JSON object, and everything else is held")
        shape = shape_of(demand, "$", gatherer)
        if shape.is_map:
            gatherer.leave_out("$", "additionalProperties", "the members of a record are described one by one")
        members, present = self._members(shape, "$", 3)
        sizes = self._sizes(demand, shape, "$")
        self._leave_out_values(demand, "$")
        self._leave_out_rest(demand, READ_OF_OBJECTS, "$")
        held = self._holds_unknown()
        return RecordDraft(
            fields=members,
            rules=tuple(_rules(present, sizes)),
            unknown_fields_held=held,
            description=description_of(parts),
            notes=notes_of(parts),
            remarks=tuple(gatherer.remarks),
        )

    def field(self, name: str, asked: Sequence[Located], path: str, levels: int) -> tuple[FieldDraft, bool]:
        """One value, and whether it may be null."""
        self.fields += 1
        if self.fields > FIELDS_MAX or levels > LEVELS_MAX:
            if asked:
                self.gatherer.leave_out(path, "schema", TOO_DEEP)
            return FieldDraft(name), True
        parts = self.gatherer.parts(asked, path)
        demand = demand_of(parts)
        draft = self._typed(demand, path, levels)
        draft = replace(draft, name=name, description=description_of(parts), comments=notes_of(parts))
        return draft, demand.nullable or not demand.kinds

    def _typed(self, demand: Demand, path: str, levels: int) -> FieldDraft:
        kinds = demand.kinds - NULL
        read: frozenset[str] = frozenset()
        if kinds == {"string"}:
            kind, options = text_options(demand, path, self.gatherer)
            draft, read = FieldDraft("", kind, options=options), OF_STRINGS
        elif kinds and kinds <= NUMBER:
            kind = "integer" if kinds == {"integer"} else "number"
            draft, read = FieldDraft("", kind, options=number_options(demand, path, self.gatherer)), OF_NUMBERS
        elif kinds == {"boolean"}:
            draft = FieldDraft("", "boolean")
        elif kinds == {"array"}:
            draft, read = self._array(demand, path, levels), READ_OF_ARRAYS
        elif kinds == {"object"}:
            draft, read = self._object(demand, path, levels), READ_OF_OBJECTS
        else:
            draft = self._any(demand, kinds, path)
        self._leave_out_rest(demand, read, path)
        if draft.logical_type in ("array", "object", "map"):
            self._leave_out_values(demand, path)
            return draft
        return replace(draft, enum=self._enum(demand, path)) if kinds else draft

    def _any(self, demand: Demand, kinds: Kinds, path: str) -> FieldDraft:
        if not kinds:
            self.gatherer.leave_out(path, "type", "a contract cannot say that only null, or nothing, may stand here")
        elif demand.values is None and kinds != ALL - NULL:
            self.gatherer.leave_out(path, "type", ONE_TYPE)
        return FieldDraft("")

    def _enum(self, demand: Demand, path: str) -> tuple[DraftScalar, ...]:
        """The listed values, without null: that is what `required` says."""
        if demand.values is None:
            return ()
        found: list[DraftScalar] = []
        for value in demand.values:
            scalar = value if isinstance(value, str | bool) else usable_number(value)
            if scalar is None and value is not None:
                self._leave_out_values(demand, path)
                return ()
            if scalar is not None:
                found.append(scalar)
        return tuple(found)

    def _leave_out_values(self, demand: Demand, path: str) -> None:
        if demand.values is not None:
            self.gatherer.leave_out(path, "enum", "a contract lists texts, numbers that it can keep, and booleans")

    def _array(self, demand: Demand, path: str, levels: int) -> FieldDraft:
        options: Options = {}
        add_counts(options, demand, "minItems", "maxItems", path, self.gatherer)
        if True in demand.words("uniqueItems"):
            options["uniqueItems"] = True
        asked = [item for part in demand.parts for item in self._items(part, path)]
        if any(item.schema is False for item in asked):
            if "minItems" in options:
                self.gatherer.leave_out(path, "items", "a contract cannot say that nothing may stand here")
            else:
                options = {"maxItems": 0}
            asked = []
        items: FieldDraft | None = None
        if any(item.schema not in (True, {}) for item in asked):
            items, nullable = self.field("", asked, f"{path}[]", levels + 1)
            items = replace(items, required=not nullable)
        return FieldDraft("", "array", options=options, items=items)

    def _items(self, part: Part, path: str) -> Iterator[Located]:
        """What one schema asks of every item."""
        items = part.words.get("items")
        if "prefixItems" in part.words or isinstance(items, list):
            self.gatherer.leave_out(path, "items", why_left_out("prefixItems"))
        elif items is not None:
            yield self.gatherer.resolver.child(part.origin, items)

    def _object(self, demand: Demand, path: str, levels: int) -> FieldDraft:
        shape = shape_of(demand, path, self.gatherer)
        if shape.is_map:
            return self._map(demand, shape, path, levels)
        members, present = self._members(shape, path, levels + 2)
        options = self._sizes(demand, shape, path)
        if present:
            options["required"] = tuple(present)
        return FieldDraft("", "object", options=options, properties=members)

    def _map(self, demand: Demand, shape: ObjectShape, path: str, levels: int) -> FieldDraft:
        for keyword in ("minProperties", "maxProperties"):
            if demand.words(keyword):
                self.gatherer.leave_out(path, keyword, "a map of a contract has no bounds on its size")
        about_keys: SchemaObject = {"type": "string"}
        if shape.key_pattern is not None:
            about_keys["pattern"] = shape.key_pattern
        key, _ = self.field("", [*shape.keys, Located(about_keys, about_keys)], f"{path}.~", levels + 2)
        value, nullable = self.field("", shape.values, f"{path}.*", levels + 2)
        return FieldDraft(
            "", "map", map_key=replace(key, required=True), map_value=replace(value, required=not nullable)
        )

    def _members(self, shape: ObjectShape, path: str, levels: int) -> tuple[tuple[FieldDraft, ...], list[str]]:
        """The described members, and the names of those that must be there and may be null."""
        if shape.members:
            self.objects.append((path, shape.is_closed))
        found, present = [], []
        for name, asked in shape.members.items():
            place = join_path(path, name)
            member, nullable = self.field(name, asked, place, levels)
            if name in shape.required and nullable:
                present.append(name)
            elif name not in shape.required and not nullable:
                self.gatherer.leave_out(place, "type", MAY_BE_NULL)
            found.append(replace(member, required=name in shape.required and not nullable))
        return tuple(found), present

    def _sizes(self, demand: Demand, shape: ObjectShape, path: str) -> Options:
        options: Options = {}
        add_counts(options, demand, "minProperties", "maxProperties", path, self.gatherer)
        if shape.is_closed and not shape.members and "minProperties" not in options:
            options["maxProperties"] = 0
        return options

    def _holds_unknown(self) -> bool:
        """Whether every object forbids members that it does not name; else those that do are left out."""
        if self.objects and all(is_closed for _, is_closed in self.objects):
            return True
        for path, is_closed in self.objects:
            if is_closed:
                self.gatherer.leave_out(path, "additionalProperties", _CLOSED_ALONE)
        return False

    def _leave_out_rest(self, demand: Demand, read: frozenset[str], path: str) -> None:
        """Every keyword that nobody has read."""
        for part in demand.parts:
            for keyword, value in part.words.items():
                if keyword in ANNOTATIONS or keyword in read or (keyword in COMBINED and keyword != "not"):
                    continue
                if keyword == "not" and excludes_null(part.words):
                    continue
                if _says_nothing(keyword, value):
                    continue
                self.gatherer.leave_out(path, keyword, why_silent(keyword, read) or why_left_out(keyword))


def _says_nothing(keyword: str, value: SchemaData) -> bool:
    """What tools write out although it asks for nothing."""
    return (keyword in ("additionalProperties", "additionalItems") and value is True) or (
        keyword in ("required", "properties", "patternProperties") and not value
    )


def _rules(present: Sequence[str], sizes: Options) -> Iterator[RuleDraft]:
    """What is asked of the record as a whole, in CEL: its own object has no options in ODCS."""
    for start in range(0, len(present), _RULE_MEMBERS_MAX):
        names, number = present[start : start + _RULE_MEMBERS_MAX], start // _RULE_MEMBERS_MAX + 1
        yield RuleDraft(
            "members_there" if number == 1 else f"members_there_{number}",
            " && ".join(map(cel_has, names)),
            f"These members are there, and may be null: {', '.join(names)}.",
        )
    for option, sign, words in (("minProperties", ">=", "at least"), ("maxProperties", "<=", "at most")):
        if option in sizes:
            expression = f"size(this) {sign} {sizes[option]}"
            yield RuleDraft(
                f"members_{words.replace(' ', '_')}", expression, f"There are {words} {sizes[option]} members."
            )
