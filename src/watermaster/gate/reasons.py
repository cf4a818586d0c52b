"""Every stable reason code with one plain sentence. Codes never change their meaning; docs are generated from here.

The first word says where the trouble lies: `record` (before decoding), `row` (of a file, and no record), `frame` and
`schema` (which schema a value was written with), `avro` (the bytes are no value of it), `json` (they are no single,
strict JSON document; the limits of nesting and size are the same for both), `type`, `field`, `string`, `number`,
`array`, `object`, `temporal`, `rule`, and `key` for presence and encoding of the record's key. Checks on the decoded
key use the codes of the value with a path that starts with `key`.
"""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    # the record
    "record.tombstone": "the value is null, and this stream's contract does not let null values pass",
    "record.too_large": "the value is larger than the contract's limit and was not decoded",
    # rows of a file that are no record
    "row.cells": "the row has more or fewer cells than the header has names",
    "row.quotes": "the quotes of the row do not close, or text stands beside them",
    # the frame of a registry, and the schema that it names
    "frame.short": "it is shorter than the frame that names a schema",
    "frame.magic": "it does not begin with the magic byte 0 or 1, so it names no schema",
    "frame.id": "the number in the frame is none that a registry gives to a schema",
    "frame.header": "the header that should name the schema does not, or there are several that differ",
    "schema.unknown": "the registry does not know the schema that is named, and did not while we waited",
    "schema.kind": "the schema that is named is of another language than the contract says",
    "schema.invalid": "the schema that is named is not one",
    "schema.limits": "the schema that is named is too large, too deep, or too long in its numbers to be used",
    # Avro
    "avro.truncated": "the bytes end before the schema does",
    "avro.trailing": "there are more bytes than the schema describes",
    "avro.index": "the number of a union's branch or of an enum's symbol is not one of the schema's",
    "avro.number": "a number has more bits than its type",
    "avro.boolean": "a boolean is neither 0 nor 1",
    "avro.length": "a length is negative, or the length of a block is not what it holds",
    "avro.value": "a value is none of its logical type: a date beyond the calendar, no UUID, too many digits",
    # the text
    "json.empty": "the value is empty or only white space",
    "json.bom": "the text starts with a byte order mark, which JSON forbids",
    "json.utf16": "the text is UTF-16 or UTF-32; JSON between systems is UTF-8",
    "json.utf8": "the text is not valid UTF-8",
    "json.syntax": "the text is not JSON",
    "json.trailing": "there is more text after the end of the JSON document",
    "json.control_character": "a string holds a control character that is not escaped",
    "json.duplicate_key": "an object has the same key twice, and readers disagree on which one counts",
    "json.nan": "NaN or Infinity, which JSON does not have",
    "json.number_range": "a number is beyond what 64-bit floating point can hold, or has too many digits",
    "json.number_precision": "a number has digits that 64-bit floating point cannot keep",
    "json.surrogate": "a string holds half of a surrogate pair, which no encoding can carry",
    "json.nul": "a string holds the NUL character, which databases and C readers cut or refuse",
    "json.depth": "objects and arrays are nested deeper than the contract's limit",
    "json.elements": "the document has more members and items than the contract's limit",
    # types and fields
    "type.mismatch": "the value is of another type than the contract says",
    "field.missing": "a required field is not there",
    "field.null": "a required field is null",
    "field.unknown": "there is a field that the contract does not name",
    "field.ambiguous": "a field differs from one of the contract's, or from another one, only by case or Unicode form",
    "value.enum": "the value is not one of those that the contract lists",
    # strings
    "string.min_length": "the string is shorter than the contract says",
    "string.max_length": "the string is longer than the contract says",
    "string.pattern": "the string does not match the contract's pattern",
    "string.format": "the string is not of the contract's format",
    # numbers
    "number.minimum": "the number is below the contract's minimum",
    "number.maximum": "the number is above the contract's maximum",
    "number.multiple_of": "the number is not a multiple of what the contract says",
    "number.format": "the number does not fit the contract's format",
    # dates, timestamps, times
    "temporal.shape": "the text is not written in the form that the contract asks",
    "temporal.year": "the year is 0 or beyond 9999",
    "temporal.no_such_day": "the calendar has no such day",
    "temporal.hour": "hour 24 and beyond: midnight is 00:00 of the next day",
    "temporal.minute": "minute 60 and beyond",
    "temporal.second": "second 60 and beyond: leap seconds cannot be ordered by POSIX time",
    "temporal.precision": "finer than nanoseconds, and cutting silently is forbidden",
    "temporal.offset": "the offset from UTC does not exist",
    "temporal.offset_missing": "the contract asks for an offset from UTC and there is none",
    "temporal.offset_unexpected": "the contract asks for local time and there is an offset from UTC",
    "temporal.minimum": "the moment is before the contract's minimum",
    "temporal.maximum": "the moment is after the contract's maximum",
    # arrays, objects, maps
    "array.min_items": "the array has fewer items than the contract says",
    "array.max_items": "the array has more items than the contract says",
    "array.unique_items": "the array has equal items",
    "object.min_properties": "the object has fewer members than the contract says",
    "object.max_properties": "the object has more members than the contract says",
    # rules across fields
    "rule.broken": "a rule of the contract says no",
    "rule.error": "a rule could not be evaluated: a field that it reads is missing, of another type or out of range",
    "rule.budget": "a rule needs more steps on this record than the budget allows",
    "rules.more": "more rules are broken than are named",
    # the key
    "key.missing": "the contract asks for a key and it is null or empty",
    "key.encoding": "the key is not UTF-8 text",
}
"""Reason code -> sentence."""
