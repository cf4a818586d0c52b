"""`watermaster status`: what is there and how far the gates are, straight from Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.output import (
    ClusterOption,
    ConfigOption,
    OutputFormat,
    OutputOption,
    duration,
    say,
    share,
    show_json,
    show_table,
)

if TYPE_CHECKING:
    from watermaster.monitor.freshness import Freshness
    from watermaster.runtime.fleet import ClusterLook
    from watermaster.runtime.status import ClusterStatus, GateStatus


def register(app: typer.Typer) -> None:
    """Add `status`."""
    app.command("status")(_status)


LagOption = Annotated[bool, typer.Option("--lag", help="How far every group is behind, in records and in time.")]
HorizonOption = Annotated[
    bool, typer.Option("--horizon", help="How long until records are lost that a group has not read, and by what.")
]

HealthOption = Annotated[
    bool,
    typer.Option(
        "--health", help="What is wrong with the cluster: brokers, copies, disks, transactions, certificates."
    ),
]

SloOption = Annotated[
    bool, typer.Option("--slo", help="What is left of the error budgets of the contracts, and how fast it burns.")
]

VolumeOption = Annotated[
    bool, typer.Option("--volume", help="Records by the hour, against what is usual at this hour of the week.")
]

LatencyOption = Annotated[
    bool, typer.Option("--latency", help="How long records have taken from landing to trusted, hour by hour.")
]

FieldsOption = Annotated[
    str | None,
    typer.Option(
        "--fields", metavar="STREAM", help="Null rates and distributions of the fields of a landing topic, as sampled."
    ),
]

WatchOption = Annotated[bool, typer.Option("--watch", help="A live page: lag, horizon and health, until Ctrl-C.")]
AllOption = Annotated[bool, typer.Option("--all", help="One line for each cluster of the configuration.")]
EveryOption = Annotated[float, typer.Option("--every", min=1, max=3600, help="With --watch: seconds between looks.")]
LooksOption = Annotated[int | None, typer.Option("--looks", min=1, help="With --watch: end after so many looks.")]


def _status(
    config: ConfigOption = Path("watermaster.yaml"),
    cluster: ClusterOption = None,
    lag: LagOption = False,
    horizon: HorizonOption = False,
    health: HealthOption = False,
    slo: SloOption = False,
    volume: VolumeOption = False,
    latency: LatencyOption = False,
    fields: FieldsOption = None,
    watch: WatchOption = False,
    every: EveryOption = 10.0,
    looks: LooksOption = None,
    every_cluster: AllOption = False,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Show clusters, topics and gates: lag, held share, age of the last commit. Reads only.

    --lag and --horizon show every consumer group of the clusters, with or without a gate. A lag counts what
    read_committed readers can reach. The horizon is a lower bound: under unchanged settings nothing unread is deleted
    by age before it. --health shows brokers, copies, log directories, open transactions and who holds them, settings
    and certificates. Exit code 1 if --horizon finds unread records that are gone, or --health something wrong.

    --slo, --volume, --latency and --fields show what `watermaster monitor` has kept, without a look at the clusters.
    Exit code 1 if a budget burns, a topic gets far too few or far too many records, or fields are not what they were.

    --watch also tells readers that are stuck or slow from those that are not, and forecasts how it ends, for that
    takes several looks; with --output json it prints one line for each.
    """
    from watermaster.cli.errors import ExitCode
    from watermaster.cli.status_monitor import show_monitor
    from watermaster.wiring.monitoring import look_and_status
    from watermaster.wiring.observation import status_of

    if watch:
        from watermaster.cli.status_watch import watch as show_live

        return show_live(config, cluster, output, every, looks)
    if every_cluster:
        from watermaster.cli.status_all import show_all

        return show_all(config, output)
    if slo or volume or latency or fields is not None:
        return _show_kept(config, cluster, output, slo=slo, volume=volume, fields=fields)
    if lag or horizon or health:
        return show_monitor(config, cluster, output, lag=lag, horizon=horizon, health=health)
    if output is OutputFormat.JSON:
        report = status_of(config, cluster)
        show_json(report)
    else:
        report, seen_by_name = look_and_status(config, cluster)
        for seen in report.clusters:
            _show_cluster(seen, seen_by_name.get(seen.name))
    nothing_seen = all(seen.cluster is None for seen in report.clusters)
    return ExitCode.WORLD if nothing_seen else ExitCode.OK


def _show_kept(
    config: Path, cluster: str | None, output: OutputFormat, *, slo: bool, volume: bool, fields: str | None
) -> int:
    """What the monitor has kept; one of the four."""
    from watermaster.cli.status_fields import show_fields
    from watermaster.cli.status_latency import show_latencies
    from watermaster.cli.status_slo import show_budgets
    from watermaster.cli.status_volume import show_volumes

    if slo:
        return show_budgets(config, cluster, output)
    if volume:
        return show_volumes(config, cluster, output)
    if fields is not None:
        return show_fields(config, cluster, fields, output)
    return show_latencies(config, cluster, output)


def _show_cluster(status: ClusterStatus, look: ClusterLook | None) -> None:
    from watermaster.cli.status_health import summary
    from watermaster.cli.status_monitor import headline_of

    if status.cluster is None:
        say(f"{status.name} ({status.environment}): no answer")
    else:
        brokers = ", ".join(f"{broker.id} {broker.host}:{broker.port}" for broker in status.cluster.brokers)
        say(f"{status.name} ({status.environment}): cluster {status.cluster.cluster_id}, brokers {brokers}")
    if look is not None:
        say(f"  loss horizon: {headline_of(look)}")
    if look is not None and look.report is not None:
        say(f"  health: {summary(look.report.problems)}")
    if status.topics:
        fresh = look.report.survey.freshness() if look is not None and look.report is not None else {}
        taken_ms = look.report.survey.taken_ms if look is not None and look.report is not None else 0
        rows = [
            (
                topic.name,
                len(topic.partitions) or None,
                topic.replication or None,
                topic.records,
                topic.records_last_hour,
                newest_text(fresh.get(topic.name), taken_ms),
                sum(part.in_sync < part.replicas for part in topic.partitions),
            )
            for topic in status.topics
        ]
        columns = ("topic", "partitions", "replication", "records ≤", "last hour", "newest", "under-replicated")
        show_table("Topics of its gates", columns, rows)
    for gate in status.gates:
        _show_gate(gate)
    for unseen in status.unseen:
        say(f"  could not see {unseen.what}: {unseen.reason} [{unseen.code}]")
    say()


def newest_text(fresh: Freshness | None, now_ms: int) -> str | None:
    """The age of the newest timestamp; one that lies ahead says so."""
    if fresh is None or fresh.newest_ms is None:
        return None
    age_ms = now_ms - fresh.newest_ms
    told = f"{duration(age_ms)} ago" if age_ms >= 0 else f"in {duration(-age_ms)}"
    return told if fresh.whole else f"{told}, not all seen"


def _show_gate(gate: GateStatus) -> None:
    rows = [
        (
            stream.landing,
            stream.lag,
            share(stream.held_share),
            stream.judged_recently,
            duration(stream.last_commit_age_ms),
            stream.activation,
            "created anew" if stream.recreated else "",
        )
        for stream in gate.streams
    ]
    columns = ("landing", "lag ≤", "held", "of the last", "last commit", "activation", "note")
    # Kafka calls a group dead that nobody has ever used.
    state = "not used yet" if gate.group.state == "DEAD" else gate.group.state.lower()
    show_table(f"Gate {gate.gate}: group {gate.group.group_id} {state}, {gate.group.members} members", columns, rows)
