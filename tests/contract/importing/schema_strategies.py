"""Random JSON Schemas of which a contract can say everything, wilder ones, and documents that mostly keep them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "na me", "é", "in", "x-y", "")
PATTERNS = {"^[a-z]+$": ["a", "abc"], "^o-[0-9]{1,3}$": ["o-1", "o-99"], "b": ["ab", "b"], r"^\d*$": ["", "12"]}
WILD_PATTERNS = {r"^\S+$": ["a"], r"^\s?x$": ["x", " x", "\xa0x"], "^.*$": ["a b"], "^(?=a)": ["a"], r"\p{L}": ["é"],
                 "(?i)a": ["A"], "[": ["["], "^(a|b": ["a"]}  # fmt: skip
TEXTS = ["", "a", "b", "abc", "o-17", "12", "é", "\xa0", " x", "NEW", "PAID", "x\ny", "\u2028"]
FORMATS = {
    "date": ["2024-02-29", "2024-02-30", "0000-01-01"],
    "date-time": ["2024-05-01T10:20:30Z", "2016-12-31T23:59:60Z", "2024-05-01T10:20:30"],
    "time": ["10:20:30Z", "10:20:30", "23:59:60Z"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "x"],
    "email": ["a@b.example", "a@b", '"a b"@c.d'],
    "ipv4": ["1.2.3.4", "01.2.3.4"],
    "ipv6": ["::1", "::g"],
    "hostname": ["a.b", "-", "xn--x"],
    "uri": ["a:b", "é"],
    "duration": ["P1D"],
    "int32": ["x"],
}
NUMBERS = [0, 1, -1, 2, 7, 10, 100, 0.5, 1.0, 0.07, 4.35, 12.25, -3.75, 1e20, 2**53]
VALUES = ["NEW", "PAID", "", "é", 1, 1.0, 2, 0.5, True, False, None, "1"]


ANY_OF_BOTH = st.booleans()


@st.composite
def whole(draw: st.DrawFn, depth: int = 2, *, mixed: bool = False) -> dict[str, Any]:
    """A schema of records that a contract says completely: what is optional is nullable, all are closed or none.

    `mixed`: each for itself is closed or not.
    """
    schema = draw(objects(depth, closed=ANY_OF_BOTH if mixed else st.just(draw(ANY_OF_BOTH))))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@st.composite
def objects(draw: st.DrawFn, depth: int, *, closed: st.SearchStrategy[bool]) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    properties: dict[str, Any] = {}
    required = []
    for name in names:
        due, null = draw(st.sampled_from([(True, False), (True, True), (False, True)]))
        properties[name] = draw(values(depth - 1, closed=closed, null=null))
        if due:
            required.append(name)
    found: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    if draw(closed):
        found["additionalProperties"] = False
    if draw(st.integers(0, 4)) == 0:
        found["maxProperties"] = draw(st.integers(1, 4))
    if draw(st.integers(0, 4)) == 0:
        found["minProperties"] = draw(st.integers(0, 1))
    return found


@st.composite
def values(draw: st.DrawFn, depth: int, *, closed: st.SearchStrategy[bool], null: bool) -> dict[str, Any]:
    kinds = ["string", "integer", "number", "boolean", "enum"] + (["array", "object", "map"] if depth > 0 else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "enum":
        listed = draw(
            st.lists(st.sampled_from(["NEW", "PAID", 1, 0.5, True, "é"]), min_size=1, max_size=3, unique=True)
        )
        listed = [*listed, None] if null else listed
        return draw(st.sampled_from([{"enum": listed}, {"oneOf": [{"const": value} for value in listed]}]))
    if kind == "object":
        schema = draw(objects(depth, closed=closed))
    elif kind == "map":
        schema = {
            "type": "object",
            "additionalProperties": draw(values(depth - 1, closed=closed, null=draw(st.booleans()))),
        }
        if draw(st.booleans()):
            schema["propertyNames"] = {"pattern": "^[a-z]"}
    elif kind == "array":
        schema = {"type": "array", "items": draw(values(depth - 1, closed=closed, null=draw(st.booleans())))}
        schema |= {"uniqueItems": True} if draw(st.integers(0, 3)) == 0 else {}
        schema |= {"minItems": 1} if draw(st.integers(0, 3)) == 0 else {}
        schema |= {"maxItems": 2} if draw(st.integers(0, 3)) == 0 else {}
    else:
        schema = {"type": kind, **draw(bounds(kind))}
        more = {word: value for word, value in draw(bounds(kind)).items() if word not in ("pattern", "multipleOf")}
        if not null and draw(st.integers(0, 2)) == 0 and is_possible(schema, more):
            return {"allOf": [schema, more]}
    if not null:
        return draw(st.sampled_from([schema, schema, {"allOf": [schema, {"not": {"type": "null"}}]}]))
    spelled = {**schema, "type": [schema["type"], "null"]}
    return draw(st.sampled_from([spelled, {"anyOf": [{"type": "null"}, schema]}, {"oneOf": [schema, {"const": None}]}]))


def is_possible(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether no bound of the two is beyond another: a contract has no words for what no value keeps."""
    lows = [one[word] for one in (first, second) for word in ("minimum", "exclusiveMinimum") if word in one]
    highs = [one[word] for one in (first, second) for word in ("maximum", "exclusiveMaximum") if word in one]
    return max(lows, default=-1e9) < min(highs, default=1e9)


