"""`status --lag` and `status --horizon`: the consumer groups of clusters, the worst first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watermaster.cli.output import OutputFormat, duration, say, show_json, show_table
from watermaster.cli.status_health import show_directories, show_problems, show_versions, summary

if TYPE_CHECKING:
    from watermaster.runtime.fleet import ClusterLook
    from watermaster.runtime.lag_summary import HorizonLine, LagLine

UNSEEN_SHOWN: Final = 10
"""Lines about what could not be seen; a broker that is down makes one for each of its partitions."""

OFFER_MS: Final = 86_400_000
"""A loss within a day is near enough that a person may want to act now."""
TOPICS_OFFERED: Final = 5

_CAUSES: Final = {
    "lost": "already deleted",
    "time": "age (retention.ms)",
    "size": "size (retention.bytes)",
    "expiry": "the group is empty, its position expires",
}


def show_monitor(
    config: Path, cluster: str | None, output: OutputFormat, *, lag: bool, horizon: bool, health: bool
) -> int:
    """Look once and show; the exit code."""
    from watermaster.cli.errors import ExitCode
    from watermaster.runtime.lag_summary import horizon_lines, lag_lines
    from watermaster.wiring.monitoring import open_fleet

    looks = open_fleet(config, cluster).look()
    wrong = False
    shown = []
    for look in looks:
        lags = lag_lines(look.report) if look.report and lag else ()
        horizons = horizon_lines(look.report) if look.report and horizon else ()
        wrong |= any(line.lost_max for line in horizons) or bool(health and look.report and look.report.problems)
        if output is OutputFormat.TABLE:
            _show(look, lags, horizons, lag=lag, horizon=horizon, health=health)
        shown.append(_plain(look, lags, horizons))
    if output is OutputFormat.JSON:
        show_json({"clusters": shown})
    if all(look.report is None for look in looks):
        return ExitCode.WORLD
    return ExitCode.FINDINGS if wrong else ExitCode.OK


def headline_of(look: ClusterLook) -> str:
    """The loss horizon of one cluster in one sentence."""
    from watermaster.runtime.lag_summary import horizon_lines

    if look.report is None:
        return f"unknown, because {look.unseen[0].reason}"
    return headline(horizon_lines(look.report))


def _plain(look: ClusterLook, lags: Sequence[LagLine], horizons: Sequence[HorizonLine]) -> dict[str, object]:
    return {
        "name": look.name,
        "environment": look.environment,
        "taken_ms": look.report.survey.taken_ms if look.report else None,
        "lag": lags,
        "horizon": horizons,
        "health": look.report.problems if look.report else None,
        "versions": look.report.survey.versions if look.report else None,
        "log_directories": look.report.survey.directories if look.report else None,
        "unseen": look.unseen,
    }


def _show(
    look: ClusterLook,
    lags: Sequence[LagLine],
    horizons: Sequence[HorizonLine],
    *,
    lag: bool,
    horizon: bool,
    health: bool,
) -> None:
    if look.report is None:
        say(f"{look.name} ({look.environment}): no answer")
    else:
        first = headline(horizons) if horizon else _behind(lags) if lag else summary(look.report.problems)
        say(f"{look.name} ({look.environment}): {first}")
        if health:
            show_problems(look.report.problems, look.report.survey.taken_ms)
            show_directories(look.report.survey.directories)
            show_versions(look.report.survey.versions)
        if lag:
            show_lags(lags, look.report.survey.taken_ms)
        if horizon:
            show_horizons(horizons)
            _offer(horizons)
    for unseen in look.unseen[:UNSEEN_SHOWN]:
        say(f"  {unseen} [{unseen.code}]")
    if len(look.unseen) > UNSEEN_SHOWN:
        say(f"  … and {len(look.unseen) - UNSEEN_SHOWN} more that could not be seen; --output json has all")
    say()


def _offer(horizons: Sequence[HorizonLine]) -> None:
    """What can be done about it, in the words of the command that does it."""
    near = [line for line in horizons if line.extensible and line.left_ms is not None and line.left_ms < OFFER_MS]
    topics = list(dict.fromkeys(line.topic for line in near))[:TOPICS_OFFERED]
    if topics:
        say(f"  to keep what is unread for longer: watermaster extend {' '.join(topics)} --for 24h")


def headline(horizons: Sequence[HorizonLine]) -> str:
    """The first sentence of a status: what is lost next, when at the earliest, and why."""
    if not horizons:
        return "no group has a position here, so nothing can be lost unread"
    from watermaster.runtime.monitor import HELD_RECORDS

    first = horizons[0]
    place, held = f"{first.topic}[{first.partition}]", first.group == HELD_RECORDS
    whose = f"open holds in {place}" if held else f"{place} for {first.group}"
    if first.lost_max:
        if held:
            return f"up to {first.lost_max} open holds are gone from {first.topic}"
        return f"up to {first.lost_max} records are gone that {first.group} has not read from {first.topic}"
    if first.left_ms is not None:
        sure = "forecast" if first.forecast else "at the earliest"
        doubt = "" if all(line.known for line in horizons) else "; not every group could be judged"
        return f"next loss in {duration(first.left_ms)} ({sure}): {whose}, by {cause_text(first)}{doubt}"
    if not first.known:
        return f"unknown for {whose}, because {first.because}"
    return "nothing that a group has not read is about to be lost"


def _behind(lags: Sequence[LagLine]) -> str:
    behind = sum(line.records != 0 for line in lags)
    return f"{len({line.group for line in lags})} groups, {behind} of {len(lags)} pairs of group and topic are behind"


def show_lags(lags: Sequence[LagLine], now_ms: int) -> None:
    """The table of lags."""
    rows = [
        (
            line.group,
            line.state.lower(),
            line.members,
            line.topic,
            line.partitions,
            between(line.records_min, line.records),
            age_text(line),
            line.held_back or None,
            line.evidence.value.replace("_", " ") if line.evidence else "unknown",
            line.condition.value,
            ending_text(line, now_ms),
        )
        for line in lags
    ]
    columns = ("group", "state", "members", "topic", "partitions", "lag", "oldest", "held back", "from", "is", "then")
    show_table("Lag (records; age of the first unread one)", columns, rows)


def ending_text(line: LagLine, now_ms: int) -> str | None:
    """How it ends if everything goes on like this; nothing is said of who has read everything."""
    if line.records == 0 or not line.forecast_known:
        return None
    caught_up = None if line.caught_up_ms is None else f"has caught up in {duration(line.caught_up_ms - now_ms)}"
    if line.lost_ms is not None:
        return f"loses records in {duration(max(0, line.lost_ms - now_ms))}"
    return caught_up or "does not catch up"


def show_horizons(horizons: Sequence[HorizonLine]) -> None:
    """The table of horizons."""
    rows = [
        (
            line.group,
            line.topic,
            line.partition,
            _left(line),
            None if line.at_ms is None else _moment(line.at_ms),
            cause_text(line),
            line.lost_max or None,
        )
        for line in horizons
    ]
    columns = ("group", "topic", "partition", "nothing lost for", "until", "then by", "lost ≤")
    show_table("Loss horizon (a lower bound, the worst partition of each topic)", columns, rows)


def between(least: int | None, most: int | None) -> str:
    """Records, of which there are at least and at most so many."""
    if least is None or most is None:
        return "unknown"
    return f"{most}" if least == most else f"{least}–{most}"


def age_text(line: LagLine) -> str:
    """How long the first unread record has waited, with its error."""
    if line.time_ms is None:
        return "unknown"
    least = "≥ " if line.evidence and line.evidence.value == "at_least" else ""
    error = f" ± {duration(line.time_error_ms)}" if line.time_error_ms else ""
    return f"{least}{duration(line.time_ms)}{error}"


def _left(line: HorizonLine) -> str:
    if line.left_ms is not None:
        return f"{duration(line.left_ms)}{' (forecast)' if line.forecast else ''}"
    return "no end" if line.known else "unknown"


def cause_text(line: HorizonLine) -> str:
    """What is going to take it."""
    known = _CAUSES[line.cause.value] if line.cause else "nothing"
    return known if line.known else f"{known}; not all is known, because {line.because}"


def _moment(at_ms: int) -> str:
    """UTC, so that two people on the phone read the same; a moment beyond the calendar is far enough."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at_ms / 1000))
    except (OverflowError, ValueError):
        return "beyond the calendar"
