"""Patterns of contracts and of JSON Schema: what is exported finds the same, and what is read differently is known."""

from __future__ import annotations

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.ecma_pattern import Apart, as_ecma, differences
from watermaster.contract.pattern import PatternProblem, compile_pattern

CASES: list[tuple[str, set[Apart], str | None]] = [
    (r"^[a-z]{2,3}\d$", set(), r"^[a-z]{2,3}\d$"),
    (r"^(?:a|b)\.(?<year>[0-9]+)$", set(), r"^(?:a|b)\.(?<year>[0-9]+)$"),
    (r"^a.b$", {Apart.LINE_END}, r"^a[^\n]b$"),
    (r"[.]\.", set(), r"[.]\."),
    (r"^\S+\s$", {Apart.WHITE_SPACE}, r"^[^\t\n\f\r ]+[\t\n\f\r ]$"),
    (r"[^\s,]", {Apart.WHITE_SPACE}, r"[^\t\n\f\r ,]"),
    (r"[^\S,]", {Apart.WHITE_SPACE}, None),
    (r"[\s-z]", {Apart.WHITE_SPACE}, None),
    (r"\p{L}", {Apart.UNICODE_CLASS}, None),
    (r"(?i)a", {Apart.SPELLING}, None),
    (r"(?P<a>b)", {Apart.SPELLING}, None),
    (r"(?<=a)b", {Apart.SPELLING}, None),
    (r"\Aa\z", {Apart.SPELLING}, None),
    (r"\x{41}", {Apart.SPELLING}, None),
    (r"\x41\u0041\-\/", set(), r"\x41\u0041\-\/"),
    (r"[[:alpha:]]", {Apart.SPELLING}, None),
    (r"\é", set(), r"\é"),
    (r"^{a]}{2,}$", set(), r"^\{a\]\}{2,}$"),
]


@pytest.mark.parametrize(("pattern", "apart", "exported"), CASES)
def test_what_is_read_differently(pattern: str, apart: set[Apart], exported: str | None) -> None:
    assert differences(pattern) == apart
    assert as_ecma(pattern) == exported


PIECES = st.sampled_from(
    ["a", "-", "^", "$", ".", r"\s", r"\S", r"\d", r"\D", r"\w", "[a", "]", "[^", r"\.", "(?:", "(", ")", "|", "*",
     "{2}", "{", "é"]
)  # fmt: skip
TEXTS = st.text("a-.é0_ \t\n\r\x0b\x0c\x85\xa0\u2028\ufeff", max_size=3)


@given(st.lists(PIECES, max_size=6).map("".join), st.lists(TEXTS, min_size=1, max_size=8))
def test_what_is_exported_finds_the_same(pattern: str, texts: list[str]) -> None:
    try:
        ours = compile_pattern(pattern)
    except PatternProblem:
        return
    exported = as_ecma(pattern)
    try:
        theirs = jsonschema_rs.validator_for({"pattern": exported or ""})
    except jsonschema_rs.ValidationError:
        return  # RE2 is more lenient: a lone bracket stands for itself
    for text in texts:
        assert exported is None or theirs.is_valid(text) is ours.search(text)
