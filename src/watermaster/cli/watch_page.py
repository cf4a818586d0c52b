"""The page of `status --watch`: for each cluster the next loss, what is wrong, and the readers that need somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from watermaster.cli.output import cell_text, duration, one_line
from watermaster.cli.status_health import summary
from watermaster.cli.status_monitor import age_text, between, cause_text, ending_text, headline

if TYPE_CHECKING:
    from watermaster.monitor.health import Problem
    from watermaster.runtime.fleet import ClusterLook
    from watermaster.runtime.lag_summary import HorizonLine, LagLine

LINES_MAX: Final = 8
"""Of each kind and cluster: a page is for what needs somebody, and `status --lag` has the rest."""


def page(looks: Sequence[ClusterLook], now_ms: int) -> Any:  # noqa: ANN401 -- rich is imported only when something is shown
    """Everything on one screen, as of `now_ms`: what is left counts down from the moment of the look."""
    from rich.console import Group
    from rich.text import Text

    if not looks:
        return Text("looking …")
    parts: list[Any] = []
    for look in looks:
        parts += _cluster(look, now_ms)
    return Group(*parts, Text("Ctrl-C ends", style="dim"))


def _cluster(look: ClusterLook, now_ms: int) -> Iterable[Any]:
    from rich.text import Text

    from watermaster.runtime.lag_summary import horizon_lines, lag_lines

    name = f"{look.name} ({look.environment})"
    if look.report is None:
        yield Text(one_line(f"{name}: no answer, {look.unseen[0].reason}"), style="bold red")
        return
    taken_ms = look.report.survey.taken_ms
    horizons = [_counted_down(line, now_ms) for line in horizon_lines(look.report)]
    worst = horizons[0].urgency[0] if horizons else 3
    yield Text(one_line(f"{name}: {headline(horizons)}"), style="bold red" if worst == 0 else "bold")
    yield Text(one_line(f"looked {duration(max(0, now_ms - taken_ms))} ago; health: {summary(look.report.problems)}"))
    yield from _horizons(horizons)
    yield from _lags(lag_lines(look.report), taken_ms)
    yield from _problems(look.report.problems, now_ms)
    if look.unseen:
        yield Text(one_line(f"{len(look.unseen)} things could not be seen, for instance: {look.unseen[0]}"))
    yield Text("")


def _counted_down(line: HorizonLine, now_ms: int) -> HorizonLine:
    return line if line.at_ms is None else replace(line, left_ms=max(0, line.at_ms - now_ms))


def _horizons(lines: Sequence[HorizonLine]) -> Iterable[Any]:
    rows = [
        (line.group, line.topic, _left(line), cause_text(line), line.lost_max or None)
        for line in lines[:LINES_MAX]
        if line.left_ms is not None or line.lost_max or not line.known
    ]
    return _table(("group", "topic", "nothing lost for", "then by", "lost ≤"), rows)


def _left(line: HorizonLine) -> str | None:
    if line.left_ms is None:
        return "no end" if line.known else "unknown"
    return duration(line.left_ms)


def _lags(lines: Sequence[LagLine], taken_ms: int) -> Iterable[Any]:
    rows = [
        (
            line.group,
            line.topic,
            between(line.records_min, line.records),
            age_text(line),
            line.condition.value,
            ending_text(line, taken_ms),
        )
        for line in lines
        if line.records != 0
    ]
    return _table(("group", "topic", "lag", "oldest", "is", "then"), rows[:LINES_MAX])


def _problems(problems: Sequence[Problem], now_ms: int) -> Iterable[Any]:
    rows = [
        (each.signal.value, each.subject, each.text, duration(now_ms - (each.since_ms or now_ms)))
        for each in problems[:LINES_MAX]
    ]
    return _table(("what", "where", "what it means", "for at least"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterable[Any]:
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, header_style="dim", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell_text(cell)) for cell in row))
    yield table
