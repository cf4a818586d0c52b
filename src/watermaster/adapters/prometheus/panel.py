"""A panel of Grafana as a value, and as the JSON of a dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS: Final = 24
"""Of Grafana's grid."""
HEIGHT: Final = 8


class Look(Enum):
    """How a panel shows its values."""

    NUMBER = "stat"
    LINES = "timeseries"
    TABLE = "table"


class Query(NamedTuple):
    """An expression of PromQL; `legend` may use labels as `{{name}}`."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """`unit` is Grafana's name of it. `red_above` and `red_below` colour a number or a line; `what` explains it."""

    title: str
    queries: tuple[Query, ...]
    look: Look = Look.LINES
    unit: str = "short"
    width: int = 12
    what: str = ""
    red_above: float | None = None
    red_below: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a title."""

    title: str
    panels: tuple[Panel, ...]


def panels_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """All panels, laid out from left to right and from top to bottom."""
    laid: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        laid.append({"id": len(laid) + 1, "type": "row", "title": row.title, "gridPos": place, "panels": []})
        top, left = top + 1, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left = top + HEIGHT, 0
            place = {"x": left, "y": top, "w": panel.width, "h": HEIGHT}
            laid.append({"id": len(laid) + 1, "gridPos": place, **_panel(panel)})
            left += panel.width
        top += HEIGHT
    return laid


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.look.value,
        "title": panel.title,
        "description": panel.what,
        "datasource": SOURCE,
        "targets": [_target(panel, number, query) for number, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        **_options(panel),
    }


def _target(panel: Panel, number: int, query: Query) -> dict[str, Any]:
    table = panel.look is Look.TABLE
    return {
        "refId": chr(ord("A") + number),
        "datasource": SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
        "instant": panel.look is not Look.LINES,
        "range": panel.look is Look.LINES,
        "format": "table" if table else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    # What is not there is said in words: an empty panel or a zero would look like good news.
    defaults: dict[str, Any] = {"unit": panel.unit, "noValue": "unknown"}
    steps: list[dict[str, Any]] | None = None
    if panel.red_above is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.red_above}]
    elif panel.red_below is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel.red_below}]
    if steps:
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.look is Look.LINES:
        defaults["custom"] = {"fillOpacity": 8, "showPoints": "never", "spanNulls": False}
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    match panel.look:
        case Look.NUMBER:
            return {"options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background"}}
        case Look.LINES:
            legend = {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]}
            return {"options": {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}}
        case Look.TABLE:
            hidden = {"Time": True, "job": True, "instance": True}
            return {
                "options": {"showHeader": True},
                "transformations": [{"id": "organize", "options": {"excludeByName": hidden}}],
            }
