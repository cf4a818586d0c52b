"""`watermaster contract lint`: everything that is wrong with contracts, and what looks wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.contract_file import read_document
from watermaster.cli.errors import ExitCode
from watermaster.cli.output import OutputFormat, OutputOption, say, show_json
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.contract.lint.finding import LintFinding, LintReport

SUFFIX = "*.odcs.yaml"

FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Contract documents, or folders of *.odcs.yaml.")
]
StrictOption = Annotated[bool, typer.Option("--strict", help="End with 1 for warnings too.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Leave notes out: what no record can be judged by.")]


def lint(
    files: FilesArgument,
    strict: StrictOption = False,
    quiet: QuietOption = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Check contracts: all that is wrong with them, with line, path, the nearest valid name and what to do.

    Errors keep a contract from being used. Warnings are for what it hardly means: a field without a rule, a pattern
    that is not anchored, an option that nothing can break, a listed value that can never pass, a rule that names no
    known field, an owner missing. Notes say what no record can be judged by. Ends with 0, or with 1 if there are
    errors (with --strict: or warnings), and with 2 if a file cannot be read.
    """
    from watermaster.contract.lint.finding import LintLevel
    from watermaster.contract.lint.report import lint_contract

    reports = [lint_contract(read_document(file), str(file)) for file in _documents(files)]
    errors, warnings, notes = (sum(report.count(level) for report in reports) for level in LintLevel)
    if output is OutputFormat.JSON:
        counts = {"errors": errors, "warnings": warnings, "notes": notes}
        show_json({**counts, "files": [_plain(report, quiet=quiet) for report in reports]})
    else:
        for report in reports:
            _show(report, quiet=quiet)
    if errors or (strict and warnings):
        raise typer.Exit(ExitCode.FINDINGS)


def _documents(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob(SUFFIX)) if path.is_dir() else [path]
        if not inside:
            raise UsageFault("WM-CONTRACT-FILE", f"There is no {SUFFIX} in {path}.", hint="Name the files themselves.")
        found.extend(inside)
    return list(dict.fromkeys(found))


def _shown(report: LintReport, *, quiet: bool) -> list[LintFinding]:
    return [finding for finding in report.findings if not (quiet and finding.level.value == "note")]


def _plain(report: LintReport, *, quiet: bool) -> dict[str, object]:
    findings = [
        {
            "level": finding.level,
            "code": finding.problem.code,
            "line": finding.problem.line,
            "column": finding.problem.column,
            "path": finding.problem.path,
            "message": finding.problem.message,
            "hint": finding.problem.hint,
        }
        for finding in _shown(report, quiet=quiet)
    ]
    return {"file": report.source, "findings": findings}


def _show(report: LintReport, *, quiet: bool) -> None:
    for finding in _shown(report, quiet=quiet):
        problem = finding.problem
        place = ":".join(str(part) for part in (problem.source, problem.line, problem.column) if part is not None)
        where = "" if problem.line is None else f" {problem.path}"
        say(f"{place}: {finding.level.value}: {problem.message} [{problem.code}]{where}")
        if problem.hint:
            say(f"  {problem.hint}")
    say(_summary(report))


def _summary(report: LintReport) -> str:
    from watermaster.contract.lint.finding import LintLevel

    errors, warnings = report.count(LintLevel.ERROR), report.count(LintLevel.WARNING)
    said = f", with {_number(warnings, 'warning')}" if warnings else ""
    if errors:
        more = " What is asked is looked over once the document itself is valid." if _is_unread(report) else ""
        return f"{report.source}: {_number(errors, 'error')}.{more}"
    return f"{report.source} is a contract that can be enforced{said}."


def _is_unread(report: LintReport) -> bool:
    return any(finding.problem.code.startswith(("yaml.", "schema.")) for finding in report.findings)


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
