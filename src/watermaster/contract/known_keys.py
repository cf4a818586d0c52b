"""Which keys a part of an ODCS document may have: here, and under which condition elsewhere.

JSON schema says only that a key is unexpected. This walks the schema's `$ref`, `allOf` and `if/then` to tell a
misspelt key from one that belongs to another type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import jsonschema_rs

_Schema: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """`here`: allowed on this value. `elsewhere`: allowed under another condition, which the text names."""

    here: frozenset[str]
    elsewhere: dict[str, str]


def resolve(schema: _Schema, node: _Schema) -> _Schema:
    """The node, with its local `$ref` followed and merged under it (both count, as in draft 2019-09)."""
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    target: Any = schema
    for step in reference.removeprefix("#/").split("/"):
        target = target[step]
    merged = dict(resolve(schema, target))
    merged.update({key: value for key, value in node.items() if key != "$ref"})
    return merged


def known_keys(schema: _Schema, node: _Schema, value: object) -> KnownKeys:
    """The keys that `node` and what it refers to allow on `value`."""
    here: set[str] = set()
    elsewhere: dict[str, str] = {}
    for part, condition in _parts(schema, node):
        if condition is None or jsonschema_rs.is_valid(condition, value):
            here.update(part.get("properties", {}))
        else:
            for key in part.get("properties", {}):
                elsewhere.setdefault(key, _words(condition))
    return KnownKeys(frozenset(here), {key: words for key, words in elsewhere.items() if key not in here})


def _parts(
    schema: _Schema, node: _Schema, condition: _Schema | None = None
) -> Iterator[tuple[_Schema, _Schema | None]]:
    """Every schema that adds keys to `node`, with the innermost condition under which it does."""
    yield node, condition
    reference = node.get("$ref")
    if isinstance(reference, str):
        target: Any = schema
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        yield from _parts(schema, target, condition)
    for part in (*node.get("allOf", ()), *node.get("oneOf", ())):
        yield from _parts(schema, part, condition)
    if "then" in node:
        yield from _parts(schema, node["then"], node["if"])


def _words(condition: _Schema) -> str:
    """`It belongs to logicalType: object.` from the `if` of a schema."""
    alternatives = condition.get("anyOf", [condition])
    constants = [
        f"{key}: {rule['const']}"
        for alternative in alternatives
        for key, rule in alternative.get("properties", {}).items()
        if "const" in rule
    ]
    return f"It belongs to `{'` or `'.join(constants)}`." if constants else ""
