"""The SQL that makes a row the JSON text that a producer would have sent.

DuckDB's `to_json` is right for whole numbers, doubles (NaN and Infinity as bare words, which the judge names), decimals
(all digits), texts and truth values. It is not for what stands in `_TEXTS`: those columns get an expression, also
inside of structures, lists and maps; all others stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

_LOCAL: Final = "replace({0}::VARCHAR, ' ', 'T')"
_UTC: Final = "replace(make_timestamp(epoch_us({0}))::VARCHAR, ' ', 'T') || 'Z'"
_INSTANT: Final = f"CASE WHEN isfinite({{0}}) THEN {_UTC} ELSE {{0}}::VARCHAR END"
_TEXTS: Final = {
    # RFC 3339 in place of a blank; the zone of this machine must not matter.
    "timestamp": _LOCAL,
    "timestamp_s": _LOCAL,
    "timestamp_ms": _LOCAL,
    "timestamp_ns": _LOCAL,
    "timestamp with time zone": _INSTANT,
    # Base64, as JSON carries bytes, in place of escapes.
    "blob": "to_base64({0})",
    # The shortest digits that are this float, in place of its expansion to a double.
    "float": "CASE WHEN isfinite({0}) THEN {0}::VARCHAR::JSON ELSE to_json({0}) END",
}


def row_text(columns: Sequence[tuple[str, DuckDBPyType]]) -> str:
    """One expression that gives the text of a row."""
    members = ", ".join(f"{_quoted(name)} := {_expression(_quoted(name), kind, 0)}" for name, kind in columns)
    return f"to_json(struct_pack({members}))"


def _expression(value: str, kind: DuckDBPyType, depth: int) -> str:
    if not _is_changed(kind):
        return value
    match kind.id:
        case "struct":
            members = ", ".join(
                f"{_quoted(name)} := {_expression(f'{value}.{_quoted(name)}', child, depth)}"
                for name, child in _children(kind)
            )
            return f"CASE WHEN {value} IS NULL THEN NULL ELSE struct_pack({members}) END"
        case "list" | "array":
            return _mapped(value, _children(kind)[0][1], depth)
        case "map":
            values = _mapped(f"map_values({value})", dict(_children(kind))["value"], depth)
            return f"CASE WHEN {value} IS NULL THEN NULL ELSE map(map_keys({value}), {values}) END"
        case _:
            return _TEXTS[kind.id].format(value)


def _mapped(value: str, item: DuckDBPyType, depth: int) -> str:
    name = f"item{depth}"
    return f"list_transform({value}, lambda {name}: {_expression(name, item, depth + 1)})"


def _is_changed(kind: DuckDBPyType) -> bool:
    match kind.id:
        case "struct" | "list" | "map":
            return any(_is_changed(child) for _, child in _children(kind))
        case "array":
            return _is_changed(_children(kind)[0][1])
        case _:
            return kind.id in _TEXTS


def _children(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    # DuckDB lists the length of an array and the values of an enum here too; this is asked of nothing else.
    return [(name, child) for name, child in kind.children if not isinstance(child, int | list)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
