"""`watermaster monitor`: watch clusters, open incidents and page, until it is stopped."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, say, show_json_line

if TYPE_CHECKING:
    from watermaster.runtime.incident_watch import WatchState


def register(app: typer.Typer) -> None:
    """Add `monitor`."""
    app.command("monitor")(_monitor)


def _monitor(config: ConfigOption = Path("watermaster.yaml"), output: OutputOption = OutputFormat.TABLE) -> None:
    """Watch every cluster of the configuration, open incidents, and page. Reads only from the clusters.

    Stays in the foreground; Ctrl-C ends it. Several may run over one PostgreSQL `database`: one of them judges and
    sends, another takes its place when it dies. Health: http://127.0.0.1:9465/health, metrics: /metrics
    (`monitor.listen`), with everything that `watermaster metrics` serves, so that one process is enough. No gate, no
    contract and no alert route is needed.
    """
    from watermaster.wiring.incidents import run_monitor

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    shown: list[object] = []

    def show(state: WatchState) -> None:
        told = _line(state)
        if output is OutputFormat.JSON:
            show_json_line(state)
        elif not shown or shown[-1] != told:
            shown[:] = [told]
            say(told)
            sys.stdout.flush()

    run_monitor(config, stop.is_set, show, stop.wait)
    if output is OutputFormat.TABLE:
        say("Stopped; what is not sent yet is sent after the next start.")


def _line(state: WatchState) -> str:
    if state.fault:
        return f"Nothing is judged: the database does not do its part [{state.fault}]"
    if not state.leads:
        return "Another monitor leads; this one stands by."
    counts = state.open_incidents or {}
    loudest = max((alarms for alarms, count in counts.items() if count), default=0)
    told = f"{sum(counts.values())} incidents open" + (f", the loudest with {loudest} of 5 alarms" if loudest else "")
    refused = "; ".join(f"{route}: {why}" for route, why in (state.refused or {}).items())
    waiting = f"; {state.pages_waiting} pages wait" if state.pages_waiting else ""
    dark = f"; not seen: {'; '.join(state.unseen)}" if state.unseen else ""
    return told + waiting + (f" ({refused})" if refused else "") + dark
