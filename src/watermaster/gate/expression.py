"""The simple part of CEL as a syntax tree: comparisons, `&&`, `||`, `!`, `? :`, `in [literals]`, `has`, `size`, the
string tests, `+ - * / %`, literals and fields of `this`. Everything else is None: it is left to the real CEL.

A tokenizer and a Pratt parser. CEL itself has accepted the expression before, so this reader only has to know what it
does not know; where the two could read a text differently it gives up (escapes, unsigned and hexadecimal literals).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

Constant: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal; negative numbers are literals, too."""

    value: Constant


@dataclass(frozen=True, slots=True)
class Field:
    """`this.a.b` is `("a", "b")`."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """`has(this.a.b)`."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`!x`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """`&&`, `||`, comparisons, `+`, `-`, `*`, `/`, `%`."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? yes : no`."""

    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Within:
    """`operand in [constants]`."""

    operand: Node
    constants: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`size(x)`, `x.startsWith(y)`, `x.endsWith(y)`, `x.contains(y)`, `x.matches('literal')`."""

    name: str
    operand: Node
    argument: Node | None = None


Node: TypeAlias = Literal | Field | Has | Not | Binary | Choice | Within | Call

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<float>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    | (?P<int>[0-9]+)
    | (?P<string>"[^"\\\n\r]*"|'[^'\\\n\r]*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[-<>!?:().,+*/%\[\]])
    )""",
    re.VERBOSE | re.ASCII,
)
_POWERS: Final = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3, "+": 4, "-": 4,
    "*": 5, "/": 5, "%": 5,
}  # fmt: skip
_PREFIX_POWER: Final = 6
_TESTS: Final = frozenset({"startsWith", "endsWith", "contains", "matches"})
_CONSTANTS: Final[dict[str, Constant]] = {"true": True, "false": False, "null": None}
_INT_MAX: Final = 2**63 - 1
_DEPTH_MAX: Final = 50
"""Nesting of parentheses and prefixes; deeper expressions are left to CEL."""


class _NotSimple(Exception):
    pass


def parse_simple(expression: str) -> Node | None:
    """The tree of a simple expression that CEL accepts; None if it is not simple."""
    try:
        reader = _Reader(_tokens(expression))
        tree = reader.choice()
        reader.take("end")
    except _NotSimple:
        return None
    return tree


def _tokens(expression: str) -> list[tuple[str, str]]:
    """(kind, text) of each token, then `end`. Texts of signs and of the word `in` are their kinds."""
    tokens, at, end = [], 0, len(expression.rstrip())
    while at < end:
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise _NotSimple
        kind, text = match.lastgroup, match[match.lastgroup]
        following = expression[match.end() : match.end() + 1]
        if kind in ("int", "float") and (following.isalnum() or following in ("_", ".")):
            raise _NotSimple  # 0x1F, 1u, 1.
        if kind == "name" and following in ('"', "'"):
            raise _NotSimple  # r"…", b'…'
        if kind == "string" and (following == text[0] or not text.isprintable()):
            raise _NotSimple  # three quotes
        tokens.append((text, text) if kind == "sign" or text == "in" else (kind, text))
        at = match.end()
    return [*tokens, ("end", "")]


class _Reader:
    """A Pratt parser over tokens."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def take(self, kind: str) -> str:
        """The text of the next token, which must be of this kind."""
        found, text = self._tokens[self._at]
        if found != kind:
            raise _NotSimple
        self._at += 1
        return text

    def _next_is(self, kind: str) -> bool:
        return self._tokens[self._at][0] == kind

    def choice(self) -> Node:
        """An expression, with `? :` as its weakest part."""
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise _NotSimple
        node = self._binary(0)
        if self._next_is("?"):
            self.take("?")
            yes = self._binary(0)
            self.take(":")
            node = Choice(node, yes, self.choice())
        self._depth -= 1
        return node

    def _binary(self, power: int) -> Node:
        left = self._prefix()
        while (sign := self._tokens[self._at][0]) in _POWERS and _POWERS[sign] > power:
            self.take(sign)
            is_list = sign == "in"
            left = Within(left, self._constants()) if is_list else Binary(sign, left, self._binary(_POWERS[sign]))
        return left

    def _prefix(self) -> Node:
        if self._next_is("!"):
            self.take("!")
            self._depth += 1
            if self._depth > _DEPTH_MAX:
                raise _NotSimple
            node = Not(self._prefix())
            self._depth -= 1
            return node
        if self._next_is("-"):
            self.take("-")
            literal = self._primary()
            if isinstance(literal, Literal) and type(literal.value) in (int, float):
                return Literal(-literal.value)  # type: ignore[operator]
            raise _NotSimple
        return self._primary()

    def _primary(self) -> Node:
        kind, text = self._tokens[self._at]
        if kind == "(":
            self.take("(")
            node = self.choice()
            self.take(")")
            return self._methods(node)
        if kind == "name":
            return self._named(self.take("name"))
        return self._methods(self._literal(kind, text))

    def _literal(self, kind: str, text: str) -> Literal:
        if kind not in ("int", "float", "string"):
            raise _NotSimple
        self.take(kind)
        if kind == "string":
            return Literal(text[1:-1])
        if kind == "float":
            return Literal(float(text))
        if len(text) > len(str(_INT_MAX)) or int(text) > _INT_MAX:
            raise _NotSimple
        return Literal(int(text))

    def _named(self, name: str) -> Node:
        if name in _CONSTANTS:
            return Literal(_CONSTANTS[name])
        if name == "this":
            return self._methods(self._field())
        if name in ("has", "size"):
            self.take("(")
            operand = self.choice()
            self.take(")")
            if name == "size":
                return Call("size", operand)
            if isinstance(operand, Field):
                return Has(operand.path)
        raise _NotSimple

    def _field(self) -> Node:
        path: list[str] = []
        while self._next_is(".") or self._next_is("["):
            if self._next_is("["):
                self.take("[")
                path.append(self.take("string")[1:-1])
                self.take("]")
                continue
            if self._tokens[self._at + 2][0] == "(":
                break
            self.take(".")
            path.append(self.take("name"))
        if not path:
            raise _NotSimple
        return Field(tuple(path))

    def _methods(self, node: Node) -> Node:
        while self._next_is("."):
            self.take(".")
            name = self.take("name")
            self.take("(")
            if name == "size":
                node = Call("size", node)
            elif name in _TESTS:
                node = Call(name, node, self.choice())
            else:
                raise _NotSimple
            self.take(")")
        return node

    def _constants(self) -> tuple[Constant, ...]:
        """The literals between brackets after `in`."""
        self.take("[")
        found: list[Constant] = []
        while not self._next_is("]"):
            literal = self._prefix()
            if not isinstance(literal, Literal):
                raise _NotSimple
            found.append(literal.value)
            if not self._next_is("]"):
                self.take(",")
        self.take("]")
        return tuple(found)
