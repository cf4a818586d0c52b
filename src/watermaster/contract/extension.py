"""Our own extensions: `customProperties` of the vendor `watermaster`. Other vendors' are kept and left alone.

On an object under `schema`:
- `tombstones`: `pass` (default), `hold` or `drop`: what a null value means;
- `unknownFields`: `allow` (default) or `hold`: members that the contract does not describe;
- `encoding`: `json` (default), `json-schema` or `avro` (both with the frame of a schema registry); without it,
  `format: avro` of all Kafka servers says the same as `avro`;
- `holdBudget`: `{share, window, minimum}` of the breaker;
- `limits`: `{valueBytesMax, depthMax, elementsMax, integerDigitsMax}` on hostile input;
- `key`: `{required, encoding: string|json|json-schema|avro|bytes, …}`, the rest as on a property, for the record's key.

On a rule under `quality`:
- `onFailure`: `hold` (default) or `drop`;
- `message`: what to say of a record that breaks it (default: the rule's description).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from watermaster.contract.checks import (
    Encoding,
    HoldBudget,
    KeyCheck,
    Limits,
    LogicalType,
    TombstonePolicy,
    UnknownFields,
)
from watermaster.contract.fields import Element, compile_field
from watermaster.contract.findings import Findings, Node, mapping, mappings, text
from watermaster.contract.official_schema import EXTENSION_PLACES, RECORD_KEY, VENDOR, extension_schema
from watermaster.contract.problem import ProblemCode, join_path, nearest, quoted, suggest
from watermaster.contract.schema_problems import Judged, schema_problems
from watermaster.contract.yaml_text import Json

_OURS = frozenset(name for names in EXTENSION_PLACES.values() for name in names)
_TEXT_KEYS = frozenset({LogicalType.STRING, LogicalType.DATE, LogicalType.TIMESTAMP, LogicalType.TIME})
_KEY_PATH = "key"


@dataclass(frozen=True, slots=True)
class Extensions:
    """Our valid properties on one element: value and place in the document by name."""

    values: Node = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


def read_extensions(node: Node, place: str, kind: str, findings: Findings) -> Extensions:
    """Our properties on one element; `kind` is a key of `EXTENSION_PLACES`. What is wrong with them is a problem."""
    found = Extensions()
    for index, entry in enumerate(mappings(node.get("customProperties"))):
        here = f"{place}.customProperties[{index}]"
        name = text(entry.get("property")) or ""
        if entry.get("vendor") != VENDOR or name not in EXTENSION_PLACES[kind]:
            continue  # `check_extensions` has its say on these
        if name in found.values:
            message = f"the property {quoted(name)} is given twice"
            findings.problem(ProblemCode.NAME_CLASH, message, "Keep one of them.", here)
            continue
        value = entry.get("value")
        judged = Judged(
            extension_schema(name), value, findings.read.source, findings.read.positions, f"{here}.value", f"'{name}'"
        )
        problems = schema_problems(judged)
        findings.problems.extend(problems)
        if not problems:
            found.values[name] = value
            found.places[name] = f"{here}.value"
    return found


def check_extensions(findings: Findings) -> None:
    """Look over every `customProperties` of the document for ours that nobody would read."""
    for node, path, kind in _places(dict(findings.read.document), "$", ""):
        for index, entry in enumerate(mappings(node.get("customProperties"))):
            _check_extension(entry, f"{path}.customProperties[{index}]", kind, findings)


def _places(value: Json, path: str, kind: str) -> Iterator[tuple[Node, str, str]]:
    """Mappings with `customProperties`; `kind` is the key of the list that holds them. Values of extensions are not
    looked into: they are data, not document."""
    match value:
        case dict():
            if "customProperties" in value:
                yield value, path, kind
            for key, child in value.items():
                if key != "customProperties":
                    yield from _places(child, join_path(path, key), key)
        case list():
            for index, child in enumerate(value):
                yield from _places(child, f"{path}[{index}]", kind)


def _check_extension(entry: Node, place: str, kind: str, findings: Findings) -> None:
    vendor, name = text(entry.get("vendor")), text(entry.get("property")) or ""
    allowed = EXTENSION_PLACES.get(kind, ())
    if vendor == VENDOR:
        if name not in allowed:
            where = f"on an entry of {quoted(kind)}" if kind else "at the top of the contract"
            message = f"{VENDOR} has no property {quoted(name)} {where}"
            hint = suggest(name, allowed) if allowed else "It has none there at all."
            findings.problem(ProblemCode.UNKNOWN_EXTENSION, message, hint, f"{place}.property")
    elif vendor is not None and nearest(vendor, (VENDOR,)) is not None and name in _OURS:
        message = f"the vendor {quoted(vendor)} is nearly ours"
        findings.problem(ProblemCode.UNKNOWN_EXTENSION, message, f"Did you mean '{VENDOR}'?", f"{place}.vendor")
    elif vendor is None and name in allowed:
        line = findings.read.positions.get(place)
        at = f" (line {line.line})" if line else ""
        findings.say(f"The custom property {quoted(name)}{at} has no `vendor: {VENDOR}`, so it is not read.")


def tombstone_policy(found: Extensions) -> TombstonePolicy:
    """What a null value means: `tombstones: pass|hold|drop`."""
    return TombstonePolicy(found.values.get("tombstones", TombstonePolicy.PASS.value))


def unknown_fields(found: Extensions) -> UnknownFields:
    """Whether fields that the contract does not name pass: `unknownFields: allow|hold`."""
    return UnknownFields(found.values.get("unknownFields", UnknownFields.ALLOW.value))


def value_encoding(found: Extensions, default: Encoding) -> Encoding:
    """How values are written: `encoding: json|json-schema|avro`."""
    return Encoding(found.values.get("encoding", default.value))


def hold_budget(found: Extensions, findings: Findings) -> HoldBudget:
    """The breaker's budget; a smaller window brings its minimum down with it unless both are given."""
    value = mapping(found.values.get("holdBudget"))
    default = HoldBudget()
    window = _whole(value, "window", default.window)
    budget = HoldBudget(
        share=_share(value, default.share),
        window=window,
        minimum=_whole(value, "minimum", min(default.minimum, window)),
    )
    if budget.minimum > budget.window:
        place = found.places["holdBudget"]
        message = "`minimum` is greater than `window`, so the breaker could never trip"
        findings.problem(ProblemCode.RANGE, message, "Make it smaller.", f"{place}.minimum")
    return budget


