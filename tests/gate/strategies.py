"""Random contracts, documents that mostly satisfy them, and ways to spoil their bytes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from watermaster.contract.checks import (
    CelRule,
    Checks,
    FieldCheck,
    KeyCheck,
    Limits,
    LogicalType,
    OnFailure,
    Range,
    RuleSeverity,
    TombstonePolicy,
    UnknownFields,
)
from watermaster.contract.temporal import TemporalKind, default_form

NAMES = ("a", "b", "c", "id", "ID", "é", "na me", "__proto__", "x-y", "")
PATTERNS = ("^[a-z]+$", "^o-[0-9]+$", "a", "^a|b$", "[^@]+@[^@]+", r"^\S+$", r"(^a|b)c", ".", r"^\D*$", "(?i)A")
TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "b", "abc", "o-17", "x@y", "é", "😀", "NEW", "PAID", ": ", '":', "2024-05-01", "true", "1"]
    ),
    st.text(max_size=4),
)
DATES = st.sampled_from(["2024-05-01", "2024-02-29", "2023-02-29", "0001-01-01", "0000-01-01", "2024-5-1", "x"])
TIMES = st.sampled_from(
    ["10:20:30", "24:00:00", "10:20:60", "10:20:30.123456789", "10:20:30Z", "10:20:30+02:00", "10:20"]
)
MOMENTS = st.one_of(st.tuples(DATES, st.sampled_from("Tt "), TIMES).map("".join), st.just("2024-05-01T10:20:30Z"))
LITERALS = st.sampled_from(
    ["0", "1", "-0", "-1", "7", "1.0", "1.5", "0.07", "-0.0", "1e2", "1E-5", "1e-400", "1e400", "0.1", "100", "1000000",
     "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1.00000000000000000001",
     "0.10000000000000001", "123456789012345.6", "1e308", "5e-324", "12345678901234567890123", "0e5", "0e-5"]
)  # fmt: skip


class Number(str):
    """A literal that stands in the JSON text as it is."""


def dump(value: Any) -> str:
    """JSON text; `Number` literals verbatim, non-ASCII characters as they are."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{dump(member)}" for name, member in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@st.composite
def fields(draw: st.DrawFn, name: str, path: str, depth: int = 2) -> FieldCheck:
    kinds = [
        kind
        for kind in LogicalType
        if depth > 0 or kind not in (LogicalType.OBJECT, LogicalType.ARRAY, LogicalType.MAP)
    ]
    kind = draw(st.sampled_from(kinds))
    common: dict[str, Any] = {"name": name, "path": path, "type": kind, "required": draw(st.booleans())}
    maybe = lambda strategy: draw(st.one_of(st.none(), st.none(), strategy))  # noqa: E731
    if kind is LogicalType.STRING:
        common |= {
            "pattern": maybe(st.sampled_from(PATTERNS)),
            "min_length": maybe(st.integers(0, 2)),
            "max_length": maybe(st.integers(2, 5)),
            "enum": maybe(st.just(("NEW", "PAID", "a"))),
            "format": maybe(
                st.sampled_from(
                    ["uuid", "ipv4", "ipv6", "date", "date-time", "time", "email", "hostname", "uri", "byte"]
                )
            ),
        }
    elif kind in (LogicalType.NUMBER, LogicalType.INTEGER):
        bounds = st.sampled_from([Decimal(0), Decimal(1), Decimal("0.5"), Decimal(-1), Decimal(100), Decimal("1e20")])
        limits = Range(maybe(bounds), maybe(bounds), maybe(bounds), maybe(bounds))
        formats = ["i8", "u8", "i32", "u64", "i64", "i128"] if kind is LogicalType.INTEGER else ["f32", "f64"]
        common |= {
            "range": None if limits == Range() else limits,
            "multiple_of": maybe(st.sampled_from([Decimal("0.01"), Decimal(1), Decimal(5), Decimal("0.5")])),
            "format": maybe(st.sampled_from(formats)),
            "enum": maybe(st.just((1, Decimal("1.5"), 100))),
        }
    elif kind in (LogicalType.DATE, LogicalType.TIMESTAMP, LogicalType.TIME):
        form = default_form(TemporalKind(kind.value), offset=draw(st.sampled_from([None, True, False])))
        common |= {"temporal": maybe(st.just(form)) or form, "range": maybe(st.just(Range(minimum=19_000)))}
    elif kind is LogicalType.BOOLEAN:
        common |= {"enum": maybe(st.just((True,)))}
    elif kind is LogicalType.OBJECT:
        common |= draw(members(path, depth - 1))
    elif kind is LogicalType.ARRAY:
        common |= {
            "items": maybe(fields("", f"{path}[]", depth - 1)),
            "min_items": maybe(st.integers(0, 1)),
            "max_items": maybe(st.integers(1, 3)),
            "unique_items": draw(st.booleans()) and draw(st.booleans()),
        }
    elif kind is LogicalType.MAP:
        keys = FieldCheck("", f"{path}.~", LogicalType.STRING, required=True, pattern="^[a-z]*$")
        common |= {"map_key": maybe(st.just(keys)), "map_value": maybe(fields("", f"{path}.*", depth - 1))}
    return FieldCheck(**common)


@st.composite
def members(draw: st.DrawFn, path: str, depth: int) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    properties = tuple(draw(fields(name, f"{path}.{name}", depth)) for name in names)
    extra = draw(st.one_of(st.just([]), st.just([]), st.just(["zz"])))
    due = draw(st.lists(st.sampled_from(names), max_size=1)) + extra
    return {
        "properties": properties,
        "required_names": tuple(due),
        "min_properties": draw(st.one_of(st.none(), st.none(), st.integers(0, 2))),
        "max_properties": draw(st.one_of(st.none(), st.none(), st.none(), st.integers(3, 6))),
    }


