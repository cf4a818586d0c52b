"""The SQL that makes a row the JSON text that a producer would have sent.

PostgreSQL's `to_json` is right for whole numbers, texts, truth values, dates, local times, JSON and most others. It is
not for what stands in `_TEXTS`: instants (in UTC, with `Z`), bytes (base64), and numbers that are none, which it writes
as texts: as bare words the judge names them. Those columns get an expression, also as items of a list.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_JOINED: Final = " || ',' || "
_EMPTY: Final = "''"
_NUMBER: Final = "CASE WHEN {0}::text IN ('NaN', 'Infinity', '-Infinity') THEN {0}::text ELSE to_json({0})::text END"
_TEXTS: Final = {
    "timestamptz": """replace(to_json({0})::text, '+00:00"', 'Z"')""",
    "bytea": r"""'"' || replace(encode({0}, 'base64'), E'\n', '') || '"'""",
    "float4": _NUMBER,
    "float8": _NUMBER,
    "numeric": _NUMBER,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the name of its type (of a domain: that below it), and of its items if it is an array."""

    name: str
    type: str
    item: str | None = None


def row_text(columns: Sequence[Column]) -> str:
    """One expression that gives the text of a row. It is joined with `||`: functions take a hundred arguments."""
    members = [f"{_literal(json.dumps(column.name) + ':')} || {_expression(column)}" for column in columns]
    return f"'{{' || {_JOINED.join(members) or _EMPTY} || '}}'"


def _expression(column: Column) -> str:
    value = _quoted(column.name)
    if column.item in _TEXTS:
        return f"coalesce({_items(value, _TEXTS[column.item])}, 'null')"
    return f"coalesce({_TEXTS.get(column.type, 'to_json({0})::text').format(value)}, 'null')"


def _items(value: str, template: str) -> str:
    """A list of lists stays as PostgreSQL writes it."""
    item = f"coalesce({template.format('item')}, 'null')"
    listed = f"string_agg({item}, ',' ORDER BY place) FROM unnest({value}) WITH ORDINALITY AS items(item, place)"
    return (
        f"CASE WHEN {value} IS NULL THEN NULL WHEN array_ndims({value}) > 1 THEN to_json({value})::text"
        f" ELSE '[' || coalesce((SELECT {listed}), '') || ']' END"
    )


def _literal(text: str) -> str:
    """A standard string literal; JSON's own escapes are backslashes, which stand for themselves."""
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
