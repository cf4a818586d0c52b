"""`status --all`: one line for each cluster, the one that needs somebody first; those that are down say why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watermaster.cli.errors import ExitCode
from watermaster.cli.output import OutputFormat, say, show_json, show_table
from watermaster.cli.status_health import summary
from watermaster.cli.status_monitor import headline

if TYPE_CHECKING:
    from watermaster.runtime.fleet import ClusterLook


def show_all(config: Path, output: OutputFormat) -> int:
    """Look at every cluster side by side; the exit code."""
    from watermaster.wiring.monitoring import open_fleet

    looks = open_fleet(config, None).look()
    if output is OutputFormat.JSON:
        show_json({"clusters": [_plain(look) for look in looks]})
    else:
        rows = [tuple(_plain(look).values()) for look in sorted(looks, key=_urgency)]
        show_table("Clusters (the one that needs somebody first)", _COLUMNS, rows)
        down = sum(look.report is None for look in looks)
        say(f"{len(looks) - down} of {len(looks)} clusters answer.")
    return _exit_code(looks)


_COLUMNS = ("cluster", "environment", "brokers", "partitions", "groups", "loss horizon", "health", "unseen")


def _plain(look: ClusterLook) -> dict[str, Any]:
    from watermaster.runtime.lag_summary import horizon_lines

    report = look.report
    counts: tuple[object, ...]
    if report is None:
        reason = f"unknown, because {look.unseen[0].reason}"
        counts = (None, None, None, reason, reason)
    else:
        survey = report.survey
        sentences = (headline(horizon_lines(report)), summary(report.problems))
        counts = (len(survey.cluster.brokers), len(survey.placements), len(survey.groups), *sentences)
    fields = (look.name, look.environment, *counts, len(look.unseen))
    return dict(zip((column.replace(" ", "_") for column in _COLUMNS), fields, strict=True))


def _urgency(look: ClusterLook) -> tuple[int, int, str]:
    """Down, then lost, then the nearest loss, then problems."""
    from watermaster.runtime.lag_summary import horizon_lines

    if look.report is None:
        return (0, 0, look.name)
    lines = horizon_lines(look.report)
    rank, at_ms = lines[0].urgency if lines else (3, 0)
    return (1 + rank, at_ms - len(look.report.problems), look.name)


def _exit_code(looks: Sequence[ClusterLook]) -> int:
    if all(look.report is None for look in looks):
        return ExitCode.WORLD
    lost = any(p.horizon.lost_max for look in looks if look.report for _, p in look.report.positions())
    return ExitCode.FINDINGS if lost or any(look.report and look.report.problems for look in looks) else ExitCode.OK
