"""Advice on rules in CEL: those that look at nothing, and those that name fields which the contract does not describe.

The names are found by a scanner and not by CEL's own parser, which gives no tree: `this.a.b`, `this["a"]` and
`has(this.a)`, outside of literals and comments. What it does not see it says nothing about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from watermaster.contract.checks import Checks, FieldCheck, UnknownFields
from watermaster.contract.fields import Element, descendants
from watermaster.contract.findings import Findings, text
from watermaster.contract.problem import ProblemCode, join_path, suggest
from watermaster.contract.rules import CEL_ENGINE, entries

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*)
      | (?P<path>(?<![\w.])this(?:\s*\.\s*[A-Za-z_]\w*(?!\s*\()|\s*\[\s*(?:"[^"\\\n]*"|'[^'\\\n]*')\s*\])*)(?!\w)
      | (?P<variable>(?<![\w.])(?:key|now)\b)
      | (?P<literal>'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")""",
    re.VERBOSE | re.DOTALL,
)
_STEP = re.compile(r"""\.\s*([A-Za-z_]\w*)|\[\s*["']([^"']*)["']\s*\]""")


def named_fields(root: Element) -> frozenset[str]:
    """The paths (`$.a.b`) of the fields that the rules of a stream name."""
    return frozenset(_joined(steps) for expression, _ in _rules(root) for steps in references(expression) if steps)


def references(expression: str) -> list[tuple[str, ...]]:
    """The fields of `this` that an expression names, as steps; the value as a whole is `()`."""
    found = []
    for match in _TOKEN.finditer(expression):
        if match["path"] is not None:
            found.append(tuple(name or other for name, other in _STEP.findall(match["path"])))
    return found


def advise_rules(root: Element, checks: Checks, findings: Findings) -> None:
    """Say what looks wrong with the rules of a stream."""
    for expression, place in _rules(root):
        if not any(match["path"] or match["variable"] for match in _TOKEN.finditer(expression)):
            message = "the rule looks at no field, so it says the same of every record"
            findings.problem(ProblemCode.NEVER_FIRES, message, "Name a field: this.total >= 0.", place)
        for steps in dict.fromkeys(references(expression)):
            _advise_name(steps, checks, place, findings)


def _advise_name(steps: tuple[str, ...], checks: Checks, place: str, findings: Findings) -> None:
    """The first step that the contract does not describe, if what is above it is described by its fields."""
    check, path = checks.value, "$"
    for step in steps:
        known: dict[str, FieldCheck] = {child.name: child for child in check.properties}
        if not known:
            return
        if step not in known:
            held = checks.unknown_fields is UnknownFields.HOLD
            why = "and records that have it are held" if held else "so nothing says that it is ever there"
            message = f"the rule names {join_path(path, step)}, which the contract does not describe, {why}"
            findings.problem(ProblemCode.UNKNOWN_FIELD, message, suggest(step, known), place)
            return
        check, path = known[step], join_path(path, step)


def _rules(root: Element) -> Iterator[tuple[str, str]]:
    """Expression and place of each rule in CEL."""
    for element in descendants(root):
        for node, place in entries(element):
            expression = text(node.get("implementation"))
            if (text(node.get("engine")) or "").casefold() == CEL_ENGINE and expression is not None:
                yield expression, f"{place}.implementation"


def _joined(steps: tuple[str, ...]) -> str:
    path = "$"
    for step in steps:
        path = join_path(path, step)
    return path
