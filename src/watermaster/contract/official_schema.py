"""The official JSON schema of ODCS 3.2, and its errors as one helpful sentence each.

One defect of the published schema is mended: its conditions on `logicalType` also hold where there is none (a JSON
schema `if` on an absent key is true), so that a property without logical type would be refused for lacking `map`,
although the standard leaves the logical type out freely. Each such condition gets the `required` that was meant.
Nothing else is changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import jsonschema_rs
from jsonschema_rs import ValidationError
from open_data_contract_standard.model import OpenDataContractStandard

from watermaster.contract.known_keys import KnownKeys, known_keys, resolve
from watermaster.contract.problem import (
    PROBLEMS_MAX,
    PathStep,
    Position,
    Problem,
    ProblemCode,
    join_path,
    locate,
    quoted,
    suggest,
)
from watermaster.contract.yaml_text import Json

_Finding: TypeAlias = tuple[ProblemCode, str, str, tuple[PathStep, ...]]
"""Code, message, hint, instance path."""

_TYPE_WORDS = {
    "string": "a text",
    "object": "a mapping",
    "array": "a list",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "null": "null",
}
_BOOLEAN_WORDS = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})
MESSAGE_CHARACTERS_MAX = 200
"""The validator's own messages repeat the value, which may be large."""


@cache
def official_schema() -> dict[str, Any]:
    """The schema as shipped by its authors, with the one mend described above."""
    schema: dict[str, Any] = json.loads(
        OpenDataContractStandard.json_schema()  # type: ignore[no-untyped-call]  # the package has no annotation there
    )
    for branch in schema["$defs"]["SchemaBaseProperty"]["allOf"]:
        condition = branch.get("if", {})
        for alternative in condition.get("anyOf", [condition]):
            if "logicalType" in alternative.get("properties", {}):
                alternative["required"] = ["logicalType"]
    return schema


