"""Names that Avro takes: `[A-Za-z_][A-Za-z0-9_]*`, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_LEGAL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAKEN: Final = frozenset(
    {"null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "error", "enum", "array", "map",
     "fixed", "union"}
)  # fmt: skip
"""Names of Avro's own types, which no other type may have."""


def is_legal(name: str) -> bool:
    """Whether Avro takes the name as it stands."""
    return _LEGAL.fullmatch(name) is not None


def member_names(names: Iterable[str]) -> dict[str, str]:
    """A legal name for each member of one record; those that are legal keep theirs."""
    wanted = list(names)
    legal = {name: name for name in wanted if is_legal(name)}
    taken = set(legal)
    for name in wanted:
        if name not in legal:
            legal[name] = _distinct(_spelled(name), taken)
    return legal


class TypeNames:
    """Names for the types of one schema: all records and enums share one space."""

    def __init__(self) -> None:
        self._taken = set(_TAKEN)

    def name(self, text: str) -> str:
        """A legal name that no other type of the schema has, as near to `text` as may be."""
        return _distinct(_spelled(text), self._taken)


def _spelled(text: str) -> str:
    spelled = re.sub(r"[^A-Za-z0-9_]", "_", text)
    return spelled if is_legal(spelled) else f"_{spelled}"


def _distinct(name: str, taken: set[str]) -> str:
    number, chosen = 1, name
    while chosen in taken:
        number += 1
        chosen = f"{name}_{number}"
    taken.add(chosen)
    return chosen
