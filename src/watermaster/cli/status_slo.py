"""Error budgets for a person: what is left, and how fast it burns."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from watermaster.cli.output import OutputFormat, duration, say, share, show_json, show_table

if TYPE_CHECKING:
    from watermaster.monitor.budget import Burn
    from watermaster.runtime.budgets import BudgetReport


def show_budgets(config: Path, cluster: str | None, output: OutputFormat) -> int:
    """Show the objectives, the worst first. Exit code 1 if a budget burns."""
    from watermaster.cli.errors import ExitCode
    from watermaster.runtime.budgets import stand
    from watermaster.wiring.incidents import open_budgets

    promised, store = open_budgets(config)
    chosen = [stream for stream in promised if cluster in (None, stream.gate.cluster)]
    now_ms = int(time.time() * 1000)
    reports, newest_ms = stand(chosen, store, now_ms)
    unread = [f"{stream.topic} of {stream.gate.name}: {stream.unread}" for stream in chosen if stream.unread]
    if output is OutputFormat.JSON:
        show_json({"objectives": reports, "newest_ms": newest_ms, "unread": unread})
    else:
        _show(reports, None if newest_ms is None else now_ms - newest_ms, unread)
    burning = any(report.budget.burning for report in reports)
    return ExitCode.FINDINGS if burning else ExitCode.OK


def _show(reports: tuple[BudgetReport, ...], age_ms: int | None, unread: list[str]) -> None:
    from watermaster.monitor.objective import BURN_WINDOWS

    worst_first = sorted(reports, key=lambda r: 2.0 if r.budget.left is None else r.budget.left)
    if reports:
        columns = (
            "topic", "gate", "promised", "budget", "left ≤", "seen",
            *(f"burn {w.long} (pages at {w.factor:g})" if w.pages else f"burn {w.long}" for w in BURN_WINDOWS), "",
        )  # fmt: skip
        show_table("Error budgets of 30 days", columns, [_row(report) for report in worst_first])
    else:
        say("No contract of a gate has an objective (`slaProperties`: latency, frequency, availability, errorRate).")
    for line in unread:
        say(f"  not known what is promised for {line}")
    if reports and age_ms is None:
        say("  nothing is known yet: `watermaster monitor` judges objectives, and has not looked so far")
    elif reports:
        say(f"  the newest look is at most {duration(age_ms)} old; what nobody saw counts as neither good nor bad")


def _row(report: BudgetReport) -> tuple[object, ...]:
    from watermaster.runtime.budgets import promised_text

    budget = report.budget
    return (
        report.topic,
        report.gate,
        promised_text(report.objective),
        f"{report.objective.budget:.3%}",
        "unknown" if budget.left is None else f"{budget.left:.1%}",
        "" if budget.seen is None else share(budget.seen),
        *(_rate(burn) for burn in budget.burns),
        "BURNS" if budget.burning else "",
    )


def _rate(burn: Burn) -> str:
    return "unknown" if burn.long is None else f"{burn.long:.1f}×"
