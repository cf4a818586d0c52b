"""`watermaster check FILE --contract C`: the gate's verdicts on a file of JSON lines."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.errors import ExitCode
from watermaster.cli.output import OutputFormat, OutputOption, say, share, show_json, show_table
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.check import CheckReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    file: Annotated[Path, typer.Argument(help="JSON lines: one record a line.")],
    contract: Annotated[Path, typer.Option("--contract", help="The contract (*.odcs.yaml).")],
    stream: Annotated[
        str | None, typer.Option("--stream", help="The stream of the contract, if it describes several.")
    ] = None,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Judge a file as the gate would. Ends with 0 if all records pass, 1 if any is held or dropped."""
    from watermaster.runtime.check import check_file
    from watermaster.wiring.contract import compile_checks

    try:
        document = contract.read_bytes()
    except OSError as error:
        raise UsageFault(
            "WM-CHECK-CONTRACT", f"The contract {contract} cannot be read: {error.strerror}.", hint="Check its path."
        ) from None
    report = check_file(file, compile_checks(document, str(contract), stream), int(time.time() * 1000))
    if output is OutputFormat.JSON:
        show_json(report)
    else:
        _show(report)
    if report.held or report.dropped:
        raise typer.Exit(ExitCode.FINDINGS)


def _show(report: CheckReport) -> None:
    say(f"{report.source} against {report.contract}")
    failed = share((report.held + report.dropped) / report.records) if report.records else "-"
    say(
        f"{report.records} records: {report.passed} pass, {report.held} would be held,"
        f" {report.dropped} would be dropped ({failed})."
    )
    if report.warned:
        say(f"{report.warned} of those that pass break a rule that only warns.")
    if report.reasons:
        rows = [
            (
                found.records,
                found.reason.severity.value,
                found.reason.code,
                found.reason.rule,
                found.reason.message,
                ", ".join(map(str, found.lines)),
            )
            for found in report.reasons
        ]
        show_table("Reasons", ("Records", "Severity", "Code", "Rule", "What the rule asks", "First lines"), rows)
