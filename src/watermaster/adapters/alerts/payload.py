"""An incident in the forms of those who receive pages. Every text comes from `page_text`, so it is bounded."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from watermaster.incident.incident import Incident
from watermaster.incident.life import State
from watermaster.incident.page import TITLE_CHARACTERS_MAX, page_text, runbook_command
from watermaster.incident.paging import Happening

FORGET_MS: Final = 300_000
"""Alertmanager takes an alert for over at this age: it is sent again five times in between."""

_PAGERDUTY_SEVERITIES: Final = {1: "info", 2: "warning", 3: "error", 4: "critical", 5: "critical"}
_NEVER: Final = "0001-01-01T00:00:00Z"
"""Alertmanager's way to say that something has not ended."""


def alertmanager_alert(incident: Incident, now_ms: int) -> dict[str, Any]:
    """One element of `POST /api/v2/alerts`. The labels are its identity, so they never change during an incident."""
    resolved = incident.state is State.RESOLVED
    return {
        "labels": _labels(incident),
        "annotations": _annotations(incident),
        "startsAt": _moment(incident.opened_ms),
        "endsAt": _moment((incident.resolved_ms or now_ms) if resolved else now_ms + FORGET_MS),
    }


def webhook(incident: Incident, route: str) -> dict[str, Any]:
    """Alertmanager's webhook, version 4, with one alert."""
    resolved = incident.state is State.RESOLVED
    status = "resolved" if resolved else "firing"
    labels = _labels(incident)
    alert = {
        "status": status,
        "labels": labels,
        "annotations": _annotations(incident),
        "startsAt": _moment(incident.opened_ms),
        "endsAt": _moment(incident.resolved_ms) if resolved and incident.resolved_ms is not None else _NEVER,
        "generatorURL": "",
        "fingerprint": sha256(incident.dedup_key.encode()).hexdigest()[:16],
    }
    return {
        "version": "4",
        "groupKey": incident.dedup_key,
        "truncatedAlerts": 0,
        "status": status,
        "receiver": route,
        "groupLabels": {"alertname": labels["alertname"]},
        "commonLabels": labels,
        "commonAnnotations": alert["annotations"],
        "externalURL": "",
        "alerts": [alert],
    }


def pagerduty(incident: Incident, happening: Happening, routing_key: str) -> dict[str, Any]:
    """An event of Events v2; its `dedup_key` is at most 255 characters long."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": happening.value,
        "dedup_key": f"watermaster-{sha256(incident.dedup_key.encode()).hexdigest()}",
    }
    if happening is Happening.TRIGGER:
        event["client"] = "watermaster"
        if incident.runbook and incident.runbook.url:
            event["links"] = [{"href": incident.runbook.url, "text": "Runbook"}]
        event["payload"] = {
            "summary": page_text(incident),
            "source": incident.key[:TITLE_CHARACTERS_MAX],
            "severity": _PAGERDUTY_SEVERITIES[incident.alarms],
            "timestamp": _moment(incident.opened_ms),
            "group": incident.cluster,
            "class": incident.signals[0].kind.value,
            "custom_details": _labels(incident),
        }
    return event


def _labels(incident: Incident) -> dict[str, str]:
    return {
        "alertname": "WatermasterIncident",
        "incident": str(incident.number),
        "cluster": incident.cluster,
        "problem": incident.key,
        "owner": incident.owner or "unknown",
    }


def _annotations(incident: Incident) -> dict[str, str]:
    told = {
        "summary": incident.title[:TITLE_CHARACTERS_MAX],
        "description": page_text(incident),
        "alarms": str(incident.alarms),
        "runbook": (incident.runbook and incident.runbook.text) or runbook_command(incident),
    }
    if incident.runbook and incident.runbook.url:
        told["runbook_url"] = incident.runbook.url
    return told if incident.summary is None else {**told, "closing": incident.summary[:1000]}


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