def limits(found: Extensions) -> Limits:
    """Bounds on hostile input."""
    value = mapping(found.values.get("limits"))
    default = Limits()
    return replace(
        default,
        value_bytes_max=_whole(value, "valueBytesMax", default.value_bytes_max),
        depth_max=_whole(value, "depthMax", default.depth_max),
        elements_max=_whole(value, "elementsMax", default.elements_max),
        integer_digits_max=_whole(value, "integerDigitsMax", default.integer_digits_max),
    )


def key_element(stream: Element) -> Element:
    """The description of the record's key, with its place; empty where there is none."""
    for index, entry in enumerate(mappings(stream.node.get("customProperties"))):
        if entry.get("vendor") == VENDOR and entry.get("property") == RECORD_KEY:
            place = f"{stream.place}.customProperties[{index}].value"
            return Element(mapping(entry.get("value")), _KEY_PATH, _KEY_PATH, place)
    return Element({}, _KEY_PATH, _KEY_PATH, stream.place)


def record_key(found: Extensions, findings: Findings) -> KeyCheck:
    """The record's key: `key: {required, encoding, logicalType, …}`, described like a property."""
    node = mapping(found.values.get(RECORD_KEY))
    if not node:
        return KeyCheck()
    place = found.places[RECORD_KEY]
    required = node.get("required") is True
    encoding = Encoding(text(node.get("encoding")) or Encoding.STRING.value)
    described = {name: value for name, value in node.items() if name not in ("required", "encoding")}
    if encoding is Encoding.BYTES:
        if described:
            message = f"a key of bytes is opaque, so {quoted(next(iter(described)))} cannot be judged"
            findings.problem(ProblemCode.ENCODING, message, "Remove it, or write `encoding: string`.", place)
        return KeyCheck(required, encoding)
    if encoding is Encoding.STRING:
        described.setdefault("logicalType", LogicalType.STRING.value)
    check = compile_field(Element(described, _KEY_PATH, _KEY_PATH, place), findings)
    if encoding is Encoding.STRING and check.type not in _TEXT_KEYS:
        message = f"a key of the type {check.type.value} is not read from plain text"
        findings.problem(ProblemCode.ENCODING, message, "Write `encoding: json`.", place)
    return KeyCheck(required, encoding, check)


def _whole(value: Node, name: str, default: int) -> int:
    number = value.get(name)
    return int(number) if isinstance(number, int | float) else default


def _share(value: Node, default: float) -> float:
    number = value.get("share")
    return float(number) if isinstance(number, int | float) else default