EXPRESSIONS = (
    "this.a == this.b", "this.a >= 0", "this.a > 0.5 && this.b <= 3", "has(this.a) ? this.a != null : true",
    "this.id != 'a' || this.c == 1", "size(this.c) < 3", "this.a in ['a', 'abc', 1]", "!has(this.b) || this.b == true",
    "this.c.all(x, x != 1)", "key == 'k' || this.a == 1", "this.a <= this.b", "this.o.a == 1",
    "this.a == 1 ? '' : 'not one'",
    "this.a.startsWith('a')", "this.a * 2 > this.b + 1",
    "this.a == null || this.a % 3 == 0", "this.a == null || this.b == null || (this.a / 2 - this.b) % 5 != 0",
    "this.a != null && (this.b == 1 || this.a * this.b <= 6)", "!(this.a == this.b) || has(this.c)",
    "this.b in ['a', ''] || this.a - 4 < this.b",
)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> tuple[CelRule, ...]:
    chosen = draw(st.lists(st.sampled_from(EXPRESSIONS), max_size=2, unique=True))
    return tuple(
        CelRule(
            id=f"r{number}",
            path="$",
            expression=expression,
            severity=draw(st.sampled_from(RuleSeverity)),
            on_failure=draw(st.sampled_from(OnFailure)),
        )
        for number, expression in enumerate(chosen)
    )


@st.composite
def contracts(draw: st.DrawFn) -> Checks:
    root = FieldCheck(name="t", path="$", type=LogicalType.OBJECT, required=True, **draw(members("$", 2)))
    key = FieldCheck("key", "key", LogicalType.STRING, pattern="^k")
    return Checks(
        contract_id="c",
        contract_version="1",
        content_hash="sha256:0",
        stream="t",
        value=root,
        key=draw(
            st.sampled_from(
                [KeyCheck(), KeyCheck(), KeyCheck(required=True), KeyCheck(check=key), KeyCheck(encoding="json")]
            )
        ),
        rules=draw(rules()),
        tombstone=draw(st.sampled_from(TombstonePolicy)),
        unknown_fields=draw(st.sampled_from(UnknownFields)),
        limits=draw(st.sampled_from([Limits(), Limits(), Limits(depth_max=2, elements_max=20, value_bytes_max=120)])),
    )


ANYTHING = st.recursive(
    st.one_of(TEXTS, LITERALS.map(Number), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=2)),
    max_leaves=4,
)


@st.composite
def documents(draw: st.DrawFn, check: FieldCheck) -> Any:  # noqa: PLR0911 - a case for each type
    """A value that usually is of the field's type."""
    if draw(st.integers(0, 19)) == 0:
        return draw(ANYTHING)
    match check.type:
        case LogicalType.STRING:
            return draw(st.sampled_from(check.enum)) if check.enum else draw(TEXTS)
        case LogicalType.NUMBER | LogicalType.INTEGER:
            return Number(draw(st.one_of(st.integers(-2, 120).map(str), LITERALS)))
        case LogicalType.DATE:
            return draw(DATES)
        case LogicalType.TIME:
            return draw(TIMES)
        case LogicalType.TIMESTAMP:
            return draw(MOMENTS)
        case LogicalType.BOOLEAN:
            return draw(st.booleans())
        case LogicalType.OBJECT:
            return draw(objects(check))
        case LogicalType.ARRAY:
            return draw(st.lists(documents(check.items) if check.items else ANYTHING, max_size=3))
        case LogicalType.MAP:
            return draw(st.dictionaries(TEXTS, documents(check.map_value) if check.map_value else ANYTHING, max_size=3))
        case _:
            return draw(ANYTHING)


@st.composite
def objects(draw: st.DrawFn, check: FieldCheck) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in check.properties:
        choice = draw(st.integers(0, 9))
        if choice == 0 or (choice < 3 and not child.required):
            continue
        found[child.name] = None if choice == 3 and draw(st.booleans()) else draw(documents(child))
    if draw(st.integers(0, 9)) == 0:
        found[draw(TEXTS)] = draw(ANYTHING)
    return found


@st.composite
def spoiled(draw: st.DrawFn, text: str) -> bytes | None:  # noqa: PLR0911 - a case for each way
    """The bytes of a document, mostly as they are, else changed in one of many ways."""
    value = text.encode("utf-8", "surrogatepass")
    choice = draw(st.integers(0, 15))
    at = draw(st.integers(0, max(0, len(value) - 1)))
    match choice:
        case 0:
            return value[:at]
        case 1:
            return value[:at] + bytes([draw(st.integers(0, 255))]) + value[at + 1 :]
        case 2:
            return (
                value[:at]
                + draw(st.sampled_from([b'"', b"\\", b"\\u0000", b"\\n", b",", b":", b" ", b"\t", b"0"]))
                + value[at:]
            )
        case 3:
            return value[:-1] + b"," + value[1:] if len(value) > 2 else value
        case 4:
            return value.replace(b":", b" : ").replace(b",", b"\n,\t")
        case 5:
            return json.dumps(json.loads(text)).encode() if "1e400" not in text else value
        case 6:
            return draw(
                st.sampled_from(
                    [None, b"", b" ", b"\xef\xbb\xbf{}", b"[]", b"null", b"{}{}", b'{"a":NaN}', b"\xff", b'"\\ud800"']
                )
            )
        case _:
            return value
