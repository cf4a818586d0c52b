"""`watermaster quarantine fix`: look a fix over, try it on a sample, and help editors to write one."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.errors import ExitCode
from watermaster.cli.output import OutputFormat, OutputOption, console, inert, say, show_json, show_table
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watermaster.contract.problem import Problem
    from watermaster.quarantine.fix.difference import DifferenceLine
    from watermaster.quarantine.fix.document import Fix
    from watermaster.runtime.fix_trial import FixTrial


def register(app: typer.Typer) -> None:
    """Add `fix` and its verbs to the commands of `quarantine`."""
    fix_app = typer.Typer(help="Fixes: changes to held records as documents.", no_args_is_help=True)
    fix_app.command("check")(_check)
    fix_app.command("schema")(_schema)
    app.add_typer(fix_app, name="fix")


def _check(
    file: Annotated[Path, typer.Argument(help="A fix document (*.fix.yaml).")],
    sample: Annotated[Path | None, typer.Option("--sample", help="JSON lines to try it on: one record a line.")] = None,
    contract: Annotated[
        Path | None, typer.Option("--contract", help="The contract (*.odcs.yaml) that judges the sample.")
    ] = None,
    stream: Annotated[
        str | None, typer.Option("--stream", help="The stream of the contract, if it describes several.")
    ] = None,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Look a fix over; with --sample show what it changes, and with --contract whether that would pass.

    Ends with 0 if all is well, with 1 if the document has problems, or records could not be fixed or would not pass.
    """
    from watermaster.quarantine.fix.document import read_fix

    read = read_fix(_bytes_of(file), str(file))
    if read.fix is None:
        _refuse(file, read.problems, output)
        raise typer.Exit(ExitCode.FINDINGS)
    trial = None if sample is None else _try(read.fix, sample, contract, stream)
    if output is OutputFormat.JSON:
        show_json({"file": str(file), "fix": read.fix.label, "problems": [], "trial": trial})
    else:
        say(f"{file} is the fix {read.fix.label}: {len(read.fix.operations)} steps.")
        if trial is not None:
            _show(trial)
    if trial is not None and (trial.unfixable or trial.passing < trial.changed):
        raise typer.Exit(ExitCode.FINDINGS)


def _schema() -> None:
    """Print the JSON schema of fix documents, for editors that complete and check YAML by one."""
    from watermaster.quarantine.fix.document import fix_schema_text

    sys.stdout.write(fix_schema_text())


def load_fix(file: Path) -> Fix:
    """The fix of a file. Raises UsageFault with the first problem."""
    from watermaster.quarantine.fix.document import read_fix

    read = read_fix(_bytes_of(file), str(file))
    if read.fix is None:
        first = read.problems[0]
        place = f"{first.source}:{first.line}" if first.line else first.source
        raise UsageFault(
            "WM-FIX",
            f"{place}: {first.message}",
            hint=first.hint or "`watermaster quarantine fix check` lists every problem.",
        )
    return read.fix


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageFault("WM-FIX-FILE", f"cannot read {file}: {error.strerror}", hint="Check its path.") from error


def _refuse(file: Path, problems: Sequence[Problem], output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        show_json({"file": str(file), "fix": None, "problems": list(problems), "trial": None})
        return
    for problem in problems:
        say(f"{problem.source}:{problem.line}:{problem.column}: {problem.message} [{problem.code}] {problem.path}")
        if problem.hint:
            say(f"  {problem.hint}")
    say(f"{len(problems)} problems.")


def _try(fix: Fix, sample: Path, contract: Path | None, stream: str | None) -> FixTrial:
    from watermaster.runtime.fix_trial import try_fix
    from watermaster.wiring.contract import compile_checks

    checks = None if contract is None else compile_checks(_bytes_of(contract), str(contract), stream)
    try:
        with sample.open("rb") as lines:
            return try_fix(fix, lines, checks, int(time.time() * 1000))
    except OSError as error:
        raise UsageFault("WM-FIX-FILE", f"cannot read {sample}: {error.strerror}", hint="Check its path.") from error


def _show(trial: FixTrial) -> None:
    say(f"{trial.records} records; {trial.changed} are changed, {trial.unfixable} cannot be fixed.")
    if trial.is_judged:
        say(
            f"{trial.passing} of the changed pass the contract; of all, {trial.passing_before} pass before "
            f"and {trial.passing_after} after."
        )
    for record in trial.shown:
        word = {None: "", True: ", passes", False: ", does not pass"}[record.passes]
        say(f"\nline {record.line}{word}")
        show_difference(record.changes)
    if trial.troubles:
        show_table("What could not be fixed", ("why", "records"), trial.troubles.most_common(20))
    if trial.broken:
        show_table("What still breaks", ("rule", "records"), trial.broken.most_common(20))


def show_difference(lines: Iterable[DifferenceLine]) -> None:
    """The difference of one record, coloured on a terminal."""
    from rich.text import Text

    from watermaster.quarantine.fix.difference import Side

    out = console()
    colours = {Side.BEFORE: "red", Side.AFTER: "green", Side.NOTE: "dim"}
    for line in lines:
        out.print(Text(f"  {line.side.value} {inert(line.text)}", colours[line.side]), soft_wrap=True)
