"""`watermaster readiness`: does what is promised fit what the cluster can keep?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from watermaster.cli.output import ClusterOption, ConfigOption, OutputFormat, OutputOption, inert, say, show_json

_HOUR_MS: Final = 3_600_000


def register(app: typer.Typer) -> None:
    """Add `readiness`."""
    app.command("readiness")(_readiness)


def _readiness(
    stream: Annotated[str, typer.Argument(help="The topic, which need not exist yet.")],
    contract: Annotated[Path | None, typer.Option("--contract", help="The contract with the promises.")] = None,
    outage_hours: Annotated[
        float, typer.Option("--outage-hours", min=0.1, max=10_000, help="The longest outage of a reader to survive.")
    ] = 72.0,
    config: ConfigOption = Path("watermaster.yaml"),
    cluster: ClusterOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Say whether a stream, live or only planned, is fit for what its contract promises. Reads only.

    Each finding says why it matters and how to fix it. Exit code 0: ready, perhaps with warnings and advice; 1: an
    error, or something that matters could not be seen.
    """
    from watermaster.cli.errors import ExitCode
    from watermaster.monitor.readiness import is_ready
    from watermaster.wiring.readiness import readiness_of

    findings = readiness_of(config, cluster, stream, contract, round(outage_hours * _HOUR_MS))
    ready = is_ready(findings)
    if output is OutputFormat.JSON:
        show_json({"stream": stream, "ready": ready, "findings": findings})
    else:
        say(inert(f"{stream}: {'ready' if ready else 'not ready'}"))
        for finding in findings:
            fix = f"\n  fix: {finding.fix}" if finding.fix else ""
            say(f"{finding.severity.value}: {inert(finding.message)}\n  why: {finding.why}{fix}")
    return ExitCode.OK if ready else ExitCode.FINDINGS
