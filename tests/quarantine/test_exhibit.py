"""One held record for the eye: what breaks is marked, what is restricted is nowhere."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.gate.verdict import BrokenRule
from watermaster.quarantine.exhibit import (
    LINES_MAX,
    MASK,
    TEXT_BYTES_MAX,
    VALUE_BYTES_MAX,
    Line,
    exhibit,
    is_restricted,
)

TEXT, OBJECT, ARRAY = LogicalType.STRING, LogicalType.OBJECT, LogicalType.ARRAY
EMAIL = FieldCheck("email", "$.email", TEXT, classification="Restricted")
NAME = FieldCheck("name", "$.name", TEXT, classification="internal")
CHECK = FieldCheck(
    "",
    "$",
    OBJECT,
    properties=(
        EMAIL,
        NAME,
        FieldCheck("items", "$.items", ARRAY, items=FieldCheck("", "$.items[]", OBJECT, properties=(EMAIL, NAME))),
        FieldCheck("tags", "$.tags", OBJECT, map_value=replace(EMAIL, name="", path="$.tags.*")),
    ),
)
OPEN = replace(CHECK, properties=(NAME,))


def rule(path: str, name: str = "r") -> BrokenRule:
    return BrokenRule(name, path, "c", "must be otherwise")


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def test_the_field_that_breaks_is_marked_and_numbers_stay_as_written() -> None:
    value = b'{"a": 1e2, "b": [{"c": 1.0}, {"c": 2}], "a": -0, "d": {}}'
    lines = exhibit(value, [rule("$.b[1].c", "low"), rule("$"), rule("$.gone", "there")], None)
    assert texts(lines) == [
        "{",
        '  "a": 1e2,',
        '  "b": [',
        "    {",
        '      "c": 1.0',
        "    },",
        "    {",
        '      "c": 2',
        "    }",
        "  ],",
        '  "a": -0,',
        '  "d": {}',
        "}",
        "$.gone: not there, or not by this path",
    ]
    assert [(line.text.strip(), line.notes) for line in lines if line.notes] == [
        ("{", ("r: must be otherwise",)),
        ('"c": 2', ("low: must be otherwise",)),
        ("$.gone: not there, or not by this path", ("there: must be otherwise",)),
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"email": "SECRET"},
        {"email": {"deep": ["SECRET"]}},
        {"items": [{"email": "SECRET", "name": "n"}]},
        {"tags": {"x": "SECRET"}},
        {"Email": "SECRET"},  # unknown to the contract: perhaps misspelled
        {"items": "SECRET"},
        ["SECRET"],
        "SECRET",
    ],
)
def test_what_is_restricted_is_nowhere(value: object) -> None:
    lines = exhibit(json.dumps(value).encode(), [rule("$.email")], CHECK)
    shown = "\n".join(texts(lines))
    assert "SECRET" not in shown
    assert MASK in shown
    assert any(line.notes for line in lines)


def test_the_names_of_a_restricted_map_are_masked() -> None:
    check = FieldCheck("", "$", OBJECT, map_key=EMAIL, map_value=NAME)
    assert texts(exhibit(b'{"SECRET": "n"}', [], check)) == ["{", f'  {MASK}: "n"', "}"]


@pytest.mark.parametrize(
    "value", [b"SECRET", b'{"email": "SECRET"', b"\xff", b"[" * 100_000, b" " * (VALUE_BYTES_MAX + 1)]
)
def test_bytes_that_cannot_be_taken_apart_are_shown_only_if_nothing_is_restricted(value: bytes) -> None:
    (guarded,) = exhibit(value, [], CHECK)
    assert guarded.masked
    assert "SECRET" not in guarded.text
    (shown,) = exhibit(value, [], OPEN)
    assert len(shown.text) <= 4 * TEXT_BYTES_MAX + 100
    assert shown.text.startswith(value[:6].decode(errors="backslashreplace"))


def test_a_tombstone_and_a_very_long_value() -> None:
    assert texts(exhibit(None, [], None)) == ["null (a tombstone)"]
    lines = exhibit(json.dumps(list(range(LINES_MAX * 2))).encode(), [], None)
    assert len(lines) == LINES_MAX + 1
    assert lines[-1].text == "…"


def test_what_is_restricted_anywhere_restricts_the_whole() -> None:
    assert is_restricted(CHECK)
    assert not is_restricted(OPEN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_shown_is_the_value(value: object) -> None:
    lines = exhibit(json.dumps(value).encode(), [], None)
    assert json.loads("\n".join(texts(lines))) == value
