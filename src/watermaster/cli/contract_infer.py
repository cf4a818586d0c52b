"""`watermaster contract infer`: a first contract from real records, with the evidence for each rule as comments."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.cluster_choice import (
    AllowAnonymousOption,
    AllowPlaintextOption,
    AllowUnverifiedTlsOption,
    BootstrapOption,
    ClientConfigOption,
    ClusterChoice,
    RegistryConfigOption,
    RegistryOption,
)
from watermaster.cli.output import ClusterOption, ConfigOption, OutputFormat, OutputOption, inert, say, show_json
from watermaster.runtime.record_source import Form
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.contract_inference import Inferred, Progress


PathsArgument = Annotated[
    list[Path] | None, typer.Argument(help="Files, folders or globs: JSON lines, JSON, CSV, Parquet, Avro.")
]
TopicOption = Annotated[str | None, typer.Option("--topic", help="Learn from this topic instead of files.")]
StreamOption = Annotated[
    str | None, typer.Option("--stream", help="The topic that the contract is for; else that, or the file's name.")
]
FromOption = Annotated[
    str, typer.Option("--from", help="With --topic: beginning, or -N for the last N records of each partition.")
]
FormatOption = Annotated[
    Form | None, typer.Option("--format", help="What the files are, whatever their names end with.")
]
OutOption = Annotated[Path | None, typer.Option("-o", "--out", help="Write the contract to this file.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


def infer(
    paths: PathsArgument = None,
    topic: TopicOption = None,
    stream: StreamOption = None,
    form: FormatOption = None,
    start: FromOption = "-20000",
    out: OutOption = None,
    force: ForceOption = False,
    config: ConfigOption = Path("watermaster.yaml"),
    cluster: ClusterOption = None,
    bootstrap: BootstrapOption = None,
    client_config: ClientConfigOption = None,
    allow_plaintext: AllowPlaintextOption = False,
    allow_anonymous: AllowAnonymousOption = False,
    allow_unverified_tls: AllowUnverifiedTlsOption = False,
    registry: RegistryOption = None,
    registry_config: RegistryConfigOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Draft a contract from real records. Prints it, or writes it with -o; never over a file that is there.

    Every record that could be learnt from passes the draft. A rule stands only where there is evidence that the next
    records keep it too; the comment above each field has it. Values of fields that look personal are not used. A topic
    is read without a group; nothing is written to the cluster.
    """
    from watermaster.runtime.observe import parse_start
    from watermaster.wiring.contract_inference import infer_files, infer_topic, refuse_other, write_new_file

    if bool(paths) is (topic is not None):
        raise UsageFault("WM-INFER-SOURCE", "Name files or a --topic to learn from.", hint="One of the two.")
    choice = ClusterChoice(
        config, cluster, bootstrap, client_config, allow_plaintext, allow_anonymous, allow_unverified_tls, registry,
        registry_config,
    )  # fmt: skip
    choice.refuse_without(topic)
    if out is not None:
        refuse_other(out, force=force)
    with _progress() as progress:
        if topic is None:
            inferred = infer_files(paths or [], stream, progress, form=form)
        else:
            chosen, schemas = choice.require()
            inferred = infer_topic(chosen, topic, stream, parse_start(start), progress, schemas)
    if out is not None:
        write_new_file(out, inferred.text, force=force)
    _show(inferred, out, output)


def _show(inferred: Inferred, out: Path | None, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        show_json({**_numbers(inferred), "written": out, "contract": inferred.text})
        return
    if out is None:
        sys.stdout.write(inferred.text)
    else:
        _say(inferred, out)
    for remark in inferred.remarks:
        sys.stderr.write(inert(f"Note: {remark}.") + "\n")


def _numbers(inferred: Inferred) -> dict[str, object]:
    return {
        "records": inferred.records,
        "learnt": inferred.learnt,
        "passed_over": dict(inferred.passed_over),
        "fields": inferred.fields,
        "rules": inferred.rules,
        "classified": inferred.classified,
        "remarks": inferred.remarks,
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
