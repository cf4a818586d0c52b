"""What makes two failures the same failure.

The fingerprint is a hash of the algorithm's version with either the broken rules and their field paths, or stage,
exception types and top frames. Versions, producers, hosts and partitions stay out: they are what triage contrasts,
and as a part they would split one cause into many groups. Where in doubt, two groups: over-merging hides a cause,
over-splitting only repeats it. So a record that breaks two rules is no record that breaks one of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

from watermaster.gate.verdict import BrokenRule
from watermaster.quarantine.held import Failure, HeldRecord

ALGORITHM_VERSION: Final = 1
"""Part of every hash: groups of another algorithm are never taken for these."""
FINGERPRINT_CHARACTERS: Final = 16
"""Hexadecimal: 64 bits, so that among a million groups two collide once in forty million sites."""

_CACHE_MAX: Final = 4096
_INDEX: Final = re.compile(r"\[\d+\]")
_SEPARATOR: Final = "\x1f"


def fingerprint(held: HeldRecord) -> str:
    """The fingerprint of a held record."""
    if held.broken:
        return _of_rules(held.broken, held.broken_more > 0, held.operational)
    return _of_failure(held.failure or Failure())


def group_title(held: HeldRecord) -> str:
    """One line for people: what all records of the group have in common."""
    if held.broken:
        first, *others = held.broken
        more = len(others) + held.broken_more
        return f"{first.path}: {first.message}" + (f" (and {more} more)" if more else "")
    failure = held.failure or Failure()
    what = failure.types[-1].rsplit(".", 1)[-1] if failure.types else "no reason given"
    place = failure.frames[0] if failure.frames else failure.stage
    return f"{what} in {place}" if place else what


@lru_cache(maxsize=_CACHE_MAX)
def _of_rules(broken: tuple[BrokenRule, ...], more: bool, operational: bool) -> str:
    pairs = sorted({(rule.rule, field_path(rule.path)) for rule in broken})
    kind = "operational" if operational else "rules"
    return _hash([kind, *(part for pair in pairs for part in pair), "more" if more else ""])


@lru_cache(maxsize=_CACHE_MAX)
def _of_failure(failure: Failure) -> str:
    return _hash(["failure", failure.stage, *failure.types, "", *failure.frames])


def field_path(path: str) -> str:
    """A path without the numbers of array items: the third item of an order fails like the fourth."""
    return _INDEX.sub("[]", path)


def _hash(parts: list[str]) -> str:
    text = _SEPARATOR.join([str(ALGORITHM_VERSION), *parts])
    return sha256(text.encode(errors="replace")).hexdigest()[:FINGERPRINT_CHARACTERS]
