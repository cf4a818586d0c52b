"""`watermaster metrics`: lag, loss horizon and health for Prometheus, with rules and a dashboard that use them."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from watermaster.cli.output import ClusterOption, ConfigOption, say
from watermaster.stream.fault import UsageFault


def register(app: typer.Typer) -> None:
    """Add `metrics` and what belongs to it."""
    metrics = typer.Typer(help="Lag, loss horizon and health of clusters for Prometheus and Grafana.")
    metrics.callback(invoke_without_command=True)(_metrics)
    metrics.command("rules")(_rules)
    metrics.command("dashboard")(_dashboard)
    app.add_typer(metrics, name="metrics")


def _metrics(
    context: typer.Context,
    config: ConfigOption = Path("watermaster.yaml"),
    cluster: ClusterOption = None,
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT; beyond loopback it needs a token.")] = (
        "127.0.0.1:9465"
    ),
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="A file with the bearer token that scrapes must show.")
    ] = None,
    every: Annotated[float, typer.Option("--every", min=1, max=3600, help="Seconds between looks.")] = 15.0,
) -> None:
    """Look at clusters again and again and serve /metrics and /health until Ctrl-C. Reads only.

    Names and labels are those of kafka_exporter and kafka-lag-exporter, with cluster_name in both, so that existing
    dashboards and rules work; watermaster_… adds the loss horizon, what readers do, and what is wrong with the cluster.
    What is unknown has no sample, and a cluster that does not answer has watermaster_cluster_up 0 and nothing else.
    """
    if context.invoked_subcommand is not None:
        return
    from watermaster.wiring.metrics import serve_metrics

    host, port = parse_address(listen)
    with serve_metrics(config, cluster, host, port, token_file, every) as address:
        say(f"http://{address[0]}:{address[1]}/metrics and /health; Ctrl-C ends")
        threading.Event().wait()


def _rules(config: ConfigOption = Path("watermaster.yaml")) -> None:
    """Print rules for Prometheus, made from the configuration and its contracts. Connects to nothing.

    Alarms for the loss horizon, readers, gates and clusters; for each service level of a contract (latency, frequency,
    availability, errorRate) its error budget, with burn rates 14.4 and 6 that page and 1 that asks for a ticket; an
    alarm for what is unknown, and a dead man's switch. Check with: promtool check rules watermaster.rules.yml
    """
    from watermaster.adapters.prometheus.rule_file import rules_yaml
    from watermaster.wiring.metrics import watched_by

    sys.stdout.write(rules_yaml(watched_by(config)))


def _dashboard(config: ConfigOption = Path("watermaster.yaml")) -> None:
    """Print a dashboard for Grafana (10 or newer) that shows our metrics and what `metrics rules` records."""
    from watermaster.adapters.prometheus.dashboard import dashboard_json
    from watermaster.wiring.metrics import watched_by

    sys.stdout.write(dashboard_json(watched_by(config)))


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`. Raises UsageFault WM-METRICS-ADDRESS."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not int(port[:6]) < 65_536:  # noqa: PLR2004 -- a port
        raise UsageFault("WM-METRICS-ADDRESS", f"{text} is no HOST:PORT.", hint="For instance 127.0.0.1:9465.")
    return host.strip("[]"), int(port)
