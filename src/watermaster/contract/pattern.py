"""Regular expressions with one meaning in every lane: RE2, linear in time, searched anywhere unless anchored.

Contracts write patterns in ECMA-262 (ODCS). What ECMA-262 and RE2 read alike is taken as it stands; spellings that only
ECMA-262 has are translated; what the two read differently, or what RE2 cannot do in linear time, is refused. Two
choices where both are silent for a reader: classes are ASCII (`\\d` is `[0-9]`), and `$` is the true end of the text,
not the place before a last newline.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Final, Protocol

import re2

PATTERN_LENGTH_MAX: Final = 4096
"""Characters. Longer patterns are generated lists, which belong into `enum`."""

SURE_PROGRAM_SIZE: Final = 2_000
"""RE2 instructions. Twenty states of so many take under a megabyte of the eight that RE2 allows itself."""

_ANY: Final = r"[\x{00}-\x{10FFFF}]"
_NOTHING: Final = r"[^\x{00}-\x{10FFFF}]"
_REST: Final = r"[^\x{00}]*"
_NARROWED: Final = {
    ".": r"[^\n\x{00}]",
    r"\D": r"[^0-9\x{00}]",
    r"\W": r"[^0-9A-Za-z_\x{00}]",
    r"\S": r"[^\t\n\f\r \x{00}]",
    r"\x{00}": _NOTHING,
    _ANY: r"[\x{01}-\x{10FFFF}]",
    _NOTHING: _NOTHING,
}
_MAY_HOLD_NUL: Final = re.compile(r"\\[DWSpP]|\\x\{0+\}|\x00")
_HIGH_SURROGATES: Final = range(0xD800, 0xDC00)
_LOW_SURROGATES: Final = range(0xDC00, 0xE000)
_NOT_LINEAR: Final = {"(?=": "look-ahead", "(?!": "look-ahead", "(?<=": "look-behind", "(?<!": "look-behind"}
_READ_DIFFERENTLY: Final = "QECGXZRUK"
"""Letters that after a backslash mean something of their own in some dialect, or one byte instead of a character."""


class PatternProblem(Exception):
    """The pattern cannot be used; the text says why in one sentence."""


class _Set(Protocol):
    def Match(self, text: str | bytes) -> list[int] | None: ...  # noqa: N802 - the name that RE2 gives it


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. `text` is as written, `source` its RE2 form.

    `whole` is an RE2 expression that matches a whole text without NUL exactly if the pattern is found in it, and
    never matches a text with NUL. It needs no anchors, so expressions of several patterns may be joined with NUL
    between them. None where there is no such form (anchors, flags or Unicode properties inside).
    """

    text: str
    source: str
    whole: str | None
    _quick: _Set
    _sure: re2._Regexp | None

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in `text`, which must be encodable (no lone surrogates)."""
        return bool(self._quick.Match(text)) or (self._sure is not None and self._sure.search(text) is not None)


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern of a contract; `PatternProblem` if it cannot be used."""
    if len(text) > PATTERN_LENGTH_MAX:
        raise PatternProblem(f"the pattern is longer than {PATTERN_LENGTH_MAX} characters")
    tokens = _translate(text)
    source = "".join(tokens)
    try:
        sure = re2.compile(source, quiet_options())
        quick = re2.Set.SearchSet(quiet_options())
        quick.Add(source.encode())
        quick.Compile()
    except re2.error as problem:
        raise PatternProblem(_explain(problem)) from None
    # The set answers in a tenth of the time, but says no to everything if its automaton has no room for twenty states.
    # Small programs always have it; where that is not certain, each no is asked again.
    asked_again = sure if sure.programsize > SURE_PROGRAM_SIZE else None
    return Pattern(text=text, source=source, whole=_whole(tokens), _quick=quick, _sure=asked_again)


def compile_whole(*sources: str) -> _Set:
    """A set of RE2 expressions that must match a whole text: `.Match(text)` gives the numbers of those that do."""
    joined = re2.Set.FullMatchSet(quiet_options())
    for source in sources:
        joined.Add(source.encode())
    joined.Compile()
    whole: _Set = joined
    return whole


def quiet_options() -> re2.Options:
    """How every expression is compiled: nothing is captured, and nothing is written to standard error."""
    options = re2.Options()
    options.log_errors = False  # RE2 would write pattern and text to standard error
    options.never_capture = True
    return options


def _explain(problem: Exception) -> str:
    reason = problem.args[0] if problem.args else "unknown"
    words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return f"the pattern is not usable: {words}"


def _translate(text: str) -> list[str]:
    """The pattern as RE2 tokens: one token for each escape, class, anchor, bracket or plain character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PatternProblem("the pattern holds half of a surrogate pair") from None
    tokens: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\":
            token, at = _escape(text, at, in_class=False)
        elif text[at] == "[":
            token, at = _class(text, at)
        elif text.startswith("(?", at):
            token, at = _group(text, at)
        else:
            token, at = text[at], at + 1
        tokens.append(token)
    return tokens


def _group(text: str, at: int) -> tuple[str, int]:
    for opening, name in _NOT_LINEAR.items():
        if text.startswith(opening, at):
            raise PatternProblem(f"{name} `{opening}…)` cannot be matched in linear time; use two rules or a CEL rule")
    if text.startswith("(?:", at):
        return "(?:", at + 3
    return "(?", at + 2


def _class(text: str, at: int) -> tuple[str, int]:
    """One bracketed class from its `[`, with ECMA-262's reading of an empty class."""
    negated = text.startswith("[^", at)
    start = at + (2 if negated else 1)
    if text.startswith("]", start):
        return (_ANY if negated else _NOTHING), start + 1
    out = ["[^" if negated else "["]
    at = start
    while at < len(text) and text[at] != "]":
        if text.startswith("[:", at):
            raise PatternProblem("`[:` in a class reads differently in ECMA-262 and RE2; write the characters out")
        if text[at] == "\\":
            token, at = _escape(text, at, in_class=True)
        else:
            token, at = ("\\[" if text[at] == "[" else text[at]), at + 1
        out.append(token)
    if at == len(text):
        raise PatternProblem("a class `[` is not closed")
    return "".join([*out, "]"]), at + 1


