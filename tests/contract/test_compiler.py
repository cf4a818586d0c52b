"""Documents that are valid ODCS and cannot be judged as they stand; and what a whole contract compiles into."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watermaster.contract.checks import (
    Checks,
    Encoding,
    FieldCheck,
    HoldBudget,
    LogicalType,
    OnFailure,
    Range,
    RuleSeverity,
    TombstonePolicy,
    UnknownFields,
)
from watermaster.contract.compiler import CompileResult, compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.temporal import TemporalKind, default_form, parse_temporal

EXAMPLES = Path(__file__).parent / "examples"
HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: x\nversion: '1'\n"
OBJECT = HEAD + "schema:\n  - name: orders\n    properties:\n"  # properties start in line 8
RULES = HEAD + "schema:\n  - name: orders\n    quality:\n"  # rules start in line 8
EXTRAS = HEAD + "schema:\n  - name: orders\n    customProperties:\n"  # custom properties start in line 8


def compiled(text: str, stream: str | None = None) -> CompileResult:
    read = read_contract(text.encode(), "c.yaml")
    assert read.problems == (), "the case must be valid ODCS"
    return compile_contract(read, stream)


def field(options: str) -> FieldCheck:
    (checks,) = compiled(OBJECT + f"    - {{name: a, {options}}}\n").checks
    return checks.value.properties[0]


def _field_case(options: str) -> str:
    return OBJECT + f"    - {{name: a, {options}}}\n"


def _rule_case(rule: str) -> str:
    return RULES + f"    - {{type: custom, engine: cel, {rule}}}\n"


def _extra_case(name: str, value: str, vendor: str = "watermaster") -> str:
    return EXTRAS + f"    - {{property: {name}, vendor: {vendor}, value: {value}}}\n"


# text, code, line, what the message or hint says
REFUSED = [
    (HEAD, "contract.no_schema", 1, "describes no stream"),
    (
        HEAD + "schema:\n  - name: a\n  - {name: b, physicalName: a}\n",
        "contract.name_clash",
        7,
        "two schema objects",
    ),
    (OBJECT + "    - name: a\n    - name: a\n", "contract.name_clash", 9, "described twice"),
    (OBJECT + "    - name: a\n    - {name: b, physicalName: a}\n", "contract.name_clash", 9, "described twice"),
    (_field_case("logicalTypeOptions: {minLength: 1}"), "contract.option_misfit", 8, "Give it a `logicalType`"),
    (
        _field_case("logicalType: boolean, logicalTypeOptions: {minLength: 1}"),
        "contract.option_misfit",
        8,
        "the type boolean has no option 'minLength'",
    ),
    (
        _field_case("logicalType: string, logicalTypeOptions: {minLength: 3, maxLength: 2}"),
        "contract.range",
        8,
        "no value can pass",
    ),
    (
        _field_case("logicalType: array, logicalTypeOptions: {minItems: 3, maxItems: 2}"),
        "contract.range",
        8,
        "`minItems`",
    ),
    (
        _field_case("logicalType: number, logicalTypeOptions: {minimum: 2, maximum: 1.5}"),
        "contract.range",
        8,
        "`minimum` is greater than `maximum`",
    ),
    (
        _field_case("logicalType: integer, logicalTypeOptions: {minimum: 2, exclusiveMaximum: 2}"),
        "contract.range",
        8,
        "leaves no value",
    ),
    (
        _field_case("logicalType: date, logicalTypeOptions: {minimum: 2024-02-02, maximum: 2024-02-01}"),
        "contract.range",
        8,
        "greater",
    ),
    (
        _field_case("logicalType: date, logicalTypeOptions: {minimum: 2024-02-30}"),
        "contract.bound",
        8,
        "'2024-02-30' is no date",
    ),
    (
        _field_case("logicalType: timestamp, logicalTypeOptions: {maximum: yesterday}"),
        "contract.bound",
        8,
        "Example: 2024-01-31T23:59:59Z",
    ),
    (
        _field_case("logicalType: string, logicalTypeOptions: {pattern: '(a)\\1'}"),
        "contract.pattern",
        8,
        "back-references",
    ),
    (_field_case("logicalType: string, logicalTypeOptions: {pattern: '(?=a)b'}"), "contract.pattern", 8, "look-ahead"),
    (_field_case("logicalType: string, logicalTypeOptions: {pattern: '(a'}"), "contract.pattern", 8, "not usable"),
    (
        _field_case("logicalType: string, logicalTypeOptions: {format: uiid}"),
        "contract.format",
        8,
        "Did you mean 'uuid'?",
    ),
    (
        _field_case("logicalType: date, logicalTypeOptions: {format: yyyy-JJ}"),
        "contract.format",
        8,
        "the format 'yyyy-JJ'",
    ),
    (
        _field_case("logicalType: date, logicalTypeOptions: {format: yyyy-MM}"),
        "contract.format",
        8,
        "needs a day",
    ),
    (
        _field_case("logicalType: time, logicalTypeOptions: {defaultTimezone: nowhere}"),
        "contract.format",
        8,
        "no time zone",
    ),
    (_field_case("logicalType: string, enum: [{value: 1}]"), "contract.enum_type", 8, "Put it in quotes"),
    (_field_case("logicalType: integer, enum: [{value: 1}, {value: 1.5}]"), "contract.enum_type", 8, "no integer"),
    (_field_case("logicalType: integer, enum: [{value: true}]"), "contract.enum_type", 8, "no integer"),
    (_field_case("logicalType: boolean, enum: [{value: 'true'}]"), "contract.enum_type", 8, "no boolean"),
    (_field_case("logicalType: date, enum: [{value: 2024-02-30}]"), "contract.enum_type", 8, "must be written as"),
    (_field_case("logicalType: string, required: true, enum: [{value: null}]"), "contract.enum_type", 8, "never"),
    (_field_case("logicalType: array, enum: [{value: 1}]"), "contract.option_misfit", 8, "does not fit"),
    (
        _field_case("logicalType: object, properties: [{name: abc}], logicalTypeOptions: {required: [abd]}"),
        "contract.unknown_property",
        8,
        "Did you mean 'abc'?",
    ),
    (
        _field_case("logicalType: map, map: {key: {logicalType: integer}, value: {logicalType: string}}"),
        "contract.option_misfit",
        8,
        "are texts",
    ),
    (_rule_case("implementation: 'this.a >'"), "contract.rule", 8, "the rule is no CEL"),
    (_rule_case("implementation: 'that.a > 1'"), "contract.rule", 8, "column 5"),
    (_rule_case("implementation: 'this.a + 1'").replace("'this.a + 1'", "'1 + 1'"), "contract.rule", 8, "gives int"),
    (_rule_case("implementation: {a: 1}"), "contract.rule", 8, "is a text"),
    (_rule_case("implementation: 'true', severity: eror"), "contract.severity", 8, "Did you mean 'error'?"),
    (_rule_case("implementation: 'true'").replace("engine: cel", "engine: cell"), "contract.rule", 8, "'cel'?"),
    (
        RULES
        + "".join(f"    - {{id: r, type: custom, engine: cel, implementation: '{b}'}}\n" for b in ("true", "1<2")),
        "contract.name_clash",
        9,
        "two rules",
    ),
    (
        _rule_case(
            "severity: warning, implementation: 'true', "
            "customProperties: [{property: onFailure, vendor: watermaster, value: drop}]"
        ),
        "contract.contradiction",
        8,
        "cannot drop",
    ),
    (
        _rule_case("implementation: 'true', customProperties: [{property: onFail, vendor: watermaster, value: drop}]"),
        "contract.unknown_extension",
        8,
        "Did you mean 'onFailure'?",
    ),
    (_extra_case("tombstone", "pass"), "contract.unknown_extension", 8, "Did you mean 'tombstones'?"),
    (_extra_case("tombstones", "keep"), "schema.unknown_value", 8, "'tombstones' cannot be 'keep'"),
    (_extra_case("tombstones", "keep", "watermastr"), "contract.unknown_extension", 8, "Did you mean 'watermaster'?"),
    (_extra_case("unknownFields", "true"), "schema.unknown_value", 8, "allow, hold"),
    (_extra_case("holdBudget", "{shar: 0.1}"), "schema.unknown_key", 8, "Did you mean 'share'?"),
    (_extra_case("holdBudget", "{share: 2}"), "schema.value", 8, "'share' is refused"),
    (_extra_case("holdBudget", "{window: 10, minimum: 20}"), "contract.range", 8, "never trip"),
    (_extra_case("limits", "{depthMax: 100000}"), "schema.value", 8, "'depthMax' is refused"),
    (_extra_case("limits", "{depth: 10}"), "schema.unknown_key", 8, "Did you mean 'depthMax'?"),
    (_extra_case("key", "{encodng: json}"), "schema.unknown_key", 8, "Did you mean 'encoding'?"),
    (_extra_case("key", "{encoding: xml}"), "schema.unknown_value", 8, "avro, bytes, json, json-schema, string"),
    (_extra_case("encoding", "protobuf"), "schema.unknown_value", 8, "avro, json, json-schema"),
    (_extra_case("key", "{logicalType: object}"), "contract.encoding", 8, "`encoding: json`"),
    (_extra_case("key", "{encoding: bytes, logicalType: string}"), "contract.encoding", 8, "opaque"),
    (
        HEAD + "customProperties:\n- {property: tombstones, vendor: watermaster, value: pass}\nschema: [{name: a}]\n",
        "contract.unknown_extension",
        6,
        "at the top of the contract",
    ),
    (
        HEAD + "servers:\n- {server: a, type: kafka, host: b, format: protobuf}\nschema: [{name: a}]\n",
        "contract.encoding",
        6,
        "only JSON and Avro are judged",
    ),
    (
        HEAD + "servers:\n- {server: a, type: kafka, host: b, encoding: UTF-16}\nschema: [{name: a}]\n",
        "contract.encoding",
        6,
        "JSON is UTF-8",
    ),
]


@pytest.mark.parametrize(("text", "code", "line", "says"), REFUSED)
def test_refused(text: str, code: str, line: int, says: str) -> None:
    result = compiled(text)
    assert result.checks == ()
    (problem,) = result.problems
    assert (problem.code, problem.line) == (code, line), str(problem)
    assert says in f"{problem.message} {problem.hint}"


def test_a_document_with_problems_is_not_compiled() -> None:
    read = read_contract(b"id: x\n", "c")
    assert compile_contract(read) == CompileResult(problems=read.problems)


def test_a_stream_is_chosen_by_physical_name_or_name() -> None:
    text = HEAD + "schema:\n  - {name: orders, physicalName: shop.orders.v1}\n  - {name: bills}\n"
    assert [checks.stream for checks in compiled(text).checks] == ["shop.orders.v1", "bills"]
    assert [checks.stream for checks in compiled(text, "orders").checks] == ["shop.orders.v1"]
    assert [checks.stream for checks in compiled(text, "shop.orders.v1").checks] == ["shop.orders.v1"]
    (problem,) = compiled(text, "shop.order.v1").problems
    assert (problem.code, problem.line) == ("contract.unknown_stream", 5)
    assert "Did you mean 'shop.orders.v1'?" in problem.hint


def test_only_the_chosen_stream_is_compiled() -> None:
    text = HEAD + "schema:\n  - name: good\n  - {name: bad, properties: [{name: a, logicalTypeOptions: {x: 1}}]}\n"
    assert len(compiled(text, "good").checks) == 1
    assert compiled(text).problems


@pytest.fixture(scope="module")
def shop() -> Checks:
    path = EXAMPLES / "shop_orders.odcs.yaml"
    result = compile_contract(read_contract(path.read_bytes(), path.name))
    assert result.problems == ()
    return result.checks[0]


def test_the_whole_example(shop: Checks) -> None:
    assert (shop.contract_id, shop.contract_version, shop.stream) == ("shop-orders", "1.4.0", "shop.orders.v1")
    assert shop.owner == "checkout"
    assert shop.tombstone is TombstonePolicy.HOLD
    assert shop.unknown_fields is UnknownFields.ALLOW
    assert shop.hold_budget == HoldBudget(0.05, 2000, 1000)
    assert (shop.limits.value_bytes_max, shop.limits.depth_max, shop.limits.elements_max) == (1048576, 16, 1_000_000)
    assert shop.key.required
    assert shop.key.check == FieldCheck("key", "key", LogicalType.STRING, pattern="^o-[0-9]+$")
    assert shop.value.type is LogicalType.OBJECT
    assert shop.value.required


def test_the_fields_of_the_example(shop: Checks) -> None:
    by_name = {check.name: check for check in shop.value.properties}
    assert by_name["order_id"].required, "a primary key is required"
    assert by_name["country"].enum == ("no", "se"), "no is a country, not a boolean"
    assert by_name["paid"].enum == (True,)
    assert by_name["total"].range == Range(minimum=Decimal(0), exclusive_maximum=Decimal("1000000.5"))
    assert by_name["total"].multiple_of == Decimal("0.01")
    assert by_name["n_items"].path == "$.n_items", "the physical name is the member's"
    assert by_name["n_items"].format == "u16"
    assert by_name["secret"].format is None
    assert by_name["weekday"].temporal is None
    assert by_name["berlin_time"].range is None
    assert by_name["anything"].type is LogicalType.ANY
    items = by_name["items"]
    assert (items.min_items, items.max_items, items.unique_items) == (1, 100, True)
    assert items.items is not None
    assert [(child.path, child.required) for child in items.items.properties] == [
        ("$.items[].sku", True),
        ("$.items[].n", False),
    ]
    assert items.items.required_names == ("sku",)
    vector = by_name["embedding"]
    assert (vector.type, vector.min_items, vector.max_items) == (LogicalType.ARRAY, 3, 3)
    labels = by_name["labels"]
    assert labels.map_key is not None
    assert (labels.map_key.path, labels.map_key.max_length) == ("$.labels.~", 20)


def test_the_times_of_the_example(shop: Checks) -> None:
    by_name = {check.name: check for check in shop.value.properties}
    utc = default_form(TemporalKind.TIMESTAMP)
    placed = by_name["placed_at"]
    assert placed.range == Range(minimum=parse_temporal("2020-01-01T00:00:00Z", utc))
    local = by_name["local_time"]
    assert local.range == Range(maximum=parse_temporal("2099-12-31T23:59:59+02:00", utc))
    assert local.temporal is not None
    assert parse_temporal("2024-01-01 02:00:00.000", local.temporal) == parse_temporal("2024-01-01T00:00:00Z", utc)


def test_the_rules_of_the_example(shop: Checks) -> None:
    facts = [(rule.id, rule.path, rule.severity, rule.on_failure, rule.line) for rule in shop.rules]
    assert facts == [
        ("total_is_sum", "$", RuleSeverity.ERROR, OnFailure.DROP, 37),
        ("not_from_the_future", "$", RuleSeverity.WARNING, OnFailure.HOLD, 45),
        ("$.total:rule-0", "$.total", RuleSeverity.INFO, OnFailure.HOLD, 80),
    ]
    assert shop.rules[0].message == "The total is not negative and every item is counted."


@pytest.mark.parametrize(
    "words",
    [
        *("$.order_id is a primary key", "$.n_items is unique", "$.secret: the format 'password'"),
        *("$.berlin_time: the bounds (minimum)", "$.weekday: the format", "$.anything: the contract names no logical"),
        *("'uniq' on the record asserts duplicateValues", "'people' on the record is a text", "'sums' on the record"),
        *("for the engine 'soda'", "A rule on $.total asserts nullValues", "that the vector is normalized"),
    ],
)
def test_what_cannot_be_judged_is_said(shop: Checks, words: str) -> None:
    assert sum(words in sentence for sentence in shop.unjudged) == 1


def test_an_extension_without_vendor_is_said_and_not_read() -> None:
    (checks,) = compiled(EXTRAS + "    - {property: tombstones, value: drop}\n").checks
    assert checks.tombstone is TombstonePolicy.PASS
    assert "`vendor: watermaster`" in checks.unjudged[0]


def test_a_foreign_vendor_is_left_alone() -> None:
    read = read_contract(_extra_case("tombstones", "drop", "acme").encode(), "c")
    (checks,) = compile_contract(read).checks
    assert checks.tombstone is TombstonePolicy.PASS
    assert checks.unjudged == ()
    assert "acme" in str(read.document), "kept"


@pytest.mark.parametrize(
    ("options", "required"),
    [
        ("primaryKey: true", True),
        ("primaryKey: true, required: true", True),
        ("primaryKey: true, required: false", False),
        ("primaryKey: false", False),
    ],
)
def test_a_primary_key_is_required_unless_the_contract_says_otherwise(options: str, required: bool) -> None:
    assert field(options).required is required


@pytest.mark.parametrize(
    "bound",
    ["2020-01-01 00:00:00+1000", "2020-01-01 00:00:00+10:00", "2020-01-01T00:00:00+10:00", "2019-12-31T14:00:00"],
)
def test_bounds_are_read_in_the_field_s_form_or_in_iso_8601(bound: str) -> None:
    check = field(f"logicalType: timestamp, logicalTypeOptions: {{format: 'yyyy-MM-dd HH:mm:ssZ', minimum: '{bound}'}}")
    assert check.range == Range(minimum=1577800800 * 10**9)


@pytest.mark.parametrize(
    ("zone", "offset_s"),
    [
        *(("UTC", 0), ("Etc/UTC", 0), ("+02:00", 7200), ("-0530", -19800), ("UTC+1", 3600), ("GMT-03:30", -12600)),
        *(("Etc/GMT+5", -18000), ("Etc/GMT-14", 50400)),
    ],
)
def test_fixed_time_zones(zone: str, offset_s: int) -> None:
    check = field(f"logicalType: timestamp, logicalTypeOptions: {{defaultTimezone: '{zone}'}}")
    assert check.temporal is not None
    assert check.temporal.default_offset_s == offset_s


def test_plain_enum_values_are_understood_beside_the_official_form() -> None:
    from dataclasses import replace

    read = read_contract(_field_case("logicalType: number, enum: [{value: 1}, {value: 2.50}]").encode(), "c")
    plain = {**read.document, "schema": [{"name": "o", "properties": [{"name": "a", "enum": ["x", 1, True]}]}]}
    assert compile_contract(read).checks[0].value.properties[0].enum == (1, Decimal("2.5"))
    (checks,) = compile_contract(replace(read, document=plain)).checks
    assert checks.value.properties[0].enum == ("x", 1, True)


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("team: {name: a}\n", "a"),
        ("team: {members: [{username: b, role: dev}, {username: c, role: Product Owner}]}\n", "c"),
        ("team: [{username: b, dateOut: 2024-01-01}, {username: d, name: Dee}]\n", "Dee"),
        ("roles: [{role: reader}, {role: data_owner}]\n", "data_owner"),
        ("roles: [{role: reader}]\n", None),
    ],
)
def test_owner(text: str, owner: str | None) -> None:
    assert compiled(HEAD + text + "schema: [{name: a}]\n").checks[0].owner == owner


_NAMES = st.sampled_from(["a", "b", "c d", "é", "x.y", "__proto__"])
_NUMBERS = st.sampled_from(["0", "1", "-3", "2.5", "1e3", "10"])
_OPTIONS = st.one_of(
    st.builds("logicalType: string, logicalTypeOptions: {{minLength: {}}}".format, st.integers(0, 9)),
    st.builds("logicalType: number, logicalTypeOptions: {{minimum: {}, maximum: {}}}".format, _NUMBERS, _NUMBERS),
    st.builds("logicalType: integer, required: {}".format, st.sampled_from(["true", "false"])),
    st.builds("logicalType: array, items: {{logicalType: {}}}".format, st.sampled_from(["string", "date", "object"])),
    st.just("logicalType: timestamp, logicalTypeOptions: {timezone: true}"),
    st.builds("logicalType: string, logicalTypeOptions: {{pattern: {!r}}}".format, st.text("ab()[]*+?|^$", max_size=6)),
    st.builds("logicalType: date, logicalTypeOptions: {{format: {!r}}}".format, st.text("yMd-/[]", min_size=1)),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_NAMES, _OPTIONS), max_size=5))
def test_compiling_never_raises_and_is_deterministic(fields: list[tuple[str, str]]) -> None:
    body = "".join(f"    - {{name: '{name}', {options}}}\n" for name, options in fields)
    data = (OBJECT + (body or "    []\n")).encode()
    first, second = (compile_contract(read_contract(data, "c")) for _ in range(2))
    assert first == second
    assert bool(first.problems) is not bool(first.checks)
    assert all(problem.line is not None for problem in first.problems)


def test_two_streams_with_every_other_block_of_odcs() -> None:
    path = EXAMPLES / "two_streams.odcs.yaml"
    parcels, scans = compile_contract(read_contract(path.read_bytes(), path.name)).checks
    assert (parcels.stream, scans.stream) == ("parcels.v2", "scans.v2")
    assert parcels.owner == scans.owner == "kim", "who has left is no owner"
    assert [check.name for check in parcels.value.properties] == ["id", "weight_g", "old_code"]
    assert scans.tombstone is TombstonePolicy.DROP
    assert scans.unknown_fields is UnknownFields.HOLD
    assert parcels.unknown_fields is UnknownFields.ALLOW
    assert scans.key.check is not None
    assert [(check.path, check.required) for check in scans.key.check.properties] == [
        ("key.parcel", True),
        ("key.n", True),
    ]
    assert len(parcels.unjudged) == 1, "what one stream leaves unjudged is not said of the other"
    assert len(scans.unjudged) == 2


@pytest.mark.parametrize(
    ("servers", "extension", "encoding"),
    [
        ([], None, Encoding.JSON),
        (["json"], None, Encoding.JSON),
        (["avro"], None, Encoding.AVRO),
        (["Avro", "avro"], None, Encoding.AVRO),
        (["avro", "json"], None, Encoding.JSON),
        ([], "avro", Encoding.AVRO),
        (["json"], "json-schema", Encoding.JSON_SCHEMA),
        (["avro"], "json", Encoding.JSON),
    ],
)
def test_how_values_are_written(servers: list[str], extension: str | None, encoding: Encoding) -> None:
    lines = [f"- {{server: s{n}, type: kafka, host: b, format: {name}}}" for n, name in enumerate(servers)]
    ours = f"customProperties: [{{property: encoding, value: {extension}, vendor: watermaster}}]" if extension else ""
    text = HEAD + "\n".join(["servers:", *lines] if lines else []) + f"\nschema:\n- name: a\n  {ours}\n"
    (checks,) = compiled(text).checks
    assert checks.encoding is encoding
