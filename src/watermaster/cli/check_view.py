"""What `check` shows: to a person, a script, a CI system (JUnit) or a reviewer (Markdown)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from watermaster.cli.output import one_line, say, share, show_json, show_table

if TYPE_CHECKING:
    from watermaster.runtime.assertion import AssertionResult
    from watermaster.runtime.check_report import CheckReport, FileCount, ReasonCount


class CheckOutput(StrEnum):
    """The forms of a report."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"


def show_report(report: CheckReport, output: CheckOutput) -> None:
    """Print to standard output."""
    match output:
        case CheckOutput.JSON:
            show_json(report)
        case CheckOutput.JUNIT:
            sys.stdout.write(junit(report))
        case CheckOutput.MARKDOWN:
            sys.stdout.write(markdown(report))
        case CheckOutput.TABLE:
            _show(report)


_REASON_COLUMNS = ("Records", "Severity", "Code", "Rule", "What the rule asks", "First lines")
_FILE_COLUMNS = ("File", "Records", "Pass", "Held", "Dropped", "Not read")
_ASSERTION_COLUMNS = ("Outcome", "Severity", "Assertion", "What it asks", "Measured")
_FAILING_COLUMNS = ("Where", "Rules", "The record without its values")


def _show(report: CheckReport) -> None:
    for sentence in _sentences(report):
        say(sentence)
    if report.reasons:
        show_table("Reasons", _REASON_COLUMNS, [_reason_row(found, report) for found in report.reasons])
    if report.assertions:
        rows = [_assertion_row(result) for result in report.assertions]
        show_table(f"Assertions over {report.asserted} records", _ASSERTION_COLUMNS, rows)
    if len(report.files) > 1:
        show_table("Files", _FILE_COLUMNS, [_file_row(file) for file in report.files])
    if report.failing:
        show_table(f"The first {len(report.failing)} failing records", _FAILING_COLUMNS, _failing_rows(report))


def _sentences(report: CheckReport) -> list[str]:
    failed = share((report.held + report.dropped) / report.records) if report.records else "-"
    found = [
        f"{report.source} against {report.contract}",
        f"{report.records} records: {report.passed} pass, {report.held} would be held,"
        f" {report.dropped} would be dropped ({failed}).",
    ]
    if report.warned:
        found.append(f"{report.warned} of those that pass break a rule that only warns.")
    if report.assertions:
        met = sum(result.outcome.value == "met" for result in report.assertions)
        found.append(f"{met} of {len(report.assertions)} assertions over all records are met.")
    return found + [f"Not judged here: {what}" for what in report.unjudged]


def _reason_row(found: ReasonCount, report: CheckReport) -> Sequence[object]:
    places = [
        str(line) if len(report.files) == 1 else f"{file}:{line}"
        for file, line in zip(found.files, found.lines, strict=True)
    ]
    reason = found.reason
    return (found.records, reason.severity.value, reason.code, reason.rule, reason.message, ", ".join(places))


def _assertion_row(result: AssertionResult) -> Sequence[object]:
    asks = f"{result.asks} ({result.message})" if result.message else result.asks
    measured = result.measured if result.measured is not None else result.reason
    return (result.outcome.value, result.severity.value, result.id, asks, measured)


def _file_row(file: FileCount) -> Sequence[object]:
    unread = file.unread.message if file.unread else ""
    return (file.file, file.records, file.passed, file.held, file.dropped, unread)


def _failing_rows(report: CheckReport) -> list[Sequence[object]]:
    return [
        (f"{record.file}:{record.line}", ", ".join(reason.rule for reason in record.broken), record.masked)
        for record in report.failing
    ]


def markdown(report: CheckReport) -> str:
    """For a merge request's comment or a CI summary."""
    lines = [f"### {_cell(report.source)} against {_cell(report.contract)}", ""]
    lines += [f"{_cell(sentence)}  " for sentence in _sentences(report)[1:]]
    if report.reasons:
        lines += _markdown_table(_REASON_COLUMNS, [_reason_row(found, report) for found in report.reasons])
    if report.assertions:
        lines += _markdown_table(_ASSERTION_COLUMNS, [_assertion_row(result) for result in report.assertions])
    if len(report.files) > 1 or report.unread is not None:
        lines += _markdown_table(_FILE_COLUMNS, [_file_row(file) for file in report.files])
    if report.failing:
        lines += _markdown_table(_FAILING_COLUMNS, _failing_rows(report))
    return "\n".join(lines) + "\n"


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    body = [f"| {' | '.join(_cell(str(cell)) for cell in row)} |" for row in rows]
    return ["", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}", *body]


def _cell(text: str) -> str:
    """Nothing from a file acts as markup."""
    shown = one_line(text, length_max=500)
    for sign in "\\`*_[]<>|":
        shown = shown.replace(sign, f"\\{sign}")
    return shown


def junit(report: CheckReport) -> str:
    """One suite a file; a case for reading it, one for its records, and one for each broken rule."""
    root = Xml.Element("testsuites", name="watermaster check")
    for file in report.files:
        _add_suite(root, file, report)
    if report.assertions:
        _add_assertions(root, report)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_suite(root: Xml.Element, file: FileCount, report: CheckReport) -> None:
    name = one_line(file.file)
    failed = file.held + file.dropped
    rules = sorted(file.failures)
    errors = int(file.unread is not None)
    counts = {"tests": str(2 + len(rules)), "failures": str(bool(failed) + len(rules)), "errors": str(errors)}
    suite = Xml.SubElement(root, "testsuite", {"name": name, **counts})
    read = Xml.SubElement(suite, "testcase", classname=name, name="the file is read to its end")
    if file.unread is not None:
        Xml.SubElement(read, "error", type=file.unread.code, message=one_line(file.unread.message))
    whole = Xml.SubElement(suite, "testcase", classname=name, name=one_line(f"every record meets {report.contract}"))
    if failed:
        message = f"{failed} of {file.records} records would be held or dropped"
        Xml.SubElement(whole, "failure", type="records", message=message)
    asked = {found.reason.rule: found.reason for found in report.reasons}
    for rule in rules:
        case = Xml.SubElement(suite, "testcase", classname=name, name=one_line(rule))
        message = one_line(f"{file.failures[rule]} records: {asked[rule].message}")
        Xml.SubElement(case, "failure", type=asked[rule].code, message=message)


def _add_assertions(root: Xml.Element, report: CheckReport) -> None:
    """A suite of its own: assertions are about all files together. What only warns fails no build."""
    failed = sum(result.is_failure for result in report.assertions)
    counts = {"tests": str(len(report.assertions)), "failures": str(failed), "errors": "0"}
    suite = Xml.SubElement(root, "testsuite", {"name": "assertions", **counts})
    for result in report.assertions:
        case = Xml.SubElement(suite, "testcase", classname="assertions", name=one_line(f"{result.id}: {result.asks}"))
        words = one_line(f"{result.outcome.value}: {result.measured or result.reason}")
        if result.is_failure:
            Xml.SubElement(case, "failure", type=result.outcome.value, message=words)
        elif result.outcome.value != "met":
            Xml.SubElement(case, "system-out").text = f"{result.severity.value}, {words}"
