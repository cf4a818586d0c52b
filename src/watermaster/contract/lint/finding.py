"""One thing that `lint` says, and all that it says of one document."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watermaster.contract.problem import Problem


class LintLevel(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """The contract cannot be used."""
    WARNING = "warning"
    """It can be used, and hardly means what it says."""
    NOTE = "note"
    """It asks for something that no record is judged by."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """A problem, or a piece of advice in the form of one, with its weight."""

    level: LintLevel
    problem: Problem


@dataclass(frozen=True, slots=True)
class LintReport:
    """Everything about one document, in the order of its lines; what has no line comes last."""

    source: str
    findings: tuple[LintFinding, ...] = ()

    def count(self, level: LintLevel) -> int:
        """How many findings are of a level."""
        return sum(finding.level is level for finding in self.findings)