@cache
def _validator(definition: str) -> jsonschema_rs.Draft201909Validator:
    schema = official_schema()
    if definition:
        schema = {"$schema": schema["$schema"], "$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}
    return jsonschema_rs.Draft201909Validator(schema)


def schema_problems(
    data: Json, source: str, positions: Mapping[str, Position], *, root: str = "$", definition: str = ""
) -> tuple[Problem, ...]:
    """What the official schema refuses in `data`; with `definition`, a part judged by that `$defs` entry.

    `root` is the JSON path of `data` in the document. At most `PROBLEMS_MAX` problems, in the order of the text.
    """
    problems: dict[tuple[str, str], Problem] = {}
    for error in _validator(definition).iter_errors(data):
        for code, message, hint, steps in _findings(error, data):
            path = root
            for step in steps:
                path = join_path(path, step)
            place = locate(positions, path)
            line, column = (place.line, place.column) if place else (None, None)
            problems.setdefault((path, message), Problem(code, message, hint, source, line, column, path))
            if len(problems) >= PROBLEMS_MAX:
                return _ordered(problems)
    return _ordered(problems)


def _ordered(problems: Mapping[tuple[str, str], Problem]) -> tuple[Problem, ...]:
    """By place in the text, without the key that is misplaced only because its sibling is misspelt."""
    misspelt = {
        _parent(problem.path)
        for problem in problems.values()
        if problem.code in (ProblemCode.UNKNOWN_KEY, ProblemCode.UNKNOWN_VALUE)
    }
    kept = [
        problem
        for problem in problems.values()
        if problem.code is not ProblemCode.MISPLACED_KEY or _parent(problem.path) not in misspelt
    ]
    return tuple(sorted(kept, key=lambda problem: (problem.line or 0, problem.column or 0, problem.path)))


def _parent(path: str) -> str:
    return path[: max(path.rfind("."), path.rfind("["))]


def _findings(error: ValidationError, data: Json) -> Iterator[_Finding]:
    """One error of the schema as findings: none if it only follows from another, several for several keys."""
    steps = tuple(error.instance_path)
    found = error.kind.as_dict()
    match error.kind.name:
        case "additionalProperties" | "unevaluatedProperties":
            yield from _unexpected(error, found["unexpected"])
        case "required":
            yield _missing(found["property"], steps, data)
        case "enum":
            yield _not_in(error, steps, data)
        case "type":
            yield _wrong_type(error, steps, _at(data, steps))
        case "oneOf" | "anyOf":
            yield from _no_branch(error, data)
        case _:
            yield ProblemCode.WRONG_VALUE, f"{_named(steps)} is refused: {_shown(error)}", "", steps


def _unexpected(error: ValidationError, names: Sequence[str]) -> Iterator[_Finding]:
    steps = tuple(error.instance_path)
    schema_node = _schema_node(error.schema_path)
    keys = known_keys(official_schema(), schema_node, error.instance)
    for name in names:
        if name in keys.here:
            continue  # known here: it only lost its evaluation to another error that is reported itself
        yield _unexpected_key(name, keys, steps)


def _unexpected_key(name: str, keys: KnownKeys, steps: tuple[PathStep, ...]) -> _Finding:
    place = (*steps, name)
    if name in keys.elsewhere:
        return ProblemCode.MISPLACED_KEY, f"{quoted(name)} does not belong here", keys.elsewhere[name], place
    return ProblemCode.UNKNOWN_KEY, f"ODCS has no key {quoted(name)} here", suggest(name, keys.here), place


def _schema_node(schema_path: Sequence[str | int]) -> dict[str, Any]:
    """The schema that holds the failing keyword; references on the way are followed."""
    schema = official_schema()
    node: Any = schema
    for step in schema_path[:-1]:
        if isinstance(node, dict) and (step == "$ref" or step not in node):
            node = resolve(schema, node)
        if step != "$ref":
            node = node[step]
    return node if isinstance(node, dict) else {}


def _missing(name: str, steps: tuple[PathStep, ...], data: Json) -> _Finding:
    owner = _at(data, steps)
    near = suggest(name, [key for key in owner if isinstance(key, str)]) if isinstance(owner, dict) else ""
    hint = f"Add {quoted(name)}."
    if near.startswith("Did you mean"):
        hint = f"Add {quoted(name)}, or rename the key that means it."
    return ProblemCode.MISSING_KEY, f"{_named(steps)} lacks the key {quoted(name)}", hint, steps


def _not_in(error: ValidationError, steps: tuple[PathStep, ...], data: Json) -> _Finding:
    valid = [str(option) for option in error.kind.as_dict()["options"]]
    value = _at(data, steps)
    message = f"{_named(steps)} cannot be {quoted(value)}"
    return ProblemCode.UNKNOWN_VALUE, message, suggest(str(value), valid), steps


def _wrong_type(error: ValidationError, steps: tuple[PathStep, ...], value: Json) -> _Finding:
    types: list[str] = error.kind.as_dict()["types"]
    words = " or ".join(_TYPE_WORDS.get(name, name) for name in types)
    hint = ""
    if "string" in types and isinstance(value, int | float):
        hint = "Put it in quotes."
    elif "boolean" in types and isinstance(value, str) and value.casefold() in _BOOLEAN_WORDS:
        hint = "In YAML 1.2 that is a text: write `true` or `false`."
    elif "EnumValue" in error.schema_path and "object" in types:
        hint = f"Write `- value: {value}`."
    return ProblemCode.WRONG_TYPE, f"{_named(steps)} must be {words}, not {_kind(value)}", hint, steps


def _no_branch(error: ValidationError, data: Json) -> Iterator[_Finding]:
    """Of several alternatives none fits, or more than one: what the one that was meant lacks."""
    steps = tuple(error.instance_path)
    value = _at(data, steps)
    if "DataQualityOperators" in error.schema_path:
        yield _operators(value if isinstance(value, dict) else {}, steps)
        return
    branches: list[list[ValidationError]] = list(error.kind.as_dict().get("context", []))
    meant = [branch for branch in branches if not any(_is_type_of(finding, steps) for finding in branch)]
    if len(meant) == 1:
        for finding in meant[0]:
            yield from _findings(finding, data)
        return
    types = dict.fromkeys(_types(branches))
    if types and not meant:
        words = " or ".join(_TYPE_WORDS.get(name, name) for name in types)
        yield ProblemCode.WRONG_TYPE, f"{_named(steps)} must be {words}, not {_kind(value)}", "", steps
        return
    yield ProblemCode.WRONG_VALUE, f"{_named(steps)} has none of the forms that ODCS knows", _form_hint(steps), steps


def _is_type_of(finding: ValidationError, steps: tuple[PathStep, ...]) -> bool:
    return finding.kind.name == "type" and tuple(finding.instance_path) == steps


def _types(branches: Sequence[Sequence[ValidationError]]) -> Iterator[str]:
    for branch in branches:
        for finding in branch:
            if finding.kind.name == "type":
                yield from finding.kind.as_dict()["types"]


def _form_hint(steps: tuple[PathStep, ...]) -> str:
    if steps and steps[-1] in ("from", "to"):
        return "A reference is written object.property."
    return ""


def _operators(rule: Mapping[str, Json], steps: tuple[PathStep, ...]) -> _Finding:
    valid = {
        key for branch in official_schema()["$defs"]["DataQualityOperators"]["oneOf"] for key in branch["required"]
    }
    given = [key for key in rule if key in valid]
    listed = f"One of: {', '.join(sorted(valid))}."
    if not given:
        unknown = [key for key in rule if key.startswith(("must", "Must"))]
        hint = suggest(unknown[0], valid) if unknown else listed
        return ProblemCode.MISSING_KEY, f"{_named(steps)} needs an operator to compare with", hint, steps
    if len(given) > 1:
        message = f"{_named(steps)} has several operators: {', '.join(given)}"
        return ProblemCode.WRONG_VALUE, message, "Keep one, or write two rules.", steps
    wanted = "a list of two different numbers" if given[0].endswith("Between") else "a number"
    return ProblemCode.WRONG_TYPE, f"'{given[0]}' must be {wanted}", "", (*steps, given[0])


def _at(data: Json, steps: Sequence[PathStep]) -> Json:
    value: Any = data
    for step in steps:
        value = value[step]
    plain: Json = value
    return plain


def _named(steps: Sequence[PathStep]) -> str:
    """The last key in quotes; an item of a list is named by its list."""
    names = [step for step in steps if isinstance(step, str)]
    if not names:
        return "the contract"
    return f"an item of '{names[-1]}'" if isinstance(steps[-1], int) else f"'{names[-1]}'"


def _kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return f"the number {quoted(str(value))}"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a mapping"


def _shown(error: ValidationError) -> str:
    text = error.message
    return text if len(text) <= MESSAGE_CHARACTERS_MAX else text[: MESSAGE_CHARACTERS_MAX - 1] + "…"
