"""`status --watch`: a page that looks again and again, counts down between looks, and says how old its look is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watermaster.cli.errors import ExitCode
from watermaster.cli.output import OutputFormat, console, plain
from watermaster.cli.watch_page import page

if TYPE_CHECKING:
    from watermaster.runtime.fleet import ClusterLook, Fleet

TICK_S: Final = 0.5
"""Often enough for a countdown in seconds."""


def watch(config: Path, cluster: str | None, output: OutputFormat, every_s: float, looks_max: int | None) -> int:
    """Show looks until Ctrl-C, or until so many were taken. Not on a terminal: one page, or one JSON line, for each."""
    from watermaster.wiring.monitoring import open_fleet

    fleet = open_fleet(config, cluster)
    try:
        if output is OutputFormat.TABLE and sys.stdout.isatty():
            _live(fleet, every_s, looks_max)
        else:
            for looks in _looks(fleet, every_s, looks_max):
                _print(looks, output)
    except KeyboardInterrupt:
        return ExitCode.OK
    return ExitCode.OK


def _looks(fleet: Fleet, every_s: float, looks_max: int | None) -> Iterator[Sequence[ClusterLook]]:
    taken = 0
    while True:
        next_s = time.monotonic() + every_s
        yield fleet.look()
        taken += 1
        if taken == looks_max:
            return
        time.sleep(max(0.0, next_s - time.monotonic()))


def _live(fleet: Fleet, every_s: float, looks_max: int | None) -> None:
    """Look on a thread of its own: a cluster that hangs makes the page old, and it says so, but never freezes it."""
    from rich.live import Live

    pool = ThreadPoolExecutor(1)
    looks: Sequence[ClusterLook] = ()
    taken, next_s = 0, 0.0
    pending: Future[Sequence[ClusterLook]] | None = None
    try:
        with Live(page(looks, _now_ms()), console=console(), screen=True, auto_refresh=False) as live:
            while taken != looks_max:
                if pending is None and time.monotonic() >= next_s:
                    next_s = time.monotonic() + every_s
                    pending = pool.submit(fleet.look)
                if pending is not None and pending.done():
                    looks, pending, taken = pending.result(), None, taken + 1
                live.update(page(looks, _now_ms()), refresh=True)
                time.sleep(TICK_S)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _print(looks: Sequence[ClusterLook], output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        sys.stdout.write(json.dumps(plain([_facts(look) for look in looks])) + "\n")
        sys.stdout.flush()
    else:
        console().print(page(looks, _now_ms()))


def _facts(look: ClusterLook) -> dict[str, object]:
    from watermaster.runtime.lag_summary import horizon_lines, lag_lines

    return {
        "name": look.name,
        "taken_ms": look.report.survey.taken_ms if look.report else None,
        "lag": lag_lines(look.report) if look.report else (),
        "horizon": horizon_lines(look.report) if look.report else (),
        "health": look.report.problems if look.report else None,
        "unseen": look.unseen,
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
