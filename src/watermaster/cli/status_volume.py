"""Volumes for a person: the last day of each topic as a plot, beside what is usual at the hour."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watermaster.cli.output import OutputFormat, say, show_json, show_table

if TYPE_CHECKING:
    from watermaster.runtime.rhythms import TopicVolume

PLOT_H: Final = 24
TOPICS_SHOWN: Final = 50


def show_volumes(config: Path, cluster: str | None, output: OutputFormat) -> int:
    """Show the topics, the unusual ones first. Exit code 1 if one gets far too few or far too many records."""
    from watermaster.cli.errors import ExitCode
    from watermaster.monitor.rhythm import HOUR_MS, Volume
    from watermaster.runtime.rhythms import volumes
    from watermaster.wiring.incidents import open_hours

    names, store = open_hours(config)
    hour = int(time.time() * 1000) // HOUR_MS - 1
    chosen = [name for name in names if cluster in (None, name)]
    found = [volume for name in chosen for volume in volumes(store, name, hour)]
    if output is OutputFormat.JSON:
        show_json({"hour_ms": hour * HOUR_MS, "topics": found})
    else:
        _show(found, hour)
    odd = any(volume.judged in (Volume.LOW, Volume.HIGH) for volume in found)
    return ExitCode.FINDINGS if odd else ExitCode.OK


def _show(found: list[TopicVolume], hour: int) -> None:
    from watermaster.monitor.rhythm import Volume
    from watermaster.quarantine.group import plot

    if not found:
        say(
            "Nothing is known yet: `watermaster monitor` counts records by the hour, and has seen no whole hour so far."
        )
        return
    order = [Volume.LOW, Volume.HIGH, Volume.USUAL, Volume.UNKNOWN]
    ranked = sorted(found, key=lambda volume: (order.index(volume.judged), -sum(volume.hours.values())))
    rows = [
        (
            volume.cluster,
            volume.topic,
            plot([round(volume.hours.get(at, 0)) for at in range(hour - PLOT_H + 1, hour + 1)]),
            round(volume.hours[hour]) if hour in volume.hours else None,
            None if volume.band is None else round(volume.band.usual),
            "" if volume.judged is Volume.USUAL else volume.judged.value,
        )
        for volume in ranked[:TOPICS_SHOWN]
    ]
    show_table(
        "Records by the hour", ("cluster", "topic", "the last 24 hours", "the last one", "usual then", "judged"), rows
    )
    if len(ranked) > TOPICS_SHOWN:
        say(f"  … and {len(ranked) - TOPICS_SHOWN} more; --output json has all")
