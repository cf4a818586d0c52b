"""Random Avro schemas of records with values for them, as fastavro takes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Values = st.SearchStrategy[Any]

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - local ones, and the base of the others
INSTANTS = MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))
TEXTS = st.text("abz é\u2028😀", max_size=4)
DECIMAL = {"type": "bytes", "logicalType": "decimal"}
PLAIN: list[tuple[Any, Values]] = [
    ("boolean", st.booleans()),
    ("int", st.integers(-(2**31), 2**31 - 1)),
    ("long", st.integers(-(2**63), 2**63 - 1)),
    ("float", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    ("double", st.floats(allow_nan=False, allow_infinity=False)),
    ("bytes", st.binary(max_size=5)),
    ("string", TEXTS),
    ({"type": "int", "logicalType": "date"}, st.dates(date(1900, 1, 1), date(2200, 1, 1))),
    ({"type": "int", "logicalType": "time-millis"}, st.just(time(23, 59, 59, 1000))),
    ({"type": "long", "logicalType": "time-micros"}, st.times()),
    ({"type": "long", "logicalType": "timestamp-millis"}, INSTANTS),
    ({"type": "long", "logicalType": "timestamp-micros"}, INSTANTS),
    ({"type": "long", "logicalType": "timestamp-nanos"}, st.integers(-(2**62), 2**62)),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, MOMENTS),
    ({"type": "string", "logicalType": "uuid"}, st.uuids()),
    ({**DECIMAL, "precision": 5, "scale": 2}, st.integers(-99999, 99999).map(lambda n: Decimal(n).scaleb(-2))),
    ({**DECIMAL, "precision": 20}, st.integers(-(10**20) + 1, 10**20 - 1).map(Decimal)),
    ({**DECIMAL, "precision": 30, "scale": 30}, st.integers(-99, 99).map(lambda n: Decimal(n).scaleb(-30))),
    ({"type": "string", "logicalType": "own"}, TEXTS),
    ({"type": "int", "logicalType": "timestamp-millis"}, st.integers(-5, 5)),
]  # fmt: skip
UNIONS = [["int", "long"], ["float", "int"], ["null", "string", "bytes"], ["string", "int"], ["null"], ["boolean"]]
UNION_VALUES: dict[str, Values] = {
    **{kind: values for kind, values in PLAIN if isinstance(kind, str)},
    "null": st.none(),
}
NAMES = ("a", "b", "_c", "id", "Status")


@dataclass
class Types:
    """Named types of one schema so far, for references; None for what is not whole yet."""

    known: dict[str, Values | None] = field(default_factory=dict)

    def new(self) -> str:
        name = f"T{len(self.known)}"
        self.known[name] = None
        return name

    def whole(self) -> list[tuple[str, Values]]:
        return [(name, values) for name, values in self.known.items() if values is not None]


@st.composite
def kinds(draw: st.DrawFn, types: Types, depth: int) -> tuple[Any, Values]:
    """A type and the values that it takes."""
    simple = ["plain"] * 4 + ["union", "named", "known"]
    match draw(st.sampled_from(simple + (["array", "map", "null", "record"] if depth > 0 else []))):
        case "plain":
            found = draw(st.sampled_from(PLAIN))
        case "union":
            union = draw(st.sampled_from(UNIONS))
            found = union, st.one_of([UNION_VALUES[kind] for kind in union])
        case "named":
            found = draw(named(types))
        case "known":
            found = draw(st.sampled_from([*types.whole(), ("string", TEXTS)]))
        case "record":
            found = draw(records(types, depth - 1))
        case around:
            kind, values = draw(kinds(types, depth - 1))
            found = _around(around, kind, values)
    return found


def _around(kind: str, inner: Any, values: Values) -> tuple[Any, Values]:
    if kind == "array":
        return {"type": "array", "items": inner}, st.lists(values, max_size=3)
    if kind == "map":
        return {"type": "map", "values": inner}, st.dictionaries(TEXTS, values, max_size=3)
    return (inner, values) if isinstance(inner, list) else (["null", inner], st.none() | values)


@st.composite
def named(draw: st.DrawFn, types: Types) -> tuple[Any, Values]:
    name, size = types.new(), draw(st.integers(1, 5))
    if draw(st.booleans()):
        types.known[name] = values = st.binary(min_size=size, max_size=size)
        return {"type": "fixed", "name": name, "size": size}, values
    symbols = draw(st.lists(st.sampled_from(["A", "B", "c_1"]), min_size=1, unique=True))
    types.known[name] = values = st.sampled_from(symbols)
    return {"type": "enum", "name": name, "symbols": symbols}, values


@st.composite
def records(draw: st.DrawFn, types: Types, depth: int) -> tuple[dict[str, Any], Values]:
    """A record with at most four fields; some may be named otherwise in JSON, one may hold the record itself."""
    name = types.new()
    schema: dict[str, Any] = {"type": "record", "name": name, "fields": []}
    values: dict[str, Values] = {}
    for member in draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True)):
        kind, values[member] = draw(kinds(types, depth))
        more = draw(st.sampled_from([{}, {}, {"doc": "d"}, {"altnames": {"json": f"{member} é"}}]))
        schema["fields"].append({"name": member, "type": kind, **more})
    if draw(st.integers(0, 4)) == 0:
        schema["fields"].append({"name": "next", "type": ["null", name]})
        values["next"] = st.none()
    types.known[name] = found = st.fixed_dictionaries(values)
    return schema, found


def whole_records() -> st.SearchStrategy[tuple[dict[str, Any], Values]]:
    """A schema of its own, and the values that it takes."""
    return st.builds(Types).flatmap(lambda types: records(types, 2))
