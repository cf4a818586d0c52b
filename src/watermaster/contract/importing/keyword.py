"""The keywords of JSON Schema by what becomes of them, and why some are left out."""

from __future__ import annotations

from typing import Final

STRUCTURE: Final = frozenset(
    {"$schema", "$id", "id", "$defs", "definitions", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary"}
)
"""They name things and judge nothing."""
TITLES: Final = frozenset({"title", "description"})
NOTES: Final = ("default", "examples", "deprecated", "readOnly", "writeOnly", "$comment",
                "contentEncoding", "contentMediaType")  # fmt: skip
"""They judge nothing, and stand as comments in the contract."""
ANNOTATIONS: Final = STRUCTURE | TITLES | frozenset(NOTES)
COMBINED: Final = frozenset({"$ref", "allOf", "anyOf", "oneOf", "not", "type", "enum", "const"})
"""Read before any other, since they say of which kind a value is."""

OF_STRINGS: Final = frozenset({"minLength", "maxLength", "pattern", "format"})
OF_NUMBERS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
OF_ARRAYS: Final = frozenset(
    {"items", "minItems", "maxItems", "uniqueItems", "prefixItems", "additionalItems", "unevaluatedItems", "contains",
     "minContains", "maxContains"}
)  # fmt: skip
OF_OBJECTS: Final = frozenset(
    {"properties", "required", "additionalProperties", "minProperties", "maxProperties", "patternProperties",
     "propertyNames", "unevaluatedProperties", "dependentRequired", "dependentSchemas", "dependencies"}
)  # fmt: skip

READ_OF_ARRAYS: Final = frozenset({"items", "minItems", "maxItems", "uniqueItems"})
READ_OF_OBJECTS: Final = frozenset(
    {"properties", "required", "additionalProperties", "minProperties", "maxProperties", "patternProperties",
     "propertyNames", "unevaluatedProperties"}
)  # fmt: skip

NO_ALTERNATIVES: Final = "a contract has no alternatives"
ONE_TYPE: Final = "a field of a contract has one type"
MAY_BE_NULL: Final = "null passes here: what may be missing may be null in a contract"
RECURSIVE: Final = "it contains itself, and is open from here on"
_NO_WORD: Final = "a contract has no word for it"
_WHY: Final = {
    "if": "a contract has no conditions but rules in CEL",
    "then": "a contract has no conditions but rules in CEL",
    "else": "a contract has no conditions but rules in CEL",
    "dependencies": "a contract has no conditions but rules in CEL",
    "dependentRequired": "a contract has no conditions but rules in CEL",
    "dependentSchemas": "a contract has no conditions but rules in CEL",
    "prefixItems": "the items of a list are described alike",
    "additionalItems": "the items of a list are described alike",
    "unevaluatedItems": "the items of a list are described alike",
    "$dynamicRef": "references that depend on where they are met are not followed",
    "$recursiveRef": "references that depend on where they are met are not followed",
    "nullable": "it is no keyword of JSON Schema; there, null is one of the types",
    **dict.fromkeys(("contains", "minContains", "maxContains", "not", "contentSchema"), _NO_WORD),
    **dict.fromkeys(OF_OBJECTS | OF_ARRAYS | OF_NUMBERS | OF_STRINGS, _NO_WORD),
}


def why_left_out(keyword: str) -> str:
    """The reason, for a keyword that has no counterpart at all."""
    return _WHY.get(keyword, "it is no keyword of JSON Schema")


def why_silent(keyword: str, read: frozenset[str]) -> str | None:
    """The reason, for a keyword that speaks of another kind of value than the one that is read; None for others."""
    for kind, words in (("texts", OF_STRINGS), ("numbers", OF_NUMBERS), ("lists", OF_ARRAYS), ("objects", OF_OBJECTS)):
        if keyword in words and not words & read:
            return f"it speaks of {kind} alone, and the schema does not say that this is one"
    return None