@st.composite
def loosened(draw: st.DrawFn, schema: Any) -> Any:
    """A schema of which a contract says less and less: one change in some places, documents still often keep it."""
    if isinstance(schema, list):
        return [draw(loosened(part)) for part in schema]
    if not isinstance(schema, dict):
        return schema
    same = {word: value if word == "enum" else draw(loosened(value)) for word, value in schema.items()}
    if "type" not in schema or draw(st.integers(0, 3)):
        return same
    less = {
        word: same[word] for word in same if word != draw(st.sampled_from(["additionalProperties", "required", "type"]))
    }
    beside = st.sampled_from(
        [{"properties": {"a": {}, "zz": {}}}, {"maxLength": 2}, {"maximum": 7}, {"maxItems": 1},
         {"not": {"const": "a"}}, {"additionalProperties": True}, {"enum": ["NEW", "a", 1, None]}, {"if": {}}]
    )  # fmt: skip
    other = st.sampled_from(
        [{"type": "null"}, {"const": None}, {"type": "string"}, {"enum": ["a", None]}, {"type": "object"}]
    )
    return draw(
        st.one_of(
            st.just(less),
            beside.map(lambda words: {"allOf": [same, words]}),
            beside.map(lambda words: {**words, **same}),
            other.map(lambda branch: {"oneOf": [same, branch]}),
            other.map(lambda branch: {"anyOf": [branch, same]}),
            st.sampled_from(["email", "date", "uuid", "own"]).map(lambda name: {**same, "format": name}),
        )
    )


