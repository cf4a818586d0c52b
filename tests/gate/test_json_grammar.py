"""The JSON grammar (RFC 8259) production by production: what must be read (y), refused (n), and what we chose (i).

Cases are made from tables, not copied; every one runs through the strict decoder, the swift one, and both lanes.
"""

# ruff: noqa: E501 - tables of texts are easier to read whole

from __future__ import annotations

from collections.abc import Iterator

import pytest

from watermaster.contract.checks import Checks, FieldCheck, Limits, LogicalType
from watermaster.gate.exact import ExactLane
from watermaster.gate.judge import build_judge
from watermaster.gate.strict_json import JsonProblem, decode_strictly
from watermaster.gate.swift_json import decode_swiftly
from watermaster.gate.verdict import PASSED

LIMITS = Limits()
CHECKS = Checks("c", "1", "sha256:0", "t", FieldCheck("t", "$", LogicalType.ANY))
WRAPPED = Checks(
    "c", "1", "sha256:0", "t",
    FieldCheck("t", "$", LogicalType.OBJECT, properties=(FieldCheck("v", "$.v", LogicalType.ANY),)),
)  # fmt: skip

Case = tuple[str, str, bytes]

INTEGER_PARTS = ("0", "-0", "7", "-7", "10", "1234567890")
FRACTIONS = ("", ".0", ".5", ".000", ".123456789")
EXPONENTS = ("", "e0", "E0", "e+2", "E-2", "e05", "e-0")
BAD_NUMBERS = (
    "+1", "01", "-01", "00", "0x1F", "1.", ".5", "-.5", "-", "--1", "1e", "1e+", "1E-", "1.e1", "1.5.5", "1e1e1", "1e1.5",
    "1_000", "1,000.5x", "1 0", "0b1", "0o7", "1f", "1d", "1L", "１", "٣", "½", "∞", "1/2", "- 1", "-a", "e5", "0e", "0.e",
)  # fmt: skip
ESCAPES = (
    r"\"",
    r"\\",
    r"\/",
    r"\b",
    r"\f",
    r"\n",
    r"\r",
    r"\t",
    r"\u0041",
    r"\u00e9",
    r"\u20AC",
    r"\uD834\uDD1E",
    r"\\u0041",
)
BAD_ESCAPES = (
    r"\a",
    r"\v",
    r"\'",
    r"\0",
    r"\x41",
    r"\u",
    r"\u1",
    r"\u12",
    r"\u123",
    r"\u12G4",
    r"\U0041",
    "\\\n",
    r"\ ",
    "\\é",
    r"\e",
)
CHARACTERS = (
    " ",
    "é",
    "€",
    "😀",
    "\x7f",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\ufffd",
    "\U0010ffff",
    "\ue000",
    "/",
    "'",
    "\u200b",
    "ﬀ",
)
BLANKS = (" ", "\t", "\n", "\r", " \t\n\r")
BAD_BLANKS = ("\f", "\v", "\u00a0", "\u2028", "\u3000", "\x00", "\x1f", "\ufeff", "\u200b", "\x85")
WORDS = ("true", "false", "null")
BAD_WORDS = ("True", "FALSE", "None", "nul", "nulll", "tru", "truee", "undefined", "yes", "nil", "NULL", "t", "n", "f")
CONSTANTS = ("NaN", "Infinity", "-Infinity")
BAD_CONSTANTS = ("nan", "inf", "-inf", "-NaN", "+Infinity", "infinity", "Inf", "1#INF")
STRUCTURES = (
    "[]", "{}", "[[]]", "[{}]", '{"a":[]}', '{"a":{"b":{}}}', "[1,2,3]", '["a",1,null,true,{}]', '{"a":1,"b":2}', '{"":0}',
    '{"a":{"a":{"a":1}}}', "[[[[[[]]]]]]", '[""]', '{"a b":1}', '{"\\u0061":1}', "[1 , 2]", '{ "a" : 1 }',
)  # fmt: skip
BAD_STRUCTURES = (
    "[", "]", "{", "}", "[}", "{]", "[1", "[1,", "[,1]", "[1,,2]", "[1,]", "[,]", "[1 2]", "[1:2]", '{"a"}', '{"a":}', '{"a":1,}',
    '{,"a":1}', '{"a":1,,"b":2}', '{"a":1 "b":2}', '{"a" 1}', '{"a"::1}', '{a:1}', "{'a':1}", '{1:1}', '{null:1}', '{"a":1', '{"a":',
    '{"a"', '{"', '{[1]:1}', '{"a":1}}', "[1]]", "[]x", "[][]", "{}{}", "1 2", '"a" "b"', "null null", "[1]//c", "[1]/*c*/",
    "#c\n[1]", '["a]', '["a\'', "[']", "[\"a\",\n\"b\"", '{"a":1]', '["a":1]', "(1)", "<1>", ";", ",", ":", "*", "[1;2]", "[...]",
    '{"a"="b"}', '{"a"=>"b"}', '{"a":"b" : "c"}', "[\\n]", "\\", "[0,-]", "@", "$", "a", "é", "[a]", '"', '"a', "a\"", "'a'", "`a`",
)  # fmt: skip
DUPLICATES = (
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '[{"b":{"a":1,"a":2}}]',
    '{"":1,"":2}',
    '{"a" :1,"a":2}',
    '{"a":{},"a":[]}',
)


