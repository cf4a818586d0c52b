"""Properties of an ODCS document compiled into `FieldCheck`s, with their children.

Decisions where ODCS leaves room:
- The member of the JSON object is called by `physicalName` if there is one, else by `name`.
- A primary key identifies its record, so `primaryKey: true` implies `required: true`, unless the contract says
  `required: false` in so many words (many tools write it out, and the contract's own word wins).
- A property that is not required may be absent or null. Items of an array are judged alike: null unless required.
- `vector` is an array of numbers of fixed length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from watermaster.contract.checks import FieldCheck, LogicalType, Range
from watermaster.contract.findings import Findings, Node, mapping, mappings, text
from watermaster.contract.options import compile_options
from watermaster.contract.problem import ProblemCode, join_path, quoted, suggest
from watermaster.contract.scalars import compile_enum

_VECTOR_ITEMS: dict[str, tuple[LogicalType, str | None, Range | None]] = {
    "int8": (LogicalType.INTEGER, "i8", None),
    "uint8": (LogicalType.INTEGER, "u8", None),
    "binary": (LogicalType.INTEGER, None, Range(minimum=Decimal(0), maximum=Decimal(1))),
    "float64": (LogicalType.NUMBER, "f64", None),
}
"""JSON form of one vector element; the other element types are floats of 32 bits or less."""
_KEY_TYPES = frozenset({LogicalType.STRING, LogicalType.DATE, LogicalType.TIMESTAMP, LogicalType.TIME, LogicalType.ANY})
"""Keys of a JSON object are texts."""


@dataclass(frozen=True, slots=True)
class Element:
    """A property of the document: its node, the name and path of its value, and its own place in the document."""

    node: Node
    name: str
    path: str
    place: str


def member_elements(parent: Element) -> Iterator[Element]:
    """The properties of an object, each with the name that the JSON member has."""
    for index, node in enumerate(mappings(parent.node.get("properties"))):
        name = text(node.get("physicalName")) or text(node.get("name")) or ""
        yield Element(node, name, join_path(parent.path, name), f"{parent.place}.properties[{index}]")


def item_element(parent: Element) -> Element | None:
    """The description of an array's items, if any."""
    node = parent.node.get("items")
    return None if node is None else Element(mapping(node), "", f"{parent.path}[]", f"{parent.place}.items")


def map_elements(parent: Element) -> tuple[Element, Element] | None:
    """The descriptions of a map's keys (`$.m.~`) and values (`$.m.*`), if any."""
    node = parent.node.get("map")
    if node is None:
        return None
    key, value = mapping(mapping(node).get("key")), mapping(mapping(node).get("value"))
    return (
        Element(key, "", f"{parent.path}.~", f"{parent.place}.map.key"),
        Element(value, "", f"{parent.path}.*", f"{parent.place}.map.value"),
    )


def descendants(parent: Element) -> Iterator[Element]:
    """The element and everything below it, in the order of the document."""
    yield parent
    item, pair = item_element(parent), map_elements(parent)
    for child in (*member_elements(parent), *((item,) if item else ()), *(pair or ())):
        yield from descendants(child)


def compile_field(element: Element, findings: Findings) -> FieldCheck:
    """What the value of one property must satisfy. Recursion is bounded by the reader's depth limit."""
    node = element.node
    check = FieldCheck(
        name=element.name,
        path=element.path,
        type=_logical_type(element, findings),
        required=_required(element, findings),
        classification=text(node.get("classification")),
    )
    if node.get("logicalType") == "vector":
        check = _vector(check, node, findings)
    else:
        options = mapping(node.get("logicalTypeOptions"))
        check = compile_options(check, options, f"{element.place}.logicalTypeOptions", findings)
    check = replace(check, enum=compile_enum(node.get("enum"), check, f"{element.place}.enum", findings))
    _say_unjudged(element, findings)
    return _with_children(check, element, findings)


