"""One regex semantics: tables of what is taken, translated and refused, and the whole-text form as a property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.pattern import PATTERN_LENGTH_MAX, PatternProblem, compile_pattern, compile_whole

FOUND = [
    (r"^o-[0-9]+$", "o-17", True),
    (r"^o-[0-9]+$", "o-17\n", False),
    (r"o-[0-9]", "xx o-1 yy", True),
    (r"^\d$", "7", True),
    (r"^\d$", "٧", False),
    (r"^\d$", "7\n", False),
    (r"^\w$", "é", False),
    (r"^.$", "é", True),
    (r"^.$", "\n", False),
    (r"\/", "a/b", True),
    (r"^\u0041\u{1F600}$", "A😀", True),
    (r"^\uD83D\uDE00$", "😀", True),
    (r"^[\u0041-\u0043]+$", "ABC", True),
    (r"^\cJ$", "\n", True),
    (r"^[\b]$", "\b", True),
    (r"^\0$", "\0", True),
    (r"^[^]$", "\n", True),
    (r"^[]$", "a", False),
    (r"^[a[]+$", "a[", True),
    (r"^\é$", "é", True),
    (r"^\p{Script=Greek}+$", "αβγ", True),
    (r"^\p{gc=Lu}$", "É", True),
    (r"^\p{L}$", "é", True),
    (r"(?i)^abc$", "ABC", True),
    (r"(?<year>[0-9]{4})", "in 2024", True),
    (r"^a|b$", "xb", True),
    (r"^a|b$", "xbx", False),
    (r"^(?:a|b)$", "b", True),
    (r"(^a|b)c", "ac", True),
    ("", "anything", True),
    (r"^$", "", True),
    (r"^\x41\x{42}$", "AB", True),
    (r"\bfoo\b", "a foo b", True),
    (r"\bfoo\b", "afoo b", False),
    ("(a*)*$", "a" * 50_000 + "b", True),
    ("^(a*)*$", "a" * 50_000 + "b", False),
]

REFUSED = [
    (r"(?=a)b", "look-ahead"),
    (r"(?!a)b", "look-ahead"),
    (r"(?<=a)b", "look-behind"),
    (r"(?<!a)b", "look-behind"),
    (r"(a)\1", "back-references"),
    (r"(?<n>a)\k<n>", "back-references"),
    (r"\Qa.b\E", "ECMA-262"),
    (r"\C", "ECMA-262"),
    (r"\Z", "ECMA-262"),
    (r"[[:alpha:]]", "differently"),
    (r"\07", "octal"),
    (r"\c1", "letter"),
    (r"\ud800", "not a character"),
    (r"\u12", "hexadecimal"),
    (r"\u{110000}", "not a character"),
    (r"\u{", "hexadecimal"),
    (r"\p{L", "not closed"),
    (r"\p{Letter}", "not usable"),
    (r"[a", "not closed"),
    (r"(a", "not usable"),
    (r"a{1001}", "repetition"),
    ("a\\", "lone backslash"),
    ("\ud800", "surrogate"),
    ("a" * (PATTERN_LENGTH_MAX + 1), "longer"),
]


@pytest.mark.parametrize(("pattern", "text", "found"), FOUND)
def test_search(pattern: str, text: str, found: bool) -> None:
    assert compile_pattern(pattern).search(text) is found


@pytest.mark.parametrize(("pattern", "word"), REFUSED)
def test_refused_with_a_reason(pattern: str, word: str) -> None:
    with pytest.raises(PatternProblem, match=word):
        compile_pattern(pattern)


@pytest.mark.parametrize(("pattern", "text", "found"), [row for row in FOUND if "\0" not in row[1]])
def test_the_whole_form_agrees(pattern: str, text: str, found: bool) -> None:
    whole = compile_pattern(pattern).whole
    if whole is not None:
        assert bool(compile_whole(whole).Match(text)) is found


@pytest.mark.parametrize("pattern", [r"(^a|b)c", r"a$b", r"(?i)a", r"\Aa", r"a\z", "^*a", "^^"])
def test_no_whole_form_with_anchors_or_flags_inside(pattern: str) -> None:
    assert compile_pattern(pattern).whole is None


PIECES = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "a*", "b+", "(?:a|b)", "(ab)?", "|", "^", "$", r"\b", r"\d", "é"]
)


@pytest.mark.parametrize("count", [1, 10, 100, 500, 1000])
@pytest.mark.parametrize("atom", ["[a-z]", "(?:[a-f]|[b-g])", r"\p{L}", "(?:ab|a)"])
def test_large_patterns_still_match(atom: str, count: int) -> None:
    try:
        pattern = compile_pattern(f"^{atom}{{{count}}}$")
    except PatternProblem:
        return  # beyond what RE2 compiles at all
    assert pattern.search("a" * count)
    assert not pattern.search("a" * count + "!")


@given(st.lists(PIECES, max_size=6), st.text("ab é1", max_size=6))
def test_whole_form_means_search(pieces: list[str], text: str) -> None:
    try:
        pattern = compile_pattern("".join(pieces))
    except PatternProblem:
        return
    if pattern.whole is not None:
        assert bool(compile_whole(pattern.whole).Match(text)) is pattern.search(text)


@given(st.lists(st.tuples(st.lists(PIECES, max_size=4), st.text("ab é1", max_size=4)), min_size=1, max_size=4))
def test_joined_whole_forms_match_segment_by_segment(cases: list[tuple[list[str], str]]) -> None:
    try:
        patterns = [compile_pattern("".join(pieces)) for pieces, _ in cases]
    except PatternProblem:
        return
    if any(pattern.whole is None for pattern in patterns):
        return
    joined = compile_whole(r"\x{00}".join(pattern.whole or "" for pattern in patterns))
    texts = [text for _, text in cases]
    expected = all(pattern.search(text) for pattern, text in zip(patterns, texts, strict=True))
    assert bool(joined.Match("\0".join(texts))) is expected


@given(st.lists(PIECES, max_size=6), st.text("ab \0", max_size=5))
def test_whole_form_never_matches_nul(pieces: list[str], text: str) -> None:
    try:
        pattern = compile_pattern("".join(pieces))
    except PatternProblem:
        return
    if pattern.whole is not None and "\0" in text:
        assert not compile_whole(pattern.whole).Match(text)


@pytest.mark.parametrize(
    "pattern", [".", "^.+$", "[^a]", r"\D", r"\W", r"\S", "[^]", r"\x00", r"[\0a]", "^[^@]*$", r"[\W]"]
)
@pytest.mark.parametrize("text", ["\0", "b\0b", "b\0", "\0b"])
def test_whole_form_of_what_could_match_nul(pattern: str, text: str) -> None:
    whole = compile_pattern(pattern).whole
    assert whole is None or not compile_whole(whole).Match(text)
