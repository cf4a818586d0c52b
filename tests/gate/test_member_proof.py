"""No record is smaller than its members, and only one without anything else is as small: what the proof stands on."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.gate.block import Block
from watermaster.gate.exact import ExactLane
from watermaster.gate.fast import BLOCK_MAX, FastLane
from watermaster.gate.judge import LaneJudge
from watermaster.gate.member_proof import MemberProof
from watermaster.gate.typed_record import compile_record
from watermaster.gate.verdict import PASSED

_T = LogicalType


def _contract(*properties: FieldCheck) -> Checks:
    return Checks("c", "1", "sha256:0", "t", FieldCheck("t", "$", _T.OBJECT, required=True, properties=properties))


def _field(name: str, kind: LogicalType, **options: object) -> FieldCheck:
    return FieldCheck(name, f"$.{name}", kind, **options)  # type: ignore[arg-type]


CHECKS = _contract(
    *(_field(f"{kind.value}!", kind, required=True) for kind in (_T.STRING, _T.INTEGER, _T.NUMBER, _T.BOOLEAN)),
    *(_field(kind.value, kind) for kind in (_T.STRING, _T.INTEGER, _T.NUMBER, _T.BOOLEAN)),
    _field("matched", _T.STRING, pattern="^[^z]*$"),
    _field("also", _T.STRING, required=True, pattern="^[^z]*$"),
    _field("listed", _T.STRING, required=True, enum=("a", "ü:")),
    _field("o", _T.OBJECT, required=True, properties=(_field("é", _T.STRING, required=True), _field("i", _T.INTEGER))),
)
RECORD, PLAN = compile_record(CHECKS.value)
decode = msgspec.json.Decoder(RECORD).decode

texts = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='"\\z'), max_size=6)
numbers = st.sampled_from(["0", "-0", "1.5", "-12.25", "1e3", "2E-2", "100000"])
values: dict[LogicalType, st.SearchStrategy[str]] = {
    _T.STRING: texts.map(lambda text: json.dumps(text, ensure_ascii=False)),
    _T.INTEGER: st.integers(-(2**63), 2**63 - 1).map(str),
    _T.NUMBER: numbers,
    _T.BOOLEAN: st.sampled_from(["true", "false"]),
}


@st.composite
def members(draw: st.DrawFn, check: FieldCheck) -> list[str]:
    """Members of an object as they are written, in any order."""
    found = []
    for child in check.properties:
        if child.type is _T.OBJECT:
            text = "{" + ",".join(draw(members(child))) + "}"
        elif child.enum is not None:
            text = json.dumps(draw(st.sampled_from(child.enum)), ensure_ascii=False)
        else:
            text = draw(values[child.type])
        if not child.required:
            text = draw(st.sampled_from([text, "null", ""]))
        if text:
            found.append(f'"{child.name}":{text}')
    return draw(st.permutations(found))


def block_of(*records: bytes) -> Block:
    return Block(range(len(records)), [], records, list(map(decode, records)), {}, sum(map(len, records)))


def is_compact(*records: bytes) -> bool:
    """By size alone: quotes are not asked."""
    proof = MemberProof(PLAN)
    return proof._is_compact(block_of(*records))


def written(parts: list[str]) -> bytes:
    return ("{" + ",".join(parts) + "}").encode()


@given(st.lists(members(CHECKS.value), min_size=1, max_size=4))
def test_what_is_written_without_spaces_is_as_small_as_its_members(records: list[list[str]]) -> None:
    assert is_compact(*map(written, records))


@given(st.lists(members(CHECKS.value), min_size=1, max_size=4), st.data())
def test_anything_more_is_larger(records: list[list[str]], data: st.DataObject) -> None:
    """And no neighbour makes up for it: each record is at least as large as its members."""
    at = data.draw(st.integers(0, len(records) - 1))
    parts = records[at]
    extra = data.draw(st.sampled_from(["twice", "unknown", "space", "escape", "around"]))
    text = written(parts)
    if extra == "twice":
        text = written([data.draw(st.sampled_from(parts)), *parts])
    elif extra == "unknown":
        text = written([*parts, '"":0'])
    elif extra == "space":
        text = text.replace(b",", b", ", 1)
    elif extra == "escape":
        text = text.replace(b'"also":"', b'"also":"\\u0041', 1)
    else:
        text += b"\n"
    others = [written(other) for other in records]
    assert not is_compact(*others[:at], text, *others[at + 1 :])


@pytest.mark.parametrize(
    "text",
    [b'{"i":7,"i":7}', b'{"i":0,"x":1}', b'{"i":-0,"i":0}', b'{"i":100,"i":1}', b'{"i":1,"\\u0069":1}',
     b'{"i":1,"t":"\\ud83d\\ude00","i":1}', b'{"i":1,"t":"a\\u0000","i":1}'],
)  # fmt: skip
@pytest.mark.parametrize("style", [(",", ":"), (", ", ": ")])
def test_one_among_many_that_are_good(text: bytes, style: tuple[str, str]) -> None:
    """Whichever way the neighbours are written, however often the shorter way has failed before."""
    checks = _contract(_field("i", _T.INTEGER, required=True), _field("t", _T.STRING))
    fast, judge = FastLane(checks), LaneJudge(checks)
    good = json.dumps({"i": 12, "t": "grün"}, separators=style, ensure_ascii=False).encode()
    exact = ExactLane(checks).judge(None, text, 0)
    for _ in range(5):
        values: list[bytes | None] = [good] * BLOCK_MAX
        values[77] = text
        assert fast.unproven([None] * len(values), values, 0, len(values)) == [77]
        assert judge.judge([None] * len(values), values, 0) == ({} if exact is PASSED else {77: exact})


def test_where_no_member_is_sure_to_be_there_quotes_are_counted() -> None:
    """Commas are then not one for each member."""
    checks = _contract(_field("i", _T.INTEGER), _field("t", _T.STRING))
    _, plan = compile_record(checks.value)
    assert plan.size is None
    values: list[bytes | None] = [b"{}", b'{"i":1}', b'{"i":1,"t":"x"}', b'{"i":1,"i":1}']
    assert FastLane(checks).unproven([None] * 4, values, 0, 4) == [3]


def test_a_field_with_two_expressions_is_joined_once_for_its_size() -> None:
    twice = _field("t", _T.STRING, required=True, pattern="^[a-z@.]+$", format="email")
    checks = _contract(twice)
    values: list[bytes | None] = [b'{"t":"a@b.org"}', b'{"t":"a@b.org","t":"a@b.org"}']
    assert FastLane(checks).unproven([None] * 2, values, 0, 2) == [1]