def _read() -> Iterator[Case]:
    for whole in INTEGER_PARTS:
        for fraction in FRACTIONS:
            for exponent in EXPONENTS:
                yield "y", f"number {whole}{fraction}{exponent}", f"{whole}{fraction}{exponent}".encode()
    for text in (*ESCAPES, *CHARACTERS):
        yield "y", f"string {text!r}", f'"{text}"'.encode()
        yield "y", f"key {text!r}", f'{{"{text}":1}}'.encode()
    for text in WORDS:
        yield "y", f"word {text}", text.encode()
    for text in STRUCTURES:
        yield "y", f"structure {text}", text.encode()
    for blank in BLANKS:
        yield "y", f"blank {blank!r} around", f"{blank}[{blank}1{blank},{blank}2{blank}]{blank}".encode()
        yield "y", f"blank {blank!r} in an object", f'{{{blank}"a"{blank}:{blank}1{blank}}}'.encode()


def _refused() -> Iterator[Case]:
    for text in (*BAD_NUMBERS, *BAD_WORDS, *BAD_CONSTANTS, *BAD_STRUCTURES):
        yield "n", f"text {text!r}", text.encode()
        if text not in BAD_STRUCTURES:
            yield "n", f"in an array {text!r}", f"[{text}]".encode()
            yield "n", f"in an object {text!r}", f'{{"v":{text}}}'.encode()
    for text in BAD_ESCAPES:
        yield "n", f"escape {text!r}", f'"{text}"'.encode()
        yield "n", f"escape in a key {text!r}", f'{{"{text}":1}}'.encode()
    for code in range(0x20):
        yield "n", f"control character {code:02x}", b'"a' + bytes([code]) + b'b"'
    for blank in BAD_BLANKS:
        yield "n", f"no blank {blank!r}", f"[1,{blank}2]".encode()
        yield "n", f"no blank before {blank!r}", f"{blank}[1]".encode()
    for byte in range(0x80, 0x100):
        yield "n", f"lone byte {byte:02x}", b'["' + bytes([byte]) + b'"]'
    for sequence in (
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xc3",
        b"\xe2\x82",
    ):
        yield "n", f"sequence {sequence.hex()}", b'["' + sequence + b'"]'
        yield "n", f"sequence in a key {sequence.hex()}", b'{"' + sequence + b'":1}'
    for empty in ("", *BLANKS):
        yield "n", f"empty {empty!r}", empty.encode()


def _chosen() -> Iterator[Case]:
    """Where RFC 8259 leaves it to the reader, or readers differ: refused."""
    for text in DUPLICATES:
        yield "i", f"duplicate {text}", text.encode()
    for text in CONSTANTS:
        yield "i", f"constant {text}", text.encode()
        yield "i", f"constant in an object {text}", f'{{"v":{text}}}'.encode()
    for text in (
        r'"\ud800"',
        r'"\udc00"',
        r'"\ud800\ud800"',
        r'"\ud800x"',
        r'{"\udfff":1}',
        r'"\u0000"',
        r'{"\u0000":1}',
        r'"\\\u0000"',
    ):
        yield "i", f"string {text}", text.encode()
    for text in ("1e400", "-1e400", "1" * 401, "-" + "1" * 401, "1e99999999999999999999", "1" + "0" * 310 + ".0"):
        yield "i", f"number {text[:30]}", text.encode()
    for text in ("[" * 65 + "]" * 65, '{"a":' * 65 + "1" + "}" * 65, "[" * 100_000):
        yield "i", f"depth {text[:10]}{len(text)}", text.encode()
    # Deep enough that the brackets are counted, with a string that never ends: it must cost no more than its length.
    yield "n", "depth, then an endless string", b'{"a":' * 65 + b'"' + b"a" * 100_000
    yield "i", "byte order mark", b"\xef\xbb\xbf[]"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        yield "i", encoding, '["a"]'.encode(encoding)


CASES = [*_read(), *_refused(), *_chosen()]


@pytest.mark.parametrize(("kind", "name", "value"), CASES, ids=[f"{kind} {name}" for kind, name, _ in CASES])
def test_case(kind: str, name: str, value: bytes) -> None:
    strict = decode_strictly(value, LIMITS)
    assert isinstance(strict, JsonProblem) == (kind != "y")
    assert repr(decode_swiftly(value, LIMITS)) == repr(strict)
    for checks, text in ((CHECKS, value), (WRAPPED, b'{"v":' + value + b"}")):
        exact = ExactLane(checks).judge(None, text, 0)
        assert build_judge(checks).judge([None], [text], 0).get(0, PASSED) == exact


def test_there_are_enough_cases() -> None:
    assert len(CASES) > 500
    assert {kind for kind, _, _ in CASES} == {"y", "n", "i"}
