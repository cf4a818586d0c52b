"""`quality` entries: CEL rules judge records; everything else is an assertion, which is said and never passed over."""

from __future__ import annotations

from collections.abc import Iterator

from watermaster.contract.cel import CelProblem, compile_rule
from watermaster.contract.checks import CelRule, OnFailure, RuleSeverity
from watermaster.contract.extension import read_extensions
from watermaster.contract.fields import Element, descendants
from watermaster.contract.findings import Findings, Node, mappings, text
from watermaster.contract.problem import ProblemCode, nearest, quoted, suggest

CEL_ENGINE = "cel"
_SEVERITIES = tuple(severity.value for severity in RuleSeverity)


def compile_rules(root: Element, findings: Findings) -> tuple[CelRule, ...]:
    """The CEL rules of an object and of all below it. In a rule on a property, too, `this` is the whole value."""
    rules: list[CelRule] = []
    for element in descendants(root):
        for node, place in entries(element):
            rule = _compile(node, element, place, findings)
            if rule is None:
                continue
            if any(rule.id == other.id for other in rules):
                message = f"two rules are called {quoted(rule.id)}"
                findings.problem(ProblemCode.NAME_CLASH, message, "Give one another `id`.", place)
            rules.append(rule)
    return tuple(rules)


def entries(element: Element) -> Iterator[tuple[Node, str]]:
    """The `quality` entries of an element, each with its place in the document."""
    for index, node in enumerate(mappings(element.node.get("quality"))):
        yield node, f"{element.place}.quality[{index}]"


def _compile(node: Node, element: Element, place: str, findings: Findings) -> CelRule | None:
    kind = text(node.get("type")) or "library"
    if kind != "custom":
        findings.say(assertion_sentence(node, kind, element))
        return None
    engine = text(node.get("engine")) or ""
    if engine.casefold() != CEL_ENGINE:
        if nearest(engine, (CEL_ENGINE,)) is not None:
            message = f"the engine {quoted(engine)} is nearly ours"
            findings.problem(ProblemCode.RULE, message, "Did you mean 'cel'?", f"{place}.engine")
        findings.say(f"{_subject(node, element)} is for the engine {quoted(engine)} and is not judged here.")
        return None
    return _cel(node, element, place, findings)


def _cel(node: Node, element: Element, place: str, findings: Findings) -> CelRule | None:
    expression = text(node.get("implementation"))
    if expression is None or not expression.strip():
        message = "the `implementation` of a CEL rule is a text: the expression"
        findings.problem(ProblemCode.RULE, message, "Example: this.total >= 0.", f"{place}.implementation")
        return None
    try:
        compile_rule(expression)
    except CelProblem as problem:
        message = f"the rule is no CEL ({problem.message}), at line {problem.line}, column {problem.column} of its text"
        hint = "A rule sees `this`, `key` and `now`, and gives true or an empty string where all is well."
        findings.problem(ProblemCode.RULE, message, hint, f"{place}.implementation")
    found = read_extensions(node, place, "quality", findings)
    severity = _severity(node, place, findings)
    on_failure = OnFailure(found.values.get("onFailure", OnFailure.HOLD.value))
    if on_failure is OnFailure.DROP and severity is not RuleSeverity.ERROR:
        message = f"a rule of severity {severity.value} only counts, so it cannot drop"
        findings.problem(ProblemCode.CONTRADICTION, message, "Write `severity: error`.", found.places["onFailure"])
    position = findings.read.positions.get(place)
    return CelRule(
        id=text(node.get("id")) or text(node.get("name")) or derived_id(element, place),
        path=element.path,
        expression=expression,
        severity=severity,
        on_failure=on_failure,
        message=text(found.values.get("message")) or text(node.get("description")) or text(node.get("name")) or "",
        line=position.line if position else None,
    )


def derived_id(element: Element, place: str) -> str:
    """Stable as long as the rules of the element keep their order: `$.total:rule-0`."""
    return f"{element.path}:rule-{place[place.rindex('[') + 1 : -1]}"


def _severity(node: Node, place: str, findings: Findings) -> RuleSeverity:
    name = text(node.get("severity"))
    if name is None:
        return RuleSeverity.ERROR
    if name in _SEVERITIES:
        return RuleSeverity(name)
    message = f"there is no severity {quoted(name)}"
    findings.problem(ProblemCode.SEVERITY, message, suggest(name, _SEVERITIES), f"{place}.severity")
    return RuleSeverity.ERROR


def _subject(node: Node, element: Element) -> str:
    name = text(node.get("id")) or text(node.get("name"))
    where = "the record" if element.path == "$" else element.path
    return f"The rule {quoted(name)} on {where}" if name else f"A rule on {where}"


def assertion_sentence(node: Node, kind: str, element: Element) -> str:
    """Says of an assertion that it is none that one record can be judged by."""
    subject = _subject(node, element)
    match kind:
        case "text":
            return f"{subject} is a text for people and is not judged."
        case "sql":
            return f"{subject} is SQL over many records: an assertion, not judged on one."
        case _:
            return f"{subject} asserts {text(node.get('metric')) or 'a metric'} over many records, not judged on one."
