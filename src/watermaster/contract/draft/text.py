"""A draft as an ODCS document: YAML with comments, which our own reader and every other one take alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from watermaster.contract.checks import Encoding
from watermaster.contract.draft.value import ContractDraft, DraftOption, DraftScalar, FieldDraft, KeyDraft, RuleDraft

API_VERSION: Final = "v3.2.0"

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_YAML_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_COMMENT_CHARACTERS_MAX: Final = 500


def draft_text(draft: ContractDraft) -> str:
    """The document. Deterministic: the same draft gives the same bytes."""
    return "\n".join([*_head(draft), *_schema(draft), ""])


def contract_id(name: str) -> str:
    """A topic's or file's name as an id: letters, digits and dashes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "stream"


def quoted(text: str) -> str:
    """A text as a YAML scalar: plain where that is safe, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _YAML_WORDS:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"  # noqa: PLR2004 - YAML's two escapes


def _scalar(value: DraftScalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _comment(text: str, indent: str) -> str:
    """Nothing in a comment can begin a new line."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return f"{indent}# {shown[:_COMMENT_CHARACTERS_MAX]}"


def _head(draft: ContractDraft) -> Iterator[str]:
    for comment in draft.comments:
        yield _comment(comment, "")
    yield f"apiVersion: {API_VERSION}"
    yield "kind: DataContract"
    yield f"id: {quoted(draft.id)}"
    yield f"version: {quoted(draft.version)}"
    yield "status: draft"
    if draft.description:
        yield "description:"
        yield f"  purpose: {quoted(draft.description)}"


def _schema(draft: ContractDraft) -> Iterator[str]:
    yield "schema:"
    yield f"  - name: {quoted(draft.object_name)}"
    yield f"    physicalName: {quoted(draft.physical_name)}"
    yield f"    physicalType: {quoted(draft.physical_type)}"
    yield "    logicalType: object"
    if draft.key is not None or draft.unknown_fields_held or draft.encoding is not Encoding.JSON:
        yield "    customProperties:"
    if draft.encoding is not Encoding.JSON:
        yield f"      - {{property: encoding, value: {draft.encoding.value}, vendor: watermaster}}"
    if draft.unknown_fields_held:
        yield "      - {property: unknownFields, value: hold, vendor: watermaster}"
    if draft.key is not None:
        yield from _key(draft.key)
    if draft.rules:
        yield "    quality:"
        for rule in draft.rules:
            yield from _rule(rule)
    if draft.fields:
        yield "    properties:"
        for field in draft.fields:
            yield from _property(field, "      ")


def _key(key: KeyDraft) -> Iterator[str]:
    for comment in key.comments:
        yield _comment(comment, "      ")
    yield "      - property: key"
    yield "        vendor: watermaster"
    yield "        value:"
    yield f"          required: {_scalar(key.required)}"
    if key.encoding is not Encoding.STRING:
        yield f"          encoding: {key.encoding.value}"
    yield from _body(key.described, "          ")


def _rule(rule: RuleDraft) -> Iterator[str]:
    for comment in rule.comments:
        yield _comment(comment, "      ")
    yield f"      - id: {quoted(rule.id)}"
    yield "        type: custom"
    yield "        engine: cel"
    yield "        severity: error"
    yield f"        description: {quoted(rule.description)}"
    yield f"        implementation: {quoted(rule.expression)}"


def _property(field: FieldDraft, indent: str) -> Iterator[str]:
    for comment in field.comments:
        yield _comment(comment, indent)
    yield f"{indent}- name: {quoted(field.name)}"
    yield from _body(field, indent + "  ")


def _body(field: FieldDraft, indent: str) -> Iterator[str]:
    if field.logical_type is not None:
        yield f"{indent}logicalType: {field.logical_type}"
    if field.required:
        yield f"{indent}required: true"
    if field.unique:
        yield f"{indent}unique: true"
    if field.classification is not None:
        yield f"{indent}classification: {quoted(field.classification)}"
    if field.description:
        yield f"{indent}description: {quoted(field.description)}"
    yield from _options(field.options, indent)
    if field.enum:
        yield f"{indent}enum:"
        for value in field.enum:
            yield f"{indent}  - value: {_scalar(value)}"
    yield from _children(field, indent)


def _options(options: Mapping[str, DraftOption], indent: str) -> Iterator[str]:
    if options:
        yield f"{indent}logicalTypeOptions:"
        for name, value in options.items():
            if isinstance(value, tuple):
                yield f"{indent}  {name}:"
                yield from (f"{indent}    - {quoted(one)}" for one in value)
            else:
                yield f"{indent}  {name}: {_scalar(value)}"


def _children(field: FieldDraft, indent: str) -> Iterator[str]:
    if field.properties:
        yield f"{indent}properties:"
        for child in field.properties:
            yield from _property(child, indent + "  ")
    if field.items is not None:
        yield from _part("items", field.items, indent)
    if field.map_key is not None and field.map_value is not None:
        yield f"{indent}map:"
        yield from _part("key", field.map_key, indent + "  ")
        yield from _part("value", field.map_value, indent + "  ")


def _part(name: str, field: FieldDraft, indent: str) -> Iterator[str]:
    body = list(_body(field, indent + "  "))
    for comment in field.comments:
        yield _comment(comment, indent)
    if body:
        yield f"{indent}{name}:"
        yield from body
    else:
        yield f"{indent}{name}: {{}}"
