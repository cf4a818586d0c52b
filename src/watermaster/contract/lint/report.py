"""A document linted: the errors of reading and compiling, else advice and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from watermaster.contract.checks import Checks, FieldCheck
from watermaster.contract.compiler import CompileResult, compile_contract, owner, root_element, stream_elements
from watermaster.contract.document import ReadResult, read_contract
from watermaster.contract.extension import key_element
from watermaster.contract.fields import Element, untyped_sentence
from watermaster.contract.findings import Findings
from watermaster.contract.lint.field_advice import advise_field, described
from watermaster.contract.lint.finding import LintFinding, LintLevel, LintReport
from watermaster.contract.lint.rule_advice import advise_rules, named_fields
from watermaster.contract.lint.sla_notes import sla_notes
from watermaster.contract.problem import Problem, ProblemCode


def lint_contract(data: bytes, source: str) -> LintReport:
    """Look over one document; `source` is what messages call it (a file name). Never raises for bad bytes."""
    read = read_contract(data, source)
    compiled = compile_contract(read)
    if compiled.problems:
        return _report(source, (LintFinding(LintLevel.ERROR, problem) for problem in compiled.problems))
    return _report(source, [*_warnings(read, compiled), *_notes(read, compiled), *sla_notes(read)])


def _report(source: str, found: Iterable[LintFinding]) -> LintReport:
    return LintReport(source, tuple(sorted(dict.fromkeys(found), key=_place)))


def _place(finding: LintFinding) -> tuple[bool, int, int]:
    problem = finding.problem
    return problem.line is None, problem.line or 0, problem.column or 0


def _warnings(read: ReadResult, compiled: CompileResult) -> Iterator[LintFinding]:
    findings = Findings(read)
    if owner(read.document) is None:
        message = "the contract names no owner, so nobody is told when its records are held"
        findings.problem(ProblemCode.NO_OWNER, message, "Add `team:` with a `name`.", "$")
    for element, checks in zip(stream_elements(findings), compiled.checks, strict=True):
        root = root_element(element)
        named = named_fields(root)
        for pair in _described(root, checks):
            advise_field(*pair, named, findings)
        advise_rules(root, checks, findings)
    for problem in findings.problems:
        yield LintFinding(LintLevel.WARNING, problem)


def _notes(read: ReadResult, compiled: CompileResult) -> Iterator[LintFinding]:
    for element, checks in zip(stream_elements(Findings(read)), compiled.checks, strict=True):
        # That a field has no type is a warning already, and that one knows its line.
        warned = {untyped_sentence(check.path) for _, check in _described(root_element(element), checks)}
        for sentence in checks.unjudged:
            if sentence not in warned:
                yield LintFinding(
                    LintLevel.NOTE, Problem(ProblemCode.UNJUDGED, sentence.rstrip("."), source=read.source)
                )


def _described(root: Element, checks: Checks) -> Iterator[tuple[Element, FieldCheck]]:
    """Every part of the value and of the key that is judged, with its place in the document."""
    yield from described(root, checks.value)
    if checks.key.check is not None:
        yield from described(key_element(root), checks.key.check)
