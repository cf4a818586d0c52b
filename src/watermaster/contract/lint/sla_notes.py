"""Service levels that are promised and that nothing judges: better said than found out in an audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from watermaster.contract.document import ReadResult
from watermaster.contract.findings import mappings, text
from watermaster.contract.lint.finding import LintFinding, LintLevel
from watermaster.contract.problem import ProblemCode, quoted

JUDGED: Final = frozenset(
    {
        *("availability", "av", "errorrate", "er", "frequency", "fy", "latency", "ly", "retention", "re"),
        *("timetodetect", "td", "timetonotify", "tn", "timetorepair", "tr"),
    }
)
"""By the monitor, by incidents, by `readiness`: names of ODCS and their abbreviations, which are read in any case."""


def sla_notes(read: ReadResult) -> Iterator[LintFinding]:
    """One note for each service level that is only written down."""
    for index, sla in enumerate(mappings(read.document.get("slaProperties"))):
        name = text(sla.get("property")) or ""
        if name.casefold() not in JUDGED:
            problem = read.problem(
                ProblemCode.UNJUDGED,
                f"the service level {quoted(name)} is promised, and nothing judges it",
                "",
                f"$.slaProperties[{index}].property",
            )
            yield LintFinding(LintLevel.NOTE, problem)
