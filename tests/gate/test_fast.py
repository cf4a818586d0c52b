"""Single traps of the fast lane and of matching texts together: what would be passed if one proof were left out."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from watermaster.contract.checks import CelRule, Checks, FieldCheck, LogicalType
from watermaster.contract.pattern import compile_pattern, compile_whole
from watermaster.contract.temporal import TemporalKind, default_form
from watermaster.gate.closure import Undecided
from watermaster.gate.document_access import DocumentAccess
from watermaster.gate.exact import ExactLane
from watermaster.gate.fast import BLOCK_MAX, FastLane
from watermaster.gate.judge import LaneJudge
from watermaster.gate.rule_check import simplify
from watermaster.gate.verdict import PASSED

_T = LogicalType


def _contract(*properties: FieldCheck, rules: tuple[CelRule, ...] = ()) -> Checks:
    value = FieldCheck("t", "$", _T.OBJECT, required=True, properties=properties)
    return Checks("c", "1", "sha256:0", "t", value, rules=rules)


def _field(name: str, kind: LogicalType, **options: object) -> FieldCheck:
    return FieldCheck(name, f"$.{name}", kind, **options)  # type: ignore[arg-type]


FLOAT = _contract(_field("n", _T.NUMBER, required=True, format="f32"))
NUMBER = _contract(_field("n", _T.NUMBER, required=True))
OPTIONAL_NUMBER = _contract(_field("n", _T.NUMBER), rules=(CelRule("r", "$", "!has(this.n) || this.n != 1.0"),))
ANY = _contract(_field("a", _T.ANY, required=True))
TEXTS = _contract(_field("a", _T.STRING, pattern="^.+$"), _field("b", _T.STRING, pattern="^b$"))
OPTIONAL = _contract(_field("a", _T.INTEGER, required=True), _field("b", _T.STRING))
ITEMS = _contract(_field("a", _T.ARRAY, items=_field("[]", _T.ANY, required=True)))
DAY = _contract(_field("d", _T.DATE, required=True, temporal=default_form(TemporalKind.DATE)))

HELD = [
    ("digits that a double loses", NUMBER, b'{"n":1.00000000000000000001}', "json.number_precision"),
    ("2^53+1", NUMBER, b'{"n":9007199254740993}', "json.number_precision"),
    ("beyond every 32-bit float", FLOAT, b'{"n":3.4028235678e38}', "number.format"),
    ("vanishing number", NUMBER, b'{"n":1E-400}', "json.number_precision"),
    ("text for a number", NUMBER, b'{"n":"1"}', "type.mismatch"),
    ("two numbers in the place of one", NUMBER, b'{"n":[1,2]}', "type.mismatch"),
    ("null for a number", NUMBER, b'{"n":null}', "field.null"),
    ("rule on an optional number", OPTIONAL_NUMBER, b'{"n":1}', "rule.broken"),
    ("null for a required value of any type", ANY, b'{"a":null}', "field.null"),
    ("null among required items of any type", ITEMS, b'{"a":[1,null]}', "field.null"),
    ("duplicate that an absent field outweighs", OPTIONAL, b'{"a":1,"a":2}', "json.duplicate_key"),
    ("duplicate text that an absent field outweighs", OPTIONAL, b'{"a":1,"a":"x"}', "json.duplicate_key"),
    ("second field broken, the first one free", TEXTS, b'{"a":"x","b":"c"}', "string.pattern"),
    ("the sign for absence as a text", TEXTS, b'{"a":"x","b":"\\u0001"}', "string.pattern"),
    ("a year that is none", DAY, b'{"d":"0000-01-01"}', "temporal.year"),
]

PASSING = [
    ("seventeen digits that a double keeps", NUMBER, b'{"n":0.10000000000000001}'),
    ("the largest 32-bit float in its shortest digits", FLOAT, b'{"n":3.4028235e38}'),
    ("exponent", NUMBER, b'{"n":1e5}'),
    ("nothing where nothing is asked", OPTIONAL_NUMBER, b"{}"),
    ("a text that is like a member", TEXTS, b'{"a":"\\":","b":"b"}'),
    ("white space everywhere", OPTIONAL, b' {\n"a"\t:\r1 , "b" : "x"} '),
    ("leap day", DAY, b'{"d":"2024-02-29"}'),
]


@pytest.mark.parametrize(("name", "checks", "value", "code"), HELD, ids=[row[0] for row in HELD])
def test_held(name: str, checks: Checks, value: bytes, code: str) -> None:
    exact = ExactLane(checks).judge(None, value, 0)
    assert [reason.code for reason in exact.broken] == [code]
    assert LaneJudge(checks).judge([None], [value], 0) == {0: exact}


@pytest.mark.parametrize(("name", "checks", "value"), PASSING, ids=[row[0] for row in PASSING])
def test_passing(name: str, checks: Checks, value: bytes) -> None:
    assert ExactLane(checks).judge(None, value, 0) is PASSED
    assert LaneJudge(checks).judge([None], [value], 0) == {}


@pytest.mark.parametrize(
    ("checks", "value"),
    [(NUMBER, b'{"n":1.5}'), (OPTIONAL_NUMBER, b'{"n":2}'), (OPTIONAL_NUMBER, b'{"n":null}'), (OPTIONAL_NUMBER, b"{}"),
     (ANY, b'{"a":7}'), (TEXTS, b'{"a":"x","b":"b"}'), (TEXTS, b'{"b":null}'), (OPTIONAL, b'{ "a" : 1 }'),
     (ITEMS, b'{"a":[1,"x",true]}'), (DAY, b'{"d":"2024-02-28"}')],
)  # fmt: skip
def test_plain_good_records_are_proven(checks: Checks, value: bytes) -> None:
    """Without this, a proof that always fails would only make us slow."""
    assert FastLane(checks).unproven([None], [value], 0, 1) == []


def test_culprits_are_found_one_by_one_and_their_neighbours_pass() -> None:
    checks = replace(TEXTS, value=replace(TEXTS.value, properties=(*TEXTS.value.properties, _field("n", _T.NUMBER))))
    bad = {3: b'{"b":"c"}', 77: b'{"n":1e-400}', 78: b"{", 200: b'{"n":1,"n":1}', 399: b'{"a":"\\n"}'}
    values: list[bytes | None] = [bad.get(index, b'{"a":"x","b":"b","n":1.5}') for index in range(2 * BLOCK_MAX + 16)]
    assert FastLane(checks).unproven([None] * len(values), values, 0, len(values)) == sorted(bad)
    found: list[int] = []
    verdicts = LaneJudge(checks, found.append).judge([None] * len(values), values, 0)
    assert found == [78, 200, 399], "what no other lane reads: half an object, a key twice, a backslash"
    assert sorted(verdicts) == sorted(bad)


def test_no_part_of_joined_texts_strays_over_its_neighbour() -> None:
    first, second = compile_pattern("^.+$").whole, compile_pattern(r"^\D*b$").whole
    joined = compile_whole(rf"(?:{first}\x{{00}}{second}\x{{00}})*")
    assert joined.Match("a\0b\0")
    assert not joined.Match("a\0b\0a\0b\0a\0c\0a\0b\0")


@pytest.mark.parametrize("expression", ["this.i == this.n", "this.n == this.i", "this.i <= this.n"])
def test_an_int_beyond_what_a_double_keeps_is_left_to_cel(expression: str) -> None:
    declared = _contract(_field("i", _T.INTEGER), _field("n", _T.NUMBER)).value
    closure = simplify(expression, DocumentAccess(declared))
    assert closure is not None
    with pytest.raises(Undecided):
        closure.read({"i": 2**53 + 1, "n": Decimal(2**53)})


@pytest.mark.parametrize(("expression", "held"), [("1 == 1", False), ("1 > 2", True)])
def test_a_rule_that_compares_two_constants_comes_to_an_end(expression: str, held: bool) -> None:
    rule = CelRule(id="r", path="$", expression=expression)
    values: list[bytes | None] = [b'{"a":"x","b":"b"}'] * 30
    verdicts = LaneJudge(replace(TEXTS, rules=(rule,))).judge([None] * len(values), values, 0)
    assert len(verdicts) == (len(values) if held else 0)


@pytest.mark.parametrize("length", [2**63 - 1, 2**63, 10**390])
def test_lengths_beyond_every_memory(length: int) -> None:
    items = _field("[]", _T.STRING, max_length=length)
    checks = _contract(
        _field("a", _T.STRING, max_length=length),
        _field("b", _T.ARRAY, items=items, max_items=length),
        _field("c", _T.STRING, min_length=length),
    )
    judge = LaneJudge(checks)
    good, bad = b'{"a":"x","b":["y"]}', b'{"c":"z"}'
    verdicts = judge.judge([None] * 8, [good, bad] * 4, 0)
    assert sorted(verdicts) == [1, 3, 5, 7]


@pytest.mark.parametrize("rule", ["this.a > 2", "this.a * 3 != 6", "this.a == null || this.a - 9 < 0"])
@pytest.mark.parametrize("values", [range(8), [1, 2, 9 * 10**18, 4], [1, 2, 2**63, 4], [1, 2.5, 3, 4], [1, "x", 3, 4]])
def test_rules_over_a_field_of_any_type(rule: str, values: list[object]) -> None:
    checks = replace(ANY, rules=(CelRule("r", "$", rule),))
    texts: list[bytes | None] = [b'{"a":%b}' % json.dumps(value).encode() for value in values]
    exact = ExactLane(checks)
    held = {at: verdict for at, text in enumerate(texts) if (verdict := exact.judge(None, text, 0)).broken}
    assert LaneJudge(checks).judge([None] * len(texts), texts, 0) == held
