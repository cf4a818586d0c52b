"""How long records have taken from landing to trusted, for a person: the last day by the hour."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watermaster.cli.output import OutputFormat, duration, say, show_json, show_table

if TYPE_CHECKING:
    from watermaster.runtime.profiles import StreamLatency

PLOT_H: Final = 24
MILLISECONDS_MAX: Final = 10_000


def show_latencies(config: Path, cluster: str | None, output: OutputFormat) -> int:
    """Show the streams of gates. What is promised of them stands under --slo, so nothing is judged here."""
    from watermaster.cli.errors import ExitCode
    from watermaster.runtime.profiles import latencies_of
    from watermaster.wiring.incidents import open_landings

    landings, store = open_landings(config, cluster)
    now_ms = int(time.time() * 1000)
    found = [each for name, topics in landings.items() for each in latencies_of(store, name, topics, now_ms)]
    if output is OutputFormat.JSON:
        show_json({"streams": [_plain(each) for each in found]})
    elif not found:
        say("Nothing is known yet: `watermaster monitor` measures it where it may read the ledgers of gates.")
    else:
        _show(found, now_ms)
    return ExitCode.OK


def _plain(stream: StreamLatency) -> dict[str, object]:
    from watermaster.monitor.carriage import quantile_ms
    from watermaster.monitor.rhythm import HOUR_MS

    hours = [
        {
            "hour_ms": hour * HOUR_MS,
            "records": sum(waits.values()),
            "p50_ms": quantile_ms(waits, 0.5),
            "p99_ms": quantile_ms(waits, 0.99),
            "max_ms": quantile_ms(waits, 1),
        }
        for hour, waits in sorted(stream.hours.items())
    ]
    return {"cluster": stream.cluster, "topic": stream.topic, "hours": hours}


def _show(found: list[StreamLatency], now_ms: int) -> None:
    from watermaster.cli.status_fields import bars
    from watermaster.monitor.carriage import quantile_ms
    from watermaster.monitor.rhythm import HOUR_MS

    hour, rows = now_ms // HOUR_MS - 1, []
    for stream in found:
        drawn = [quantile_ms(stream.hours.get(at, {}), 0.99) for at in range(hour - PLOT_H + 1, hour + 1)]
        waits = stream.hours[max(stream.hours)]
        quantiles = [_short(quantile_ms(waits, part)) for part in (0.5, 0.99, 1)]
        top = max((part or 0 for part in drawn), default=0)
        rows.append((stream.cluster, stream.topic, bars(drawn, top, joined=False), *quantiles, sum(waits.values())))
    columns = ("cluster", "landing", "99 % in the last 24 hours", "half ≤", "99 % ≤", "all ≤", "measured")
    show_table("From landing to trusted; the first record of each transaction, in the newest hour", columns, rows)
    say("  from a record's timestamp (the broker's where landing has LogAppendTime, else its producer's) to the gate's")
    say("  ledger, which is written right before the commit")


def _short(wait_ms: int | None) -> str | None:
    return f"{wait_ms} ms" if wait_ms is not None and wait_ms < MILLISECONDS_MAX else duration(wait_ms)
