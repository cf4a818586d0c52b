"""What compiling one contract finds on its way: problems with their place, and what is said and not judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from watermaster.contract.document import ReadResult
from watermaster.contract.problem import Problem, ProblemCode
from watermaster.contract.yaml_text import Json

Node: TypeAlias = dict[str, Json]
"""One mapping of the document."""


@dataclass(slots=True)
class Findings:
    """Gathers while the compiler walks; every part of the compiler adds to the same one."""

    read: ReadResult
    problems: list[Problem] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)

    def problem(self, code: ProblemCode, message: str, hint: str, path: str) -> None:
        """Something that must change; `path` is the document's, not the record's."""
        self.problems.append(self.read.problem(code, message, hint, path))

    def say(self, sentence: str) -> None:
        """Something that the contract asks and that no record can be judged by: one plain sentence."""
        if sentence not in self.unjudged:
            self.unjudged.append(sentence)


def mapping(value: Json) -> Node:
    """The value as a mapping, empty if it is none (the official schema has already said so)."""
    return value if isinstance(value, dict) else {}


def mappings(value: Json) -> list[Node]:
    """The mappings of a list, in order and one for each item, so that indexes stay those of the document."""
    return [mapping(item) for item in value] if isinstance(value, list) else []


def text(value: Json) -> str | None:
    """The value as a text, None if it is none."""
    return value if isinstance(value, str) else None
