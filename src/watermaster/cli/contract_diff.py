"""`watermaster contract diff`: what a new contract asks in addition, what no longer, and whose verdict changes."""

from __future__ import annotations

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
from watermaster.cli.contract_file import StreamOption, read_document
from watermaster.cli.errors import ExitCode
from watermaster.cli.output import ClusterOption, ConfigOption, OutputFormat, OutputOption, say, show_json, show_table
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.contract.checks import Checks
    from watermaster.contract.difference import Difference, StreamDifference
    from watermaster.runtime.configuration import ClusterConfiguration
    from watermaster.runtime.observe_report import ComparisonLine
    from watermaster.runtime.registry_settings import RegistryConfiguration

OldArgument = Annotated[Path, typer.Argument(help="The contract as it was.")]
NewArgument = Annotated[Path, typer.Argument(help="The contract as it is to be.")]
SampleOption = Annotated[
    list[Path] | None, typer.Option("--sample", help="Judge the records of these files, folders or globs by both.")
]
TopicOption = Annotated[str | None, typer.Option("--topic", help="Judge the newest records of this topic by both.")]
FromOption = Annotated[
    str, typer.Option("--from", help="With --topic: beginning, or -N for the last N records of each partition.")
]
FailOnStricterOption = Annotated[
    bool, typer.Option("--fail-on-stricter", help="End with 1 if what passed may be held by the new one.")
]
FailOnHeldOption = Annotated[
    bool, typer.Option("--fail-on-held", help="End with 1 if any record of the sample or topic is newly held.")
]


def diff(
    old: OldArgument,
    new: NewArgument,
    stream: StreamOption = None,
    sample: SampleOption = None,
    topic: TopicOption = None,
    start: FromOption = "-10000",
    fail_on_stricter: FailOnStricterOption = False,
    fail_on_held: FailOnHeldOption = False,
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
    """Compare two contracts: what is stricter, what is looser, and whose verdict changes.

    Stricter means that records which passed may be held, looser that held ones may pass, other that it may be either.
    With --sample or --topic the same records are judged by both, and those whose verdict changes are counted, with the
    rules and examples; values are never shown. A topic is read without a group and nothing is written.
    """
    from watermaster.contract.difference import differ
    from watermaster.wiring.contract import compile_streams

    if sample and topic is not None:
        raise UsageFault("WM-DIFF-SOURCE", "Name files or a topic to judge records of.", hint="One of the two.")
    choice = ClusterChoice(
        config, cluster, bootstrap, client_config, allow_plaintext, allow_anonymous, allow_unverified_tls, registry,
        registry_config,
    )  # fmt: skip
    choice.refuse_without(topic)
    before = compile_streams(read_document(old), str(old), stream)
    found = differ(before, compile_streams(read_document(new), str(new), stream))
    judged = None
    if sample:
        judged = _on_files(sample, *_pair(found, None), new)
    elif topic is not None:
        _pair(found, topic)
        judged = _on_topic(*choice.require(), topic, (old, new), start, stream)
    if output is OutputFormat.JSON:
        show_json(_plain(found, judged))
    else:
        _show(found, judged)
    newly_held = judged[1].newly_held if judged is not None else 0
    if (fail_on_stricter and found.is_stricter) or (fail_on_held and newly_held):
        raise typer.Exit(ExitCode.FINDINGS)


def _pair(found: Difference, topic: str | None) -> tuple[Checks, Checks]:
    """The stream whose records are judged by both contracts."""
    streams = [one for one in found.streams if topic is None or len(found.streams) == 1 or one.new.stream == topic]
    if len(streams) != 1:
        known = ", ".join(one.new.stream for one in found.streams) or "none"
        raise UsageFault(
            "WM-DIFF-STREAM", f"Both contracts describe these streams: {known}.", hint="Name one: --stream."
        )
    return streams[0].old, streams[0].new


def _on_files(paths: list[Path], old: Checks, new: Checks, source: Path) -> tuple[int, ComparisonLine]:
    from watermaster.wiring.contract_difference import compare_on_files

    return compare_on_files(paths, old, new, str(source))


def _on_topic(
    cluster: ClusterConfiguration,
    registry: RegistryConfiguration | None,
    topic: str,
    documents: tuple[Path, Path],
    start: str,
    stream: str | None,
) -> tuple[int, ComparisonLine]:
    from watermaster.runtime.observe import parse_start
    from watermaster.wiring.contract_difference import compare_on_topic

    return compare_on_topic(cluster, topic, *documents, parse_start(start), stream, registry)


def _plain(found: Difference, judged: tuple[int, ComparisonLine] | None) -> dict[str, object]:
    return {
        "streams": [
            {
                "stream": one.new.stream,
                "old": {"id": one.old.contract_id, "version": one.old.contract_version},
                "new": {"id": one.new.contract_id, "version": one.new.contract_version},
                "rewrite": one.rewrite,
                "changes": one.changes,
                "unjudged_added": one.unjudged_added,
                "unjudged_removed": one.unjudged_removed,
            }
            for one in found.streams
        ],
        "added": found.added,
        "removed": found.removed,
        "records": None if judged is None else judged[0],
        "comparison": None if judged is None else judged[1],
    }


def _show(found: Difference, judged: tuple[int, ComparisonLine] | None) -> None:
    for one in found.streams:
        _show_stream(one)
    for name in found.added:
        say(f"{name} is described newly.")
    for name in found.removed:
        say(f"{name} is no longer described.")
    if judged is not None:
        from watermaster.cli.observe_view import show_changes

        records, comparison = judged
        say(f"{records:,} records judged by both:")
        show_changes(comparison)


def _show_stream(one: StreamDifference) -> None:
    from watermaster.contract.change import ChangeKind, Rewrite

    old, new = one.old, one.new
    say(f"{new.stream}: {new.contract_id} {new.contract_version} after {old.contract_id} {old.contract_version}")
    if one.rewrite is Rewrite.SAME_BYTES:
        say("The two are the same, byte for byte.")
        return
    if one.rewrite is Rewrite.SAME_VERSION_OTHER_BYTES:
        say("Both say the same version, with other bytes: activating the new one would be refused. Raise its version.")
    if one.changes:
        show_table(
            "What changes",
            ("where", "it is", "what"),
            [(change.path, change.kind.value, change.sentence) for change in one.changes],
        )
        counts = ", ".join(f"{one.count(kind)} {kind.value}" for kind in ChangeKind)
        say(f"{len(one.changes)} changes: {counts}.")
    else:
        say("Nothing that records are judged by is different.")
    for sentence in one.unjudged_added:
        say(f"Newly asked and not judged: {sentence}")
    for sentence in one.unjudged_removed:
        say(f"No longer asked, and not judged before: {sentence}")
