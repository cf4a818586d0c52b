"""What is wrong with a fix is said with line, path and what is valid there."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
from fixes import fix

from watermaster.contract.problem import ProblemCode
from watermaster.quarantine.fix.document import FixSelection, fix_schema_text, read_fix
from watermaster.quarantine.fix.place import parse_place

HEAD = "fix: test\nversion: 1\n"
STEPS = HEAD + "steps:\n  - "

PROBLEMS = [
    ("", ProblemCode.NOT_A_FIX, None, "empty"),
    ("- 1\n", ProblemCode.NOT_A_FIX, 1, "mapping"),
    ("a: [\n", ProblemCode.YAML_SYNTAX, 2, "YAML"),
    ("fix: test\nversion: 1\nstep: []\nsteps: [{delete: $.a}]\n", ProblemCode.UNKNOWN_KEY, 3, "'steps'"),
    ("fix: a b\nversion: 1\nsteps: [{delete: $.a}]\n", ProblemCode.WRONG_VALUE, 1, ""),
    ("fix: test\nversion: 1.5\nsteps: [{delete: $.a}]\n", ProblemCode.WRONG_TYPE, 2, "whole number"),
    (STEPS + "{dellete: $.a}\n", ProblemCode.UNKNOWN_KEY, 4, "'delete'"),
    (STEPS + "{why: no verb}\n", ProblemCode.FIX_STEP, 4, "set"),
    (STEPS + "{delete: $.a, set: $.b, value: 1}\n", ProblemCode.FIX_STEP, 4, "one verb"),
    (STEPS + "{delete: $.a, to: b}\n", ProblemCode.FIX_STEP, 4, "`to` does not belong"),
    (STEPS + "{rename: $.a}\n", ProblemCode.FIX_STEP, 4, "needs `to`"),
    (STEPS + "{set: $.a}\n", ProblemCode.FIX_STEP, 4, "`value` or `cel`"),
    (STEPS + "{set: total, value: 1}\n", ProblemCode.FIX_PLACE, 4, "$.total"),
    (STEPS + "{set: $, value: 1}\n", ProblemCode.FIX_PLACE, 4, "whole value"),
    (STEPS + "{delete: '$.a[*]'}\n", ProblemCode.FIX_PLACE, 4, "all items"),
    (STEPS + "{set: 'header:__watermaster', value: 1}\n", ProblemCode.FIX_RESERVED, 4, "reserved"),
    (STEPS + "{rename: 'header:a', to: __watermaster.gate}\n", ProblemCode.FIX_RESERVED, 4, "reserved"),
    (STEPS + "{move: $.a, to: 'header:__watermaster'}\n", ProblemCode.FIX_RESERVED, 4, "reserved"),
    (STEPS + "{cast: $.a, to: strin}\n", ProblemCode.UNKNOWN_VALUE, 4, "'string'"),
    (STEPS + "{set: $.a, cel: 'this.'}\n", ProblemCode.FIX_EXPRESSION, 4, "CEL"),
    (STEPS + "{set: $.a, cel: 'now'}\n", ProblemCode.FIX_EXPRESSION, 4, "no clock"),
    (STEPS + "{reformat: $.a, kind: date, from: YYYY-MM-DD, to: rfc3339}\n", ProblemCode.FIX_FORMAT, 4, "`Y`"),
    (STEPS + "{reformat: $.a, kind: number, from: rfc3339}\n", ProblemCode.FIX_STEP, 4, "moments"),
    (STEPS + "{reformat: $.a, kind: number, decimal: ',', group: ','}\n", ProblemCode.CONTRADICTION, 4, "sign"),
    (STEPS + "{map: $.a, values: [{from: 1, to: 2}, {from: 1.0, to: 3}]}\n", ProblemCode.FIX_STEP, 4, "once"),
    (HEAD + "select: {since: yesterday}\nsteps: [{delete: $.a}]\n", ProblemCode.FIX_FORMAT, 3, "RFC 3339"),
    (HEAD + "select: {where: 'this +'}\nsteps: [{delete: $.a}]\n", ProblemCode.FIX_EXPRESSION, 3, "CEL"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "line", "words"), PROBLEMS)
def test_problems(text: str, code: ProblemCode, line: int | None, words: str) -> None:
    read = read_fix(text.encode(), "f.yaml")
    assert read.fix is None
    problem = read.problems[0]
    assert problem.code == code
    assert line is None or problem.line == line
    assert words in f"{problem.message} {problem.hint}"


def test_a_selection() -> None:
    made = fix(
        "{delete: $.a}",
        "select: {groups: [ab12], rules: [r], partitions: [0, 2], since: '1970-01-01T00:00:01Z', where: 'true'}",
    )
    assert made.label == "test@1"
    assert made.selection.where is not None
    assert made.selection == FixSelection(("ab12",), ("r",), (0, 2), 1000, None, made.selection.where)


def test_the_schema_for_editors_is_a_schema() -> None:
    jsonschema_rs.meta.validate(json.loads(fix_schema_text()))


@pytest.mark.parametrize("text", ["$.a", "$.a[0].b", "$['a b'][*]", "key", "key.id", "header:a.b", "$['it\\'s']"])
def test_places_are_written_as_they_are_read(text: str) -> None:
    place = parse_place(text)
    assert parse_place(str(place)) == place