@st.composite
def bounds(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if kind == "string":
        for word, choice in (
            ("minLength", st.integers(0, 2)),
            ("maxLength", st.integers(2, 5)),
            ("pattern", st.sampled_from(list(PATTERNS))),
        ):
            if draw(st.integers(0, 2)) == 0:
                found[word] = draw(choice)
    if kind in ("integer", "number"):
        low = draw(st.sampled_from(["minimum", "exclusiveMinimum"]))
        high = draw(st.sampled_from(["maximum", "exclusiveMaximum"]))
        for word, choice in (
            (low, st.sampled_from([-5, 0, 0.5])),
            (high, st.sampled_from([1, 10.5, 100, 1e20])),
            ("multipleOf", st.sampled_from([1, 2, 0.5, 0.01])),
        ):
            if draw(st.integers(0, 2)) == 0:
                found[word] = draw(choice)
    return found


@st.composite
def wild(draw: st.DrawFn, depth: int = 3) -> Any:
    """A schema with any keywords, of which a contract says what it can."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.booleans())
    found: dict[str, Any] = {}
    inner = wild(depth - 1) if depth > 0 else st.just({})
    few = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    types = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
    small = st.integers(0, 3)
    words: dict[str, st.SearchStrategy[Any]] = {
        "type": st.one_of(types, types, st.lists(types, min_size=1, max_size=3, unique=True)),
        "enum": st.lists(st.sampled_from([*VALUES, [], {}, [1]]), min_size=1, max_size=4),
        "const": st.sampled_from([*VALUES, {}]),
        "pattern": st.sampled_from([*PATTERNS, *WILD_PATTERNS]),
        "format": st.sampled_from(list(FORMATS)),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), small),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), st.sampled_from(NUMBERS)),
        "multipleOf": st.sampled_from([1, 2, 0.5, 0.01, 3]),
        "uniqueItems": st.booleans(),
        "required": st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
        "default": st.sampled_from(VALUES),
        "description": st.text(max_size=5),
        "x-owner": st.text(max_size=2),
        "nullable": st.booleans(),
        "$ref": st.sampled_from(["#", "#/$defs/one", "#/$defs/two", "#two"]),
    }
    if depth > 0:
        words |= {
            "properties": named,
            "patternProperties": st.dictionaries(st.sampled_from(["^[a-z]$", "^x", r"\s"]), inner, max_size=2),
            **dict.fromkeys(("additionalProperties", "unevaluatedProperties"), st.one_of(st.booleans(), inner)),
            **dict.fromkeys(("items", "contains", "propertyNames", "not", "if", "then", "else"), inner),
            **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), few),
            "dependentRequired": st.just({"a": ["b"]}),
            "dependentSchemas": named,
        }
    if depth > 0 and draw(st.booleans()):
        found = {"type": "object", "properties": draw(named)}
        found |= draw(st.sampled_from([{}, {"additionalProperties": False}, {"unevaluatedProperties": False}]))
        found |= {"allOf": draw(few)} if draw(st.integers(0, 2)) == 0 else {}
    for word in draw(st.lists(st.sampled_from(sorted(words)), max_size=2 if found else 5, unique=True)):
        found[word] = draw(words[word])
    return found


@st.composite
def documents(draw: st.DrawFn, schema: Any, root: Any, depth: int = 4) -> Any:
    """A value that often keeps the schema."""
    if not isinstance(schema, dict) or depth <= 0 or draw(st.integers(0, 14)) == 0:
        return draw(ANYTHING)
    if "$ref" in schema and draw(st.integers(0, 3)):
        target = root.get("$defs", {}).get({"#/$defs/one": "one"}.get(schema["$ref"], "two"), root)
        return draw(documents(target, root, depth - 1))
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema and draw(st.integers(0, 3)):
            branches = schema[word] if word == "allOf" else [draw(st.sampled_from(schema[word]))]
            rest = {key: value for key, value in schema.items() if key != word}
            together = [*branches, *([rest] if "properties" in schema else [])]
            found = [draw(documents(branch, root, depth - 1)) for branch in together]
            objects = [one for one in found if isinstance(one, dict)]
            return {name: one[name] for one in objects for name in one} if objects else found[0]
    if "const" in schema or "enum" in schema:
        return draw(st.sampled_from([schema["const"]] if "const" in schema else schema["enum"]))
    return draw(_of_type(schema, root, depth))


@st.composite
def _of_type(draw: st.DrawFn, schema: dict[str, Any], root: Any, depth: int) -> Any:
    kinds = schema.get("type", "object" if "properties" in schema else "string" if "pattern" in schema else None)
    match draw(st.sampled_from(kinds)) if isinstance(kinds, list) else kinds:
        case "string":
            known = {**PATTERNS, **WILD_PATTERNS}.get(schema.get("pattern", ""), [])
            return draw(st.sampled_from([*known, *known, *FORMATS.get(schema.get("format", ""), []), *TEXTS]))
        case "integer" | "number":
            bounds = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
            return draw(st.sampled_from([*(schema[word] for word in bounds if word in schema), *NUMBERS]))
        case "array":
            return draw(st.lists(documents(schema.get("items", True), root, depth - 1), max_size=3))
        case "object":
            return draw(members(schema, root, depth))
        case "null":
            return None
        case kind:
            return draw(st.booleans() if kind == "boolean" else ANYTHING)


@st.composite
def members(draw: st.DrawFn, schema: dict[str, Any], root: Any, depth: int = 4) -> dict[str, Any]:
    """An object that often keeps the schema."""
    found: dict[str, Any] = {}
    for name, inner in schema.get("properties", {}).items():
        if name in schema.get("required", ()) and draw(st.integers(0, 14)):
            found[name] = draw(documents(inner, root, depth - 1))
        elif draw(st.integers(0, 2)):
            found[name] = None if draw(st.integers(0, 4)) == 0 else draw(documents(inner, root, depth - 1))
    others = schema.get("additionalProperties", True)
    if draw(st.integers(0, 4)) == 0 or (others not in (True, False) and "properties" not in schema):
        named = st.sampled_from(["zz", "y", "A", "a"])
        found |= draw(st.dictionaries(named, documents(others, root, depth - 1), max_size=2))
    return found


_SCALARS = st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.booleans(), st.none())
ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "zz"]), inner, max_size=2),
    max_leaves=4,
)
