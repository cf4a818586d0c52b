"""A JSON schema's errors, each as one helpful sentence with its place in the contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jsonschema_rs
from jsonschema_rs import ValidationError

from watermaster.contract.known_keys import KnownKeys, known_keys, resolve
from watermaster.contract.official_schema import JsonSchema
from watermaster.contract.problem import (
    PROBLEMS_MAX,
    QUOTED_CHARACTERS_MAX,
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

_Steps: TypeAlias = tuple[PathStep, ...]
_Finding: TypeAlias = tuple[ProblemCode, str, str, _Steps]
"""Code, message, hint, path inside the judged data."""

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


@dataclass(frozen=True, slots=True)
class Judged:
    """A part of a document and the schema that judges it; `root` is its path, `subject` its name in sentences."""

    schema: JsonSchema
    data: Json
    source: str
    positions: Mapping[str, Position]
    root: str = "$"
    subject: str = "the contract"


def schema_problems(judged: Judged) -> tuple[Problem, ...]:
    """What the schema refuses. At most `PROBLEMS_MAX` problems, in the order of the text."""
    problems: dict[tuple[str, str], Problem] = {}
    for error in jsonschema_rs.Draft201909Validator(judged.schema).iter_errors(judged.data):
        for code, message, hint, steps in _findings(judged, error):
            path = judged.root
            for step in steps:
                path = join_path(path, step)
            place = locate(judged.positions, path)
            line, column = (place.line, place.column) if place else (None, None)
            problems.setdefault((path, message), Problem(code, message, hint, judged.source, line, column, path))
        if len(problems) >= PROBLEMS_MAX:
            break
    return _ordered(problems)[:PROBLEMS_MAX]


def _ordered(problems: Mapping[tuple[str, str], Problem]) -> tuple[Problem, ...]:
    """By place in the text, without those that only follow from another."""
    paths: dict[ProblemCode, set[str]] = defaultdict(set)
    for problem in problems.values():
        paths[problem.code].add(problem.path)
    misspelt = {_parent(path) for path in paths[ProblemCode.UNKNOWN_KEY] | paths[ProblemCode.UNKNOWN_VALUE]}
    echoes = {
        # A key is misplaced because the sibling that would place it is misspelt or missing.
        ProblemCode.MISPLACED_KEY: lambda path: _parent(path) in misspelt | paths[ProblemCode.MISSING_KEY],
        # The valid values are named, so their type need not be.
        ProblemCode.WRONG_TYPE: lambda path: path in paths[ProblemCode.UNKNOWN_VALUE],
        # It has none of several forms, because it lacks a key of the one that was meant.
        ProblemCode.WRONG_VALUE: lambda path: path in paths[ProblemCode.MISSING_KEY],
    }
    kept = [
        problem for problem in problems.values() if problem.code not in echoes or not echoes[problem.code](problem.path)
    ]
    return tuple(sorted(kept, key=lambda problem: (problem.line or 0, problem.column or 0, problem.path)))


def _parent(path: str) -> str:
    return path[: max(path.rfind("."), path.rfind("["))]


def _findings(judged: Judged, error: ValidationError) -> Iterator[_Finding]:
    """One error of the schema as findings: none if it only follows from another, several for several keys."""
    steps = tuple(error.instance_path)
    found = error.kind.as_dict()
    match error.kind.name:
        case "additionalProperties" | "unevaluatedProperties":
            yield from _unexpected(judged, error, found["unexpected"])
        case "required":
            yield _missing(judged, found["property"], steps)
        case "not":
            names = ", ".join(quoted(name) for name in found["schema"].get("required", ()))
            yield (
                ProblemCode.MISPLACED_KEY,
                f"{_named(judged, steps)} must not have the key {names}",
                "Remove it.",
                steps,
            )
        case "enum":
            value = _at(judged.data, steps)
            valid = [str(option) for option in found["options"]]
            message = f"{_named(judged, steps)} cannot be {quoted(value)}"
            yield ProblemCode.UNKNOWN_VALUE, message, suggest(str(value), valid), steps
        case "type":
            yield _wrong_type(judged, error, found["types"])
        case "oneOf" | "anyOf":
            yield from _no_branch(judged, error)
        case _:
            yield ProblemCode.WRONG_VALUE, f"{_named(judged, steps)} is refused: {_shown(error)}", "", steps


def _unexpected(judged: Judged, error: ValidationError, names: Sequence[str]) -> Iterator[_Finding]:
    keys = known_keys(judged.schema, _schema_node(judged.schema, error.schema_path), error.instance)
    for name in names:
        # A key that is known here only lost its evaluation to another error, which is reported itself.
        if name not in keys.here:
            yield _unexpected_key(name, keys, tuple(error.instance_path))


def _unexpected_key(name: str, keys: KnownKeys, steps: _Steps) -> _Finding:
    if name in keys.elsewhere:
        message = f"the key {quoted(name)} does not belong here"
        return ProblemCode.MISPLACED_KEY, message, keys.elsewhere[name], (*steps, name)
    return ProblemCode.UNKNOWN_KEY, f"there is no key {quoted(name)} here", suggest(name, keys.here), (*steps, name)


def _schema_node(schema: JsonSchema, schema_path: Sequence[str | int]) -> JsonSchema:
    """The schema that holds the failing keyword; references on the way are followed."""
    node: Any = schema
    for step in schema_path[:-1]:
        if isinstance(node, dict) and (step == "$ref" or step not in node):
            node = resolve(schema, node)
        if step != "$ref":
            node = node[step]
    return node if isinstance(node, dict) else {}


def _missing(judged: Judged, name: str, steps: _Steps) -> _Finding:
    message = f"{_named(judged, steps)} lacks the key {quoted(name)}"
    return ProblemCode.MISSING_KEY, message, f"Add {quoted(name)}.", steps


def _wrong_type(judged: Judged, error: ValidationError, types: Sequence[str]) -> _Finding:
    steps = tuple(error.instance_path)
    value = _at(judged.data, steps)
    hint = ""
    if "string" in types and isinstance(value, int | float):
        hint = "Put it in quotes."
    elif "boolean" in types and isinstance(value, str) and value.casefold() in _BOOLEAN_WORDS:
        hint = "In YAML 1.2 that is a text: write `true` or `false`."
    elif "EnumValue" in error.schema_path and "object" in types:
        hint = f"Write `- value: {value}`."
    message = f"{_named(judged, steps)} must be {_type_words(types)}, not {_kind(value)}"
    return ProblemCode.WRONG_TYPE, message, hint, steps


def _no_branch(judged: Judged, error: ValidationError) -> Iterator[_Finding]:
    """Of several alternatives none fits, or more than one: what the one that was meant lacks."""
    steps = tuple(error.instance_path)
    value = _at(judged.data, steps)
    if "DataQualityOperators" in error.schema_path:
        yield _operators(judged, value if isinstance(value, dict) else {}, steps)
        return
    branches: list[list[ValidationError]] = list(error.kind.as_dict().get("context", []))
    meant = [branch for branch in branches if not any(_is_type_of(finding, steps) for finding in branch)]
    types = list(dict.fromkeys(_types(branches)))
    if len(meant) == 1:
        for finding in meant[0]:
            yield from _findings(judged, finding)
    elif types and not meant:
        message = f"{_named(judged, steps)} must be {_type_words(types)}, not {_kind(value)}"
        yield ProblemCode.WRONG_TYPE, message, "", steps
    else:
        hint = "A reference is written object.property." if steps and steps[-1] in ("from", "to") else ""
        yield ProblemCode.WRONG_VALUE, f"{_named(judged, steps)} has none of the forms that ODCS knows", hint, steps


def _is_type_of(finding: ValidationError, steps: _Steps) -> bool:
    return finding.kind.name == "type" and tuple(finding.instance_path) == steps


def _types(branches: Sequence[Sequence[ValidationError]]) -> Iterator[str]:
    for branch in branches:
        for finding in branch:
            if finding.kind.name == "type":
                yield from finding.kind.as_dict()["types"]


def _operators(judged: Judged, rule: Mapping[str, Json], steps: _Steps) -> _Finding:
    branches = judged.schema["$defs"]["DataQualityOperators"]["oneOf"]
    valid = {key for branch in branches for key in branch["required"]}
    given = [key for key in rule if key in valid]
    subject = _named(judged, steps)
    if not given:
        unknown = next((key for key in rule if key.casefold().startswith("must")), "")
        return ProblemCode.MISSING_KEY, f"{subject} needs an operator to compare with", suggest(unknown, valid), steps
    if len(given) > 1:
        message = f"{subject} has several operators: {', '.join(given)}"
        return ProblemCode.WRONG_VALUE, message, "Keep one, or write two rules.", steps
    wanted = "a list of two different numbers" if given[0].endswith("Between") else "a number"
    return ProblemCode.WRONG_TYPE, f"'{given[0]}' must be {wanted}", "", (*steps, given[0])


def _at(data: Json, steps: Sequence[PathStep]) -> Json:
    value: Any = data
    for step in steps:
        value = value[step]
    plain: Json = value
    return plain


def _named(judged: Judged, steps: Sequence[PathStep]) -> str:
    """The last key in quotes; an item of a list is named by its list."""
    names = [step for step in steps if isinstance(step, str)]
    if not names:
        return judged.subject
    return f"an item of '{names[-1]}'" if isinstance(steps[-1], int) else f"'{names[-1]}'"


def _type_words(types: Sequence[str]) -> str:
    names = [name for name in types if name != "integer" or "number" not in types]
    return " or ".join(_TYPE_WORDS.get(name, name) for name in names)


def _kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return f"the number {str(value)[:QUOTED_CHARACTERS_MAX]}"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a mapping"


def _shown(error: ValidationError) -> str:
    text = error.message
    return text if len(text) <= MESSAGE_CHARACTERS_MAX else text[: MESSAGE_CHARACTERS_MAX - 1] + "…"
