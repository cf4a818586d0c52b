"""A contract as an Avro schema (1.11 and later), for those who carry the same records in Avro.

Every record that the gate passes can be written by it. JSON and Avro meet as in the adapters for Avro files, and in
what is called Plain JSON there: bytes are base64, decimals are numbers, moments RFC 3339, and a member whose name
Avro does not take stands under `altnames`. What may be anything is carried as its JSON text.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from watermaster.contract.checks import Checks, FieldCheck, LogicalType, UnknownFields
from watermaster.contract.export.avro_name import TypeNames, is_legal, member_names
from watermaster.contract.export.avro_number import integer_type, number_type
from watermaster.contract.export.exported import AvroSchema, AvroType, Exported, beyond_every_schema
from watermaster.contract.temporal import TemporalField, TemporalForm

_DATE: Final = {"type": "int", "logicalType": "date"}
_TIME: Final = {"type": "long", "logicalType": "time-micros"}
_INSTANT: Final = {"type": "long", "logicalType": "timestamp-micros"}
_LOCAL: Final = {"type": "long", "logicalType": "local-timestamp-micros"}
_UUID: Final = {"type": "string", "logicalType": "uuid"}


def export_avro(checks: Checks) -> Exported:
    """The schema of a record's value: a record of Avro. Whatever the gate passes can be written by it."""
    writer = _Writer(checks.limits.integer_digits_max)
    schema = writer.record(replace(checks.value, name=checks.stream), checks.stream)
    schema["doc"] = f"from contract {checks.contract_id} {checks.contract_version}"
    if checks.unknown_fields is UnknownFields.ALLOW:
        writer.left_out.append("$: members that the contract does not name have no place in an Avro record")
    return Exported(schema, (*writer.left_out, *beyond_every_schema(checks)))


@dataclass(slots=True)
class _Writer:
    digits_max: int
    names: TypeNames = field(default_factory=TypeNames)
    left_out: list[str] = field(default_factory=list)

    def record(self, check: FieldCheck, name: str) -> AvroSchema:
        """Of an object with its members; `name` is what the type is called if Avro takes it."""
        chosen = self.names.name(name)
        legal = member_names(child.name for child in check.properties)
        self._leave_out_if(check, "how many members it has", check.min_properties, check.max_properties)
        fields = [
            self._field(child, legal[child.name], f"{chosen}_{legal[child.name]}", check) for child in check.properties
        ]
        return {"type": "record", "name": chosen, "fields": fields}

    def _field(self, child: FieldCheck, legal: str, type_name: str, parent: FieldCheck) -> AvroSchema:
        found: AvroSchema = {"name": legal}
        if legal != child.name:
            found |= {"doc": f"in JSON: {child.name}", "altnames": {"json": child.name}}
        found["type"] = self.member(child, type_name)
        if not child.required and child.name not in parent.required_names:
            found["default"] = None
        return found

    def member(self, check: FieldCheck, name: str) -> AvroType | list[AvroType]:
        """Of a value that may be null, unless it is required."""
        kind = self.value(check, name)
        return kind if check.required else ["null", kind]

    def value(self, check: FieldCheck, name: str) -> AvroType:
        """Of a value that is not null."""
        match check.type:
            case LogicalType.STRING:
                kind = self._text(check, name)
            case LogicalType.INTEGER | LogicalType.NUMBER:
                kind = self._number(check)
            case LogicalType.DATE | LogicalType.TIMESTAMP | LogicalType.TIME:
                kind = self._moment(check)
            case LogicalType.BOOLEAN:
                self._leave_out_if(check, "its listed values", check.enum)
                kind = "boolean"
            case LogicalType.ARRAY:
                kind = self._array(check, name)
            case LogicalType.MAP:
                kind = self._map(check, name)
            case LogicalType.OBJECT if check.properties:
                kind = self.record(check, name)
            case _:
                kind = self._anything(check)
        return kind

    def _anything(self, check: FieldCheck) -> AvroType:
        self._leave_out(check, "it may be anything, so it is carried as its JSON text")
        self._leave_out_if(check, "its listed values", check.enum)
        self._leave_out_if(check, "how many members it has", check.min_properties, check.max_properties)
        return "string"

    def _text(self, check: FieldCheck, name: str) -> AvroType:
        self._leave_out_if(check, "its length", check.min_length, check.max_length)
        self._leave_out_if(check, "its pattern", check.pattern)
        if check.enum is not None:
            symbols = [value for value in check.enum if isinstance(value, str)]
            if symbols and all(map(is_legal, symbols)):
                self._leave_out_if(check, f"its format {check.format}", check.format)
                return {"type": "enum", "name": self.names.name(name), "symbols": symbols}
            self._leave_out(check, "its listed values, of which some are no symbols of Avro")
        if check.format == "byte":
            return "bytes"
        if check.format == "uuid":
            return dict(_UUID)
        self._leave_out_if(check, f"its format {check.format}", check.format)
        return "string"

    def _number(self, check: FieldCheck) -> AvroType:
        carried = integer_type(check, self.digits_max) if check.type is LogicalType.INTEGER else number_type(check)
        for what in carried.left_out:
            self._leave_out(check, what)
        return carried.kind

    def _moment(self, check: FieldCheck) -> AvroType:
        self._leave_out_if(check, "its listed values", check.enum)
        self._leave_out_if(check, "its bounds in time", check.range)
        form = check.temporal
        if form is None or (check.type is LogicalType.TIME and not _is_local(form)):
            self._leave_out(check, "no type of Avro has its form, so it is carried as text")
            return "string"
        if check.type is LogicalType.DATE:
            return dict(_DATE)
        if check.type is LogicalType.TIME:
            self._leave_out(check, "what is finer than a microsecond")
            return dict(_TIME)
        if _is_local(form):
            self._leave_out(check, "what is finer than a microsecond")
            return dict(_LOCAL)
        self._leave_out(check, "what is finer than a microsecond, and the offset that it is written with")
        return dict(_INSTANT)

    def _array(self, check: FieldCheck, name: str) -> AvroType:
        self._leave_out_if(check, "how many items it has", check.min_items, check.max_items)
        self._leave_out_if(check, "that no two items are alike", check.unique_items or None)
        items = check.items or FieldCheck("", f"{check.path}[]", LogicalType.ANY)
        return {"type": "array", "items": self.member(items, f"{name}_item")}

    def _map(self, check: FieldCheck, name: str) -> AvroType:
        self._leave_out_if(check, "how many members it has", check.min_properties, check.max_properties)
        if check.map_key is not None:
            self._leave_out_if(check.map_key, "what its keys are", *_asked_of_key(check.map_key))
        values = check.map_value or FieldCheck("", f"{check.path}.*", LogicalType.ANY)
        return {"type": "map", "values": self.member(values, f"{name}_value")}

    def _leave_out(self, check: FieldCheck, what: str) -> None:
        self.left_out.append(f"{check.path}: {what}")

    def _leave_out_if(self, check: FieldCheck, what: str, *asked: object) -> None:
        if any(part is not None for part in asked):
            self._leave_out(check, what)


def _asked_of_key(check: FieldCheck) -> tuple[object, ...]:
    return check.pattern, check.format, check.min_length, check.max_length, check.enum, check.temporal


def _is_local(form: TemporalForm) -> bool:
    """Whether a text never carries an offset, and none is said to be meant: it is a time on some clock."""
    never = form.offset is False or TemporalField.OFFSET not in form.fields
    return never and form.default_offset_s == 0