def untyped_sentence(path: str) -> str:
    """What is said of a field without a logical type."""
    return f"{path}: the contract names no logical type, so every JSON value passes as one."


def _logical_type(element: Element, findings: Findings) -> LogicalType:
    name = text(element.node.get("logicalType"))
    if name is None:
        findings.say(untyped_sentence(element.path))
        return LogicalType.ANY
    return LogicalType.ARRAY if name == "vector" else LogicalType(name)


def _required(element: Element, findings: Findings) -> bool:
    required, primary = element.node.get("required"), element.node.get("primaryKey") is True
    if primary and required is False:
        findings.say(f"{element.path} is a primary key that may be missing: the contract says `required: false`.")
    return required is True or (primary and required is not False)


def _say_unjudged(element: Element, findings: Findings) -> None:
    if element.node.get("unique") is True or element.node.get("primaryKey") is True:
        findings.say(repeat_sentence(element))
    if element.node.get("relationships"):
        findings.say(f"{element.path} refers to another object: that its values exist there is not judged on a record.")


def repeat_sentence(element: Element) -> str:
    """Says of a unique property, or of one of a primary key, that this is nothing that one record shows."""
    what = "a primary key" if element.node.get("primaryKey") is True else "unique"
    return f"{element.path} is {what}: that it never repeats is judged over many records, not on one."


def _vector(check: FieldCheck, node: Node, findings: Findings) -> FieldCheck:
    options = mapping(node.get("logicalTypeOptions"))
    kind, number_format, bounds = _VECTOR_ITEMS.get(
        str(options.get("elementType", "float32")), (LogicalType.NUMBER, "f32", None)
    )
    items = FieldCheck("", f"{check.path}[]", kind, required=True, format=number_format, range=bounds)
    if options.get("normalized") is True:
        findings.say(f"{check.path}: that the vector is normalized is not judged.")
    size = options.get("dimensions")
    count = int(size) if isinstance(size, int | float) else None
    return replace(check, items=items, min_items=count, max_items=count)


def _with_children(check: FieldCheck, element: Element, findings: Findings) -> FieldCheck:
    match check.type:
        case LogicalType.OBJECT:
            return _with_members(check, element, findings)
        case LogicalType.ARRAY:
            item = item_element(element)
            return check if item is None else replace(check, items=compile_field(item, findings))
        case LogicalType.MAP:
            return _with_entries(check, element, findings)
        case _:
            return check


def _with_members(check: FieldCheck, element: Element, findings: Findings) -> FieldCheck:
    members: dict[str, FieldCheck] = {}
    names: dict[str, str] = {}
    for child in member_elements(element):
        logical = text(child.node.get("name")) or child.name
        if child.name in members or logical in names:
            message = f"the property {quoted(child.name)} is described twice"
            findings.problem(ProblemCode.NAME_CLASH, message, "Keep one of them.", child.place)
            continue
        names[logical] = child.name
        members[child.name] = compile_field(child, findings)
    required = []
    for index, name in enumerate(check.required_names):
        if members and name not in names and name not in members:
            message = f"`required` names {quoted(name)}, which is no property here"
            place = f"{element.place}.logicalTypeOptions.required[{index}]"
            findings.problem(ProblemCode.UNKNOWN_PROPERTY, message, suggest(name, names), place)
        required.append(names.get(name, name))
    return replace(check, properties=tuple(members.values()), required_names=tuple(required))


def _with_entries(check: FieldCheck, element: Element, findings: Findings) -> FieldCheck:
    pair = map_elements(element)
    if pair is None:
        return check
    key, value = (compile_field(part, findings) for part in pair)
    if key.type not in _KEY_TYPES:
        message = f"the keys of a JSON object are texts, not of the type {key.type.value}"
        hint = "Write `logicalType: string`, with a pattern for digits."
        findings.problem(ProblemCode.OPTION_MISFIT, message, hint, f"{pair[0].place}.logicalType")
    return replace(check, map_key=key, map_value=value)