def _escape(text: str, at: int, *, in_class: bool) -> tuple[str, int]:  # noqa: PLR0911 - a table of escapes
    """One escape from its backslash."""
    letter = text[at + 1 : at + 2]
    following = text[at + 2 : at + 3]
    if not letter:
        raise PatternProblem("the pattern ends in a lone backslash")
    if letter in "123456789" or letter == "k":
        raise PatternProblem("back-references cannot be matched in linear time")
    if letter in _READ_DIFFERENTLY:
        raise PatternProblem(f"`\\{letter}` does not exist in ECMA-262 or has another meaning there")
    if letter == "u":
        return _unicode_escape(text, at)
    if letter == "x":
        return _byte_escape(text, at)
    if letter == "c":
        if not (following.isascii() and following.isalpha()):
            raise PatternProblem("`\\c` needs a letter from A to Z")
        return f"\\x{{{ord(following) % 32:02X}}}", at + 3
    if letter == "0":
        if following.isdigit():
            raise PatternProblem("octal escapes read differently in ECMA-262 and RE2; write `\\x..`")
        return r"\x{00}", at + 2
    if letter == "b" and in_class:
        return r"\x{08}", at + 2
    if letter in "pP" and following == "{":
        return _property(text, at)
    return (letter if not letter.isascii() else "\\" + letter), at + 2


def _property(text: str, at: int) -> tuple[str, int]:
    """`\\p{Script=Greek}` is `\\p{Greek}` in RE2; short general categories are the same in both."""
    end = text.find("}", at)
    if end < 0:
        raise PatternProblem("`\\p{` is not closed")
    name = text[at + 3 : end]
    for prefix in ("Script=", "sc=", "General_Category=", "gc="):
        name = name.removeprefix(prefix)
    return f"{text[at : at + 2]}{{{name}}}", end + 1


def _byte_escape(text: str, at: int) -> tuple[str, int]:
    if text.startswith("\\x{", at):
        end = text.find("}", at)
        return _code_point(text[at + 3 : end] if end >= 0 else ""), end + 1
    return f"\\x{{{_hexadecimal(text[at + 2 : at + 4], width=2):02X}}}", at + 4


def _unicode_escape(text: str, at: int) -> tuple[str, int]:
    if text.startswith("\\u{", at):
        end = text.find("}", at)
        return _code_point(text[at + 3 : end] if end >= 0 else ""), end + 1
    first = text[at + 2 : at + 6]
    code = _hexadecimal(first, width=4)
    if code in _HIGH_SURROGATES and text.startswith("\\u", at + 6):
        low = _hexadecimal(text[at + 8 : at + 12], width=4)
        if low in _LOW_SURROGATES:
            return _code_point(f"{0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00:X}"), at + 12
    return _code_point(first), at + 6


def _code_point(digits: str) -> str:
    code = _hexadecimal(digits)
    if code > sys.maxunicode or code in _HIGH_SURROGATES or code in _LOW_SURROGATES:
        raise PatternProblem(f"`\\u{digits}` is not a character")
    return f"\\x{{{code:X}}}"


def _hexadecimal(digits: str, width: int | None = None) -> int:
    plain = digits.isascii() and digits.isalnum() and (width is None or len(digits) == width)
    try:
        return int(digits if plain else "", 16)
    except ValueError:
        raise PatternProblem("`\\x` needs two hexadecimal digits, `\\u` four, or any number in `\\u{…}`") from None


def _whole(tokens: list[str]) -> str | None:
    """See `Pattern.whole`: each alternative at the top gets what may stand before and after it."""
    alternatives: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, "(?:": 1, ")": -1}.get(token, 0)
        if token in ("(?", "\\A", "\\z"):
            return None
        if token == "|" and depth == 0:
            alternatives.append([])
        else:
            alternatives[-1].append(token)
    forms = [_whole_alternative(alternative) for alternative in alternatives]
    return None if None in forms else "(?:" + "|".join(form for form in forms if form) + ")"


def _whole_alternative(tokens: list[str]) -> str | None:
    starts = bool(tokens) and tokens[0] == "^"
    body = tokens[1:] if starts else tokens
    ends = bool(body) and body[-1] == "$"
    body = body[:-1] if ends else body
    if "^" in body or "$" in body or (starts and body and body[0] in "*+?{"):
        return None
    narrowed = [_without_nul(token) for token in body]
    if None in narrowed:
        return None
    text = "".join(token for token in narrowed if token is not None)
    return f"{'' if starts else _REST}(?:{text}){'' if ends else _REST}"


def _without_nul(token: str) -> str | None:
    """The token, never matching NUL; None if that cannot be said."""
    if token in _NARROWED:
        return _NARROWED[token]
    if token.startswith("[^"):
        return token[:-1] + r"\x{00}]"
    if token.startswith("["):
        return None if _MAY_HOLD_NUL.search(token) else token
    return None if token.startswith(("\\p", "\\P", "\0")) else token
