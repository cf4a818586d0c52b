"""What an import could not say in the contract's words, or says in words that mean a little more or less."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

PATHS_SHOWN_MAX: Final = 100
"""Of one remark. More are counted."""


class RemarkKind(Enum):
    """What a remark means for the records."""

    LEFT_OUT = "left out"
    """The contract asks less here: it may let pass what the schema refuses."""
    OTHERWISE = "read otherwise"
    """The contract reads it in its own way here: it may also hold what the schema accepts."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing at one place. `path` is that of the value in a record, `keyword` the schema's own word."""

    kind: RemarkKind
    path: str
    keyword: str
    why: str


def sentences(remarks: Iterable[Remark]) -> list[str]:
    """One sentence for each thing, with all places where it is so, in the order in which they were met."""
    places: dict[tuple[RemarkKind, str, str], dict[str, None]] = {}
    for remark in remarks:
        places.setdefault((remark.kind, remark.keyword, remark.why), {})[remark.path] = None
    return [f"{kind.value}: {_listed(list(paths))} {word}: {why}" for (kind, word, why), paths in places.items()]


def _listed(paths: Sequence[str]) -> str:
    more = len(paths) - PATHS_SHOWN_MAX
    return ", ".join(paths[:PATHS_SHOWN_MAX]) + (f" and {more:,} more" if more > 0 else "")
