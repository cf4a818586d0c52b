"""`watermaster contract infer`: a first contract from real records, with the evidence for each rule as comments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from watermaster.cli.output import OutputFormat, OutputOption, inert, say, show_json

if TYPE_CHECKING:
    from watermaster.runtime.contract_inference import Inferred

Progress: TypeAlias = Callable[[int, int, int | None], None]


def infer(
    paths: Annotated[
        list[Path], typer.Argument(help="Files or folders of JSON records: lines, documents, arrays; also .gz.")
    ],
    stream: Annotated[
        str | None, typer.Option("--stream", help="The topic that the contract is for; else the name of the file.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the contract to this file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Draft a contract from real records. Prints it, or writes it with -o; never over a file that is there.

    Every record that could be learnt from passes the draft. A rule stands only where there is evidence that the next
    records keep it too; the comment above each field has it. Values of fields that look personal are not used.
    """
    from watermaster.wiring.contract_inference import infer_files, refuse_other, write_new_file

    if out is not None:
        refuse_other(out, force=force)
    with _progress() as progress:
        inferred = infer_files(paths, stream, progress)
    if out is not None:
        write_new_file(out, inferred.text, force=force)
    if output is OutputFormat.JSON:
        show_json({**_numbers(inferred), "written": out, "contract": inferred.text})
    elif out is None:
        sys.stdout.write(inferred.text)
    else:
        _say(inferred, out)


def _numbers(inferred: Inferred) -> dict[str, object]:
    return {
        "records": inferred.records,
        "learnt": inferred.learnt,
        "passed_over": dict(inferred.passed_over),
        "fields": inferred.fields,
        "rules": inferred.rules,
        "classified": inferred.classified,
    }


def _say(inferred: Inferred, out: Path) -> None:
    say(f"wrote {out}: {inferred.fields} fields and {inferred.rules} rules, from {inferred.learnt:,} records")
    for code, count in inferred.passed_over:
        say(f"{count:,} records taught nothing: {code}")
    if inferred.classified:
        say(f"Confirm the classification of {', '.join(dict.fromkeys(inferred.classified))}.")
    say("Read it, and make it say what must hold. Next: watermaster contract lint, then watermaster check.")


@contextmanager
def _progress() -> Iterator[Progress]:
    """A line on standard error that is written again and again, if a person sees it."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("learning", total=None)

        def show(records: int, read: int, size: int | None) -> None:
            bar.update(task, description=inert(f"{records:,} records"), completed=read, total=size)

        yield show
