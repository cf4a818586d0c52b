"""`watermaster init`: look at a cluster without touching it, and write the first configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.cluster_choice import (
    CLUSTER_PANEL,
    AllowAnonymousOption,
    AllowPlaintextOption,
    AllowUnverifiedTlsOption,
    ClientConfigOption,
    RegistryConfigOption,
    RegistryOption,
    named_registry,
)
from watermaster.cli.output import OutputFormat, OutputOption, data_size, inert, rate, say, show_json, show_table
from watermaster.contract.checks import Encoding
from watermaster.runtime.names import CLUSTER_NAME, FILE_NAME
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import ClusterConfiguration
    from watermaster.runtime.initialize import InitialFiles, InitialLook, TopicRow
    from watermaster.runtime.registry_settings import RegistryConfiguration


EveryOption = Annotated[
    bool, typer.Option("--all", "--all-json", help="Guard every topic that a contract can be drafted for.")
]


def register(app: typer.Typer) -> None:
    """Add `init`."""
    app.command("init")(_init)


def _init(
    bootstrap: Annotated[
        str,
        typer.Option("--bootstrap", help="HOST:PORT of a broker; several with commas.", rich_help_panel=CLUSTER_PANEL),
    ],
    client_config: ClientConfigOption = None,
    allow_plaintext: AllowPlaintextOption = False,
    allow_anonymous: AllowAnonymousOption = False,
    allow_unverified_tls: AllowUnverifiedTlsOption = False,
    registry: RegistryOption = None,
    registry_config: RegistryConfigOption = None,
    environment: Annotated[str, typer.Option(help="development, staging or production.")] = "development",
    stream: Annotated[list[str] | None, typer.Option("--stream", help="A topic to guard.")] = None,
    every: EveryOption = False,
    directory: Annotated[Path, typer.Option(help="Where to write watermaster.yaml and contracts/.")] = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="Write the files; without this the plan is printed.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Connect, look, and write a first configuration. The cluster is only read."""
    from watermaster.runtime.configuration import ClusterConfiguration, Environment
    from watermaster.wiring.observation import look_at, refuse_existing

    if environment not in [each.value for each in Environment]:
        raise UsageFault(
            "WM-USAGE", f"There is no environment {environment}.", hint="Use development, staging or production."
        )
    cluster = ClusterConfiguration(
        name=CLUSTER_NAME,
        bootstrap=bootstrap,
        environment=Environment(environment),
        client_config=client_config.absolute() if client_config else None,
        allow_plaintext=allow_plaintext,
        allow_anonymous=allow_anonymous,
        allow_unverified_tls=allow_unverified_tls,
    )
    if not force:
        refuse_existing(directory, FILE_NAME)
    named = named_registry(registry, registry_config)
    look = look_at(cluster, named)
    if output is OutputFormat.TABLE:
        _show_look(look, asked=named is not None)
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and output is OutputFormat.TABLE and not yes
    topics = _choose(look, stream or [], every=every, interactive=interactive)
    _finish(look, cluster, named, topics, directory, apply=yes, force=force, interactive=interactive, output=output)


def _choose(look: InitialLook, wanted: Sequence[str], *, every: bool, interactive: bool) -> Sequence[str]:
    from watermaster.runtime.initialize import choose

    candidates = [row.topic for row in look.enforceable]
    if every:
        return candidates
    if not wanted and interactive and candidates:
        for number, topic in enumerate(candidates, start=1):
            say(f"  {number:3} {topic}")
        answer = typer.prompt("Which shall a gate guard (numbers or names, 'all', or Enter for none)", default="")
        if answer.strip() == "all":
            return candidates
        words = answer.replace(",", " ").split()
        wanted = [candidates[int(word) - 1] if _is_number_of(word, candidates) else word for word in words]
    return choose(look, wanted)


def _is_number_of(word: str, candidates: Sequence[str]) -> bool:
    return word.isdecimal() and word not in candidates and 1 <= int(word) <= len(candidates)


