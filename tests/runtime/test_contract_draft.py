"""Contract drafts: conservative fields, and a document that our own reader and compiler accept."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.runtime.contract_draft import DraftField, draft_contract, draft_fields


def encoded(*documents: object) -> list[bytes | None]:
    return [json.dumps(document).encode() for document in documents]


def test_fields() -> None:
    values = encoded(
        {"always": 1, "null once": None, "sometimes": "x", "mixed": 1, "number": 1, "flag": True, "list": [], "o": {}},
        {"always": 2, "null once": "y", "mixed": "one", "number": 1.5, "flag": False, "list": [1], "o": {"a": 1}},
    )
    assert draft_fields([*values, None, b"not json", b"[1]"]) == (
        DraftField("always", "integer", required=True),
        DraftField("null once", "string", required=False),
        DraftField("sometimes", "string", required=False),
        DraftField("mixed", None, required=True),
        DraftField("number", "number", required=True),
        DraftField("flag", "boolean", required=True),
        DraftField("list", "array", required=True),
        DraftField("o", "object", required=True),
    )


JSON_VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.integers())
)


@given(st.lists(st.dictionaries(st.text(max_size=20), JSON_VALUES, max_size=8), max_size=5))
def test_any_sample_gives_a_contract_that_can_be_compiled(documents: list[dict[str, object]]) -> None:
    text = draft_contract("a.landing", "a", encoded(*documents))
    read = read_contract(text.encode(), "a.odcs.yaml")
    assert read.problems == ()
    compiled = compile_contract(read)
    assert compiled.problems == ()
    (checks,) = compiled.checks
    assert checks.stream == "a"
    assert {check.name for check in checks.value.properties} == {
        name for document in documents for name in document if name and name.isprintable()
    }


def test_names_that_yaml_would_read_otherwise() -> None:
    names = ["no", "null", "1", "1e3", "a: b", "#x", "- x", '"', "\\", "é", "{", "*a", "~", "2024-01-01", " "]
    text = draft_contract("t", "t.trusted", encoded(dict.fromkeys(names, 1)))
    (checks,) = compile_contract(read_contract(text.encode(), "x")).checks
    assert [check.name for check in checks.value.properties] == names
