"""A contract as JSON Schema 2020-12 (https://json-schema.org/draft/2020-12), for producers and for other tools.

What the schema refuses, the gate holds; where the schema has no words for a rule it is left out, and said.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from watermaster.contract.checks import Checks, FieldCheck, LogicalType, Range, UnknownFields
from watermaster.contract.ecma_pattern import as_ecma
from watermaster.contract.export.exported import Exported, JsonSchema, beyond_every_schema
from watermaster.contract.number import integer_limits

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TYPES: Final = {
    LogicalType.STRING: "string",
    LogicalType.DATE: "string",
    LogicalType.TIMESTAMP: "string",
    LogicalType.TIME: "string",
    LogicalType.NUMBER: "number",
    LogicalType.INTEGER: "integer",
    LogicalType.OBJECT: "object",
    LogicalType.ARRAY: "array",
    LogicalType.BOOLEAN: "boolean",
    LogicalType.MAP: "object",
}
_TEMPORAL: Final = {LogicalType.DATE: "date", LogicalType.TIMESTAMP: "date-time", LogicalType.TIME: "time"}


def export_json_schema(checks: Checks) -> Exported:
    """The schema of a record's value. Whatever it refuses, the contract holds; never the other way round."""
    left_out: list[str] = []
    schema = {
        "$schema": DIALECT,
        "$comment": f"from contract {checks.contract_id} {checks.contract_version}",
        "title": checks.stream,
        **_Writer(checks.unknown_fields, left_out).value(checks.value),
    }
    return Exported(schema, (*left_out, *beyond_every_schema(checks)))


@dataclass(frozen=True, slots=True)
class _Writer:
    unknown: UnknownFields
    left_out: list[str]

    def member(self, check: FieldCheck) -> JsonSchema:
        """Of a value that may be null, unless it is required."""
        schema = self.value(check)
        if check.required:
            return schema or {"not": {"type": "null"}}
        if "type" in schema:
            schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        return schema

    def value(self, check: FieldCheck) -> JsonSchema:
        """Of a value that is not null."""
        schema: JsonSchema = {"type": _TYPES[check.type]} if check.type in _TYPES else {}
        if check.enum is not None:
            schema["enum"] = [_number(one) if isinstance(one, Decimal) else one for one in check.enum]
        match check.type:
            case LogicalType.STRING | LogicalType.DATE | LogicalType.TIMESTAMP | LogicalType.TIME:
                schema |= self._text(check)
            case LogicalType.NUMBER | LogicalType.INTEGER:
                schema |= self._number(check)
            case LogicalType.OBJECT:
                schema |= self._object(check)
            case LogicalType.MAP:
                schema |= self._map(check)
            case LogicalType.ARRAY:
                schema |= self._array(check)
            case _:
                pass
        return schema

    def _text(self, check: FieldCheck) -> JsonSchema:
        words: JsonSchema = {"minLength": check.min_length, "maxLength": check.max_length}
        if check.pattern is not None:
            words["pattern"] = as_ecma(check.pattern)
            if words["pattern"] is None:
                self._leave_out(check, "its pattern means something else, or nothing, in ECMA-262")
        if check.format == "byte":
            words["contentEncoding"] = "base64"
            self._leave_out(check, "that it is base64, which validators take note of and do not judge")
        else:
            words["format"] = check.format
        if check.type in _TEMPORAL:
            # RFC 3339 asks for an offset, so that the name is right only where the contract does.
            if check.temporal_format is None and (check.type is LogicalType.DATE or check.timezone):
                words["format"] = _TEMPORAL[check.type]
            else:
                self._leave_out(check, "its form has no name in JSON Schema")
            if check.range is not None:
                self._leave_out(check, "its bounds in time")
        return _given(words)

    def _number(self, check: FieldCheck) -> JsonSchema:
        words: JsonSchema = {}
        limits = integer_limits(check.format)
        if limits is not None:
            words["allOf"] = [{"minimum": limits[0], "maximum": limits[1]}]
        elif check.format is not None:
            self._leave_out(check, f"that its value fits {check.format}")
        if check.multiple_of is not None:
            if check.multiple_of == check.multiple_of.to_integral_value():
                words["multipleOf"] = int(check.multiple_of)
            else:
                self._leave_out(check, "that it is a multiple of a fraction, which validators judge by binary numbers")
        return words | _bounds(check.range or Range())

    def _object(self, check: FieldCheck) -> JsonSchema:
        due = [child.name for child in check.properties if child.required]
        words: JsonSchema = {
            "properties": {child.name: self.member(child) for child in check.properties},
            "required": list(dict.fromkeys([*due, *check.required_names])),
            "minProperties": check.min_properties,
            "maxProperties": check.max_properties,
        }
        if self.unknown is UnknownFields.HOLD and check.properties:
            words["additionalProperties"] = False
        return _given(words)

    def _map(self, check: FieldCheck) -> JsonSchema:
        words: JsonSchema = {"minProperties": check.min_properties, "maxProperties": check.max_properties}
        if check.map_key is not None:
            if check.map_key.type is LogicalType.STRING:
                words["propertyNames"] = self.value(check.map_key)
            else:
                self._leave_out(check.map_key, "that keys, which are texts in JSON, stand for something else")
        if check.map_value is not None:
            words["additionalProperties"] = self.member(check.map_value)
        return _given(words)

    def _array(self, check: FieldCheck) -> JsonSchema:
        return _given(
            {
                "items": None if check.items is None else self.member(check.items),
                "minItems": check.min_items,
                "maxItems": check.max_items,
                "uniqueItems": check.unique_items or None,
            }
        )

    def _leave_out(self, check: FieldCheck, what: str) -> None:
        self.left_out.append(f"{check.path}: {what}")


def _given(words: JsonSchema) -> JsonSchema:
    return {word: value for word, value in words.items() if value is not None and value != []}


def _bounds(found: Range) -> JsonSchema:
    named = {
        "minimum": found.minimum,
        "maximum": found.maximum,
        "exclusiveMinimum": found.exclusive_minimum,
        "exclusiveMaximum": found.exclusive_maximum,
    }
    return {word: _number(bound) for word, bound in named.items() if bound is not None}


def _number(value: Decimal | int) -> int | float:
    """As JSON writes it: whole numbers whole, and a fraction as the binary number that every reader makes of it."""
    return int(value) if value == int(value) else float(value)
