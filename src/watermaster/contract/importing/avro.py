"""An Avro schema (.avsc) as the draft of a contract for the same records in JSON.

Invariant: no record that was written by the schema, and is read as `adapters.records` reads Avro files, is held by the
draft, but for what is said and for what no JSON carries (NaN, Infinity).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from watermaster.contract.avro_member import json_names
from watermaster.contract.draft import FieldDraft
from watermaster.contract.importing.avro_logical import fixed, logical, loses_digits, primitive
from watermaster.contract.importing.avro_type import RECORDS, AvroTypes, Named, Scope
from watermaster.contract.importing.keyword import ONE_TYPE, RECURSIVE
from watermaster.contract.importing.note import shown
from watermaster.contract.importing.record import FIELDS_MAX, LEVELS_MAX, TOO_DEEP, RecordDraft
from watermaster.contract.importing.remark import Remark, RemarkKind
from watermaster.contract.importing.schema_text import SchemaData
from watermaster.contract.problem import join_path

_IN_JSON: Final = "Records are judged in JSON: bytes are base64, decimals numbers, moments texts of RFC 3339."
_NO_WORD: Final = "a contract has no word for it"
_ONLY_NULL: Final = "a contract cannot say that only null, or nothing, may stand here"
_LONG_NUMBERS: Final = "numbers with more digits than 64-bit floating point keeps are held"
_NAMING: Final = frozenset({"type", "name", "namespace", "doc", "aliases"})
_OF_FIELDS: Final = frozenset({"name", "type", "doc", "default", "order", "aliases", "altnames"})
_OF_NUMBERS: Final = frozenset({"logicalType", "precision", "scale"})
_NOTES: Final = ("default", "order", "aliases")
_WHOLE: Final = ({"format": "i32"}, {"format": "i64"})
"""Options of int and long, which only they have: together they are a long."""
_TEXTS: Final = frozenset({"string", "date", "timestamp", "time"})

_Value = tuple[FieldDraft, bool]
"""A field without its name, and whether it may be null."""


def import_avro(schema: SchemaData) -> RecordDraft:
    """The draft of what a schema describes. Raises `Unimportable`."""
    reader = _Reader(AvroTypes(schema))
    root = reader.types.root_record()
    members = reader.members(root, "$", 3, frozenset())
    notes = (_IN_JSON, f"In Avro it is the record {root.name}.", *_notes(root.schema))
    return RecordDraft(members, tuple(reader.remarks), description=_doc(root.schema), notes=notes)


@dataclass(slots=True)
class _Reader:
    types: AvroTypes
    remarks: list[Remark] = field(default_factory=list)
    fields: int = 0

    def members(self, record: Named, path: str, levels: int, trail: frozenset[str]) -> tuple[FieldDraft, ...]:
        """The members of a record; `trail` names the records that it is inside of."""
        self._leave_out_rest(record.schema, _NAMING | {"fields"}, path)
        described = record.schema["fields"]
        return tuple(
            self._member(one, name, join_path(path, name), levels, record.inside(trail))
            for name, one in zip(json_names(described), described, strict=True)
        )

    def _member(self, described: dict[str, Any], name: str, path: str, levels: int, scope: Scope) -> FieldDraft:
        self._leave_out_rest(described, _OF_FIELDS, path)
        draft, nullable = self._value(described["type"], path, levels, scope)
        return replace(
            draft,
            name=name,
            required=not nullable,
            description=_doc(described) or draft.description,
            comments=(*_notes(described), *draft.comments),
        )

    def _value(self, schema: Any, path: str, levels: int, scope: Scope) -> _Value:  # noqa: ANN401 - a type of Avro
        self.fields += 1
        if self.fields > FIELDS_MAX or levels > LEVELS_MAX:
            self._leave_out(path, "type", TOO_DEEP)
            return FieldDraft(""), True
        if isinstance(schema, list):
            return self._union(schema, path, levels, scope)
        if isinstance(schema, dict) and isinstance(schema["type"], dict | list):
            self._leave_out_rest(schema, frozenset({"type"}), path)
            return self._value(schema["type"], path, levels, scope)
        named = self.types.named(schema, scope.namespace)
        if named is not None:
            if isinstance(schema, dict) and schema is not named.schema:
                self._leave_out_rest(schema, frozenset({"type"}), path)
            return self._named(named, path, levels, scope.trail), False
        return self._unnamed(schema if isinstance(schema, dict) else {"type": schema}, path, levels, scope)

    def _named(self, named: Named, path: str, levels: int, trail: frozenset[str]) -> FieldDraft:
        schema, kind = named.schema, named.schema["type"]
        if kind in RECORDS:
            if named.name in trail:
                self._leave_out(path, "type", RECURSIVE)
                return FieldDraft("", "object")
            draft = FieldDraft("", "object", properties=self.members(named, path, levels + 2, trail))
        elif kind == "enum":
            self._leave_out_rest(schema, _NAMING | {"symbols", "default"}, path)
            symbols = tuple(dict.fromkeys(schema["symbols"]))
            if not symbols:
                self._leave_out(path, "symbols", _ONLY_NULL)
            draft = FieldDraft("", "string", enum=symbols)
        else:
            self._leave_out_rest(schema, _NAMING | {"size"} | _OF_NUMBERS, path)
            draft = self._logical("fixed", schema, path) or fixed(schema["size"])
        return replace(draft, description=_doc(schema), comments=_notes(schema, f" of {named.name}"))

    def _unnamed(self, schema: dict[str, Any], path: str, levels: int, scope: Scope) -> _Value:
        kind = schema["type"]
        if kind == "null":
            self._leave_out(path, "type", _ONLY_NULL)
            return FieldDraft(""), True
        if kind == "array":
            self._leave_out_rest(schema, frozenset({"type", "items"}), path)
            items, nullable = self._value(schema["items"], f"{path}[]", levels + 1, scope)
            return FieldDraft("", "array", items=replace(items, required=not nullable)), False
        if kind == "map":
            self._leave_out_rest(schema, frozenset({"type", "values"}), path)
            value, nullable = self._value(schema["values"], f"{path}.*", levels + 2, scope)
            key = FieldDraft("", "string", required=True)
            return FieldDraft("", "map", map_key=key, map_value=replace(value, required=not nullable)), False
        self._leave_out_rest(schema, _OF_NUMBERS | {"type"}, path)
        return self._logical(kind, schema, path) or primitive(kind), False

    def _logical(self, base: str, schema: dict[str, Any], path: str) -> FieldDraft | None:
        found = logical(base, schema, partial(self._leave_out, path))
        if found is not None and schema["logicalType"] == "decimal" and loses_digits(schema):
            self.remarks.append(Remark(RemarkKind.OTHERWISE, path, "precision", _LONG_NUMBERS))
        return found

    def _union(self, branches: Sequence[Any], path: str, levels: int, scope: Scope) -> _Value:
        """One type or null is a type that may be null; of several types, what they have in common."""
        some = [branch for branch in branches if branch not in ("null", {"type": "null"})]
        if len(some) == 1:
            draft, nullable = self._value(some[0], path, levels, scope)
            return draft, nullable or len(some) < len(branches)
        before = len(self.remarks)
        drafts = [self._value(branch, path, levels, scope)[0] for branch in some]
        del self.remarks[before:]  # of branches that are left out whole
        if not some:
            self._leave_out(path, "union", _ONLY_NULL)
        elif not all(draft.options in _WHOLE for draft in drafts):
            self._leave_out(path, "union", ONE_TYPE)
        return _together(drafts), len(some) < len(branches)

    def _leave_out_rest(self, schema: dict[str, Any], read: frozenset[str], path: str) -> None:
        for attribute in schema:
            if attribute not in read:
                self._leave_out(path, attribute, _NO_WORD)

    def _leave_out(self, path: str, attribute: str, why: str) -> None:
        self.remarks.append(Remark(RemarkKind.LEFT_OUT, path, attribute, why))


def _together(drafts: Sequence[FieldDraft]) -> FieldDraft:
    """The narrowest field that each of several would pass."""
    kinds = {draft.logical_type for draft in drafts}
    if all(draft.options in _WHOLE for draft in drafts) and drafts:
        return FieldDraft("", "integer", options=_WHOLE[-1])
    if kinds <= {"integer", "number"} and kinds:
        return FieldDraft("", "integer" if kinds == {"integer"} else "number")
    if kinds <= _TEXTS and kinds:
        return FieldDraft("", "string")
    if kinds <= {"object", "map"} and kinds:
        return FieldDraft("", "object")
    return FieldDraft("", next(iter(kinds))) if kinds in ({"array"}, {"boolean"}) else FieldDraft("")


def _doc(schema: dict[str, Any]) -> str:
    doc = schema.get("doc")
    return doc.strip() if isinstance(doc, str) else ""


def _notes(schema: dict[str, Any], whose: str = "") -> tuple[str, ...]:
    return tuple(f"{name}{whose}: {shown(schema[name])}" for name in _NOTES if name in schema)
