"""What is kept of the texts of one field: lengths, a few values, and which ways of writing all of them share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from watermaster.contract.inference.distinct import Distinct
from watermaster.contract.inference.moments import MOMENT_CANDIDATES, MOMENTS
from watermaster.contract.string_format import compile_format

FORMATS: Final = ("uuid", "email", "uri", "ipv4", "ipv6")
"""What can be told from texts alone. Nearly every word is a `hostname`, and every fourth one a `byte`."""

VALUE_CHARACTERS_MAX: Final = 64
"""A longer text is no member of a closed list."""
MASK_CHARACTERS_MAX: Final = 40
"""A longer text of one fixed shape is rather prose."""

_MASK: Final = {
    **dict.fromkeys(range(ord("0"), ord("9") + 1), "9"),
    **dict.fromkeys(range(ord("A"), ord("Z") + 1), "A"),
    **dict.fromkeys(range(ord("a"), ord("z") + 1), "a"),
}
_CLASSES: Final = "9Aa"
_PADDED: Final = re.compile(r"(?<![0-9])0[0-9]+\Z", re.ASCII)
_SIGNS: Final = frozenset("-_.:/")
"""Signs that codes are made of; a text with others, or with blanks, is not described by its characters."""


@dataclass(slots=True)
class TextSummary:
    """Texts so far. `formats` and `moments` are those that every text was written in."""

    count: int = 0
    length_min: int = 1 << 62
    length_max: int = 0
    distinct: Distinct[str] = field(default_factory=Distinct)
    formats: tuple[str, ...] = FORMATS
    moments: tuple[str, ...] = MOMENTS
    mask: str | None = None
    """Letters and digits as `A`, `a`, `9`, if all texts have the same; empty once they differ."""
    padded: bool = False
    """At least one ends in digits that begin with zeros, so that their number is no accident."""
    signs: frozenset[str] | None = frozenset()
    """Classes and signs that occur; None once anything else has."""

    def add(self, text: str) -> None:
        """Take in one text. What was seen before adds nothing but a count."""
        self.count += 1
        if self.distinct.again(text):
            return
        self.distinct.add(text, self.count, kept=len(text) <= VALUE_CHARACTERS_MAX)
        self._measure(text)
        if self.formats:
            self.formats = tuple(name for name in self.formats if _format(name)(text))
        if self.moments:
            self.moments = tuple(name for name in self.moments if MOMENT_CANDIDATES[name].fits(text))

    def _measure(self, text: str) -> None:
        length = len(text)
        self.length_min = min(self.length_min, length)
        self.length_max = max(self.length_max, length)
        if self.signs is not None and not _only(self.signs)(text):
            self.signs = _widened(self.signs, text)
        if self.mask != "":
            mask = text.translate(_MASK) if length <= MASK_CHARACTERS_MAX else ""
            self.mask = mask if self.mask is None or self.mask == mask else ""
            self.padded = self.padded or _PADDED.search(text) is not None

    def merge(self, other: TextSummary) -> None:
        """Take in the texts that come after these."""
        self.distinct.merge(other.distinct, self.count)
        self.count += other.count
        self.length_min = min(self.length_min, other.length_min)
        self.length_max = max(self.length_max, other.length_max)
        self.formats = tuple(name for name in self.formats if name in other.formats)
        self.moments = tuple(name for name in self.moments if name in other.moments)
        both = self.signs is not None and other.signs is not None
        self.signs = (self.signs or frozenset()) | (other.signs or frozenset()) if both else None
        if self.mask is None or other.mask is None:
            self.mask = other.mask if self.mask is None else self.mask
        elif self.mask != other.mask:
            self.mask = ""
        self.padded = self.padded or other.padded

    def code_pattern(self) -> str | None:
        """A pattern of character classes that all texts match; None for prose. It holds no letter or digit of them."""
        if self.mask and set(self.mask) <= _SIGNS | set(_CLASSES):
            return f"^{_mask_pattern(self.mask, counts=not self.padded)}$"
        if not self.signs or not self.length_min or not self.signs & set(_CLASSES):
            return None
        same = self.length_min == self.length_max
        return f"^[{_class(self.signs)}]{{{self.length_min}}}$" if same else f"^[{_class(self.signs)}]+$"


@cache
def _format(name: str) -> Callable[[str], bool]:
    return compile_format(name)


def _widened(signs: frozenset[str], text: str) -> frozenset[str] | None:
    found = signs | frozenset(text.translate(_MASK))
    return found if found <= _SIGNS | set(_CLASSES) else None


def _class(signs: frozenset[str]) -> str:
    ranges = {"A": "A-Z", "a": "a-z", "9": "0-9"}
    letters = "".join(ranges[sign] for sign in "Aa9" if sign in signs)
    rest = "".join(sorted(signs - set(_CLASSES) - {"-"}))
    return letters + rest + ("-" if "-" in signs else "")


@cache
def _only(signs: frozenset[str]) -> Callable[[str], re.Match[str] | None]:
    return re.compile(f"[{_class(signs)}]*" if signs else "", re.ASCII).fullmatch


def _mask_pattern(mask: str, *, counts: bool) -> str:
    """`counts`: the digits at the end are a number, and the next ones may be longer."""
    parts = []
    for run in re.finditer(r"(.)\1*", mask):
        sign, length = run[1], len(run[0])
        piece = f"[{_class(frozenset(sign))}]" if sign in _CLASSES else re.escape(sign) if sign == "." else sign
        if counts and sign == "9" and run.end() == len(mask):
            parts.append(f"{piece}+")
        else:
            parts.append(piece if length == 1 else f"{piece}{{{length}}}")
    return "".join(parts)