def _finish(
    look: InitialLook,
    cluster: ClusterConfiguration,
    registry: RegistryConfiguration | None,
    topics: Sequence[str],
    directory: Path,
    *,
    apply: bool,
    force: bool,
    interactive: bool,
    output: OutputFormat,
) -> None:
    from watermaster.runtime.initialize import plan_files
    from watermaster.wiring.contract_inference import topic_learner
    from watermaster.wiring.observation import write_new_files

    learn = topic_learner(cluster, registry) if topics else None
    client_config = None if cluster.client_config is None else _path_in(directory, cluster.client_config)
    settings = None if registry is None else _settings_in(directory, registry)
    files = plan_files(look, cluster, client_config, topics, learn, settings)
    for remark in files.remarks:
        sys.stderr.write(inert(f"Note: {remark}") + "\n")
    if output is OutputFormat.TABLE:
        _show_plan(files, directory)
    if interactive:
        apply = typer.confirm("Write these files?", default=True)
    written, kept = write_new_files(directory, files.texts, force=force) if apply else ((), ())
    if output is OutputFormat.JSON:
        shown = {"files": dict(files.texts), "remarks": files.remarks, "written": written, "kept": kept}
        show_json({"look": _without_values(look), **shown})
    elif apply:
        for path in written:
            say(f"wrote {path}")
        for path in kept:
            say(f"kept {path}, which was there already")
        say("Next: watermaster status, then watermaster gate --observe.")
    else:
        say("Nothing was written. --yes writes these files; --stream TOPIC or --all chooses streams.")


def _path_in(directory: Path, path: Path) -> str:
    """A path as the file names it: relative where it lies in the project's folder."""
    relative = os.path.relpath(path, directory.absolute())
    return str(path) if relative.startswith("..") else relative


def _settings_in(directory: Path, registry: RegistryConfiguration) -> dict[str, str | int | bool]:
    """What the file says of a registry: all that is not as by default."""
    from dataclasses import fields

    settings: dict[str, str | int | bool] = {}
    for each in fields(registry):
        value = getattr(registry, each.name)
        if each.name != "name" and value != each.default:
            settings[each.name] = _path_in(directory, value) if isinstance(value, Path) else value
    return settings


def _show_look(look: InitialLook, *, asked: bool) -> None:
    columns = ("topic", "format", "agreeing", "partitions", "replication", "records ≤", "rate", "≈ size", "note")
    rows = [_cells(row) for row in look.rows]
    show_table(
        f"Cluster {look.cluster.cluster_id}: {len(look.cluster.brokers)} brokers, {len(rows)} topics", columns, rows
    )
    read, budget = data_size(look.bytes_read), data_size(look.bytes_budget)
    say(f"Read {read} of a budget of {budget}. No group was joined, nothing was committed or written to the cluster.")
    if look.framed and not asked:
        say(f"{look.framed} topics name schemas of a registry: --registry URL drafts contracts for them too.")
    if look.first_reader:
        say("No group had ever read here: Kafka has now made its internal topic __consumer_offsets, by itself.")


def _cells(row: TopicRow) -> Sequence[object]:
    agreeing = f"{row.guess.agreeing} of {row.guess.sampled}" if row.guess.sampled else ""
    note = f"{row.unseen.reason} [{row.unseen.code}]" if row.unseen else ""
    return (
        row.topic,
        _format(row),
        agreeing,
        row.partitions or None,
        row.replication or None,
        row.records,
        rate(row.records_last_hour),
        data_size(row.estimated_bytes),
        note,
    )


def _format(row: TopicRow) -> str:
    """The guess, or what the registry says."""
    if row.written is None or row.written.values is Encoding.JSON:
        return row.guess.format.value
    return "Avro, by the registry" if row.written.values is Encoding.AVRO else "JSON Schema, by the registry"


def _show_plan(files: InitialFiles, directory: Path) -> None:
    say("Files:")
    for name, text in files.texts.items():
        say(f"  {directory / name} ({text.count(chr(10))} lines)")


def _without_values(look: InitialLook) -> dict[str, object]:
    """The look for scripts: no record content."""
    return {
        "cluster": look.cluster,
        "topics": [{"estimated_bytes": row.estimated_bytes, "row": row} for row in look.rows],
        "bytes_read": look.bytes_read,
        "bytes_budget": look.bytes_budget,
        "first_reader": look.first_reader,
    }
