"""What `watermaster.yaml` says about watching and alarms: part of `Configuration`, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from watermaster.incident.severity import HOUR_MS, MINUTE_MS, SeverityRow

PAGERDUTY_URL: Final = "https://events.pagerduty.com/v2/enqueue"
DAY_MS: Final = 24 * HOUR_MS

Milliseconds = Annotated[int, Field(ge=0, le=30 * DAY_MS)]


class AlertKind(Enum):
    """The forms in which pages are sent."""

    ALERTMANAGER = "alertmanager"
    """Its API v2; `url` is its root, for instance http://127.0.0.1:9093."""
    WEBHOOK = "webhook"
    """Whatever receives Alertmanager's webhook, version 4."""
    PAGERDUTY = "pagerduty"
    """Events v2."""
    HEARTBEAT = "heartbeat"
    """Called after each whole look: what is called must raise the alarm when the calls stop."""


@dataclass(frozen=True, slots=True)
class AlertConfiguration:
    """One route. It is told of incidents of `alarms_min` alarms; with `escalate_after_ms` of those not taken by then.

    Secrets lie in files: `token_file` a bearer token, `key_file` PagerDuty's routing key, `url_file` an address that is
    itself a secret.
    """

    name: str
    kind: AlertKind
    url: Annotated[str, Field(max_length=2048)] = ""
    url_file: Path | None = None
    token_file: Path | None = None
    key_file: Path | None = None
    alarms_min: Annotated[int, Field(ge=1, le=5)] = 2
    escalate_after_ms: Milliseconds = 0

    @property
    def fingerprint(self) -> str:
        """Changes when the route leads elsewhere, or logs in by another file; says nothing of the address itself."""
        parts = (self.kind.value, self.url, self.url_file, self.token_file, self.key_file)
        return sha256("\0".join(str(part) for part in parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MonitorConfiguration:
    """How `watermaster monitor` looks: how often, how long things must last, and what counts as near a loss."""

    listen: str = "127.0.0.1:9465"
    """Health and metrics; loopback only."""
    poll_ms: Annotated[int, Field(ge=100, le=HOUR_MS)] = 10_000
    raise_after_ms: Milliseconds = MINUTE_MS
    clear_after_ms: Milliseconds = 2 * MINUTE_MS
    return_within_ms: Milliseconds = 30 * MINUTE_MS
    loss_near_ms: Milliseconds = DAY_MS
    """A loss that is farther away is no signal."""
    kept_share_min: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Nor is one of records that have used up less of the time they are kept: a topic may keep an hour only."""
    held_share_min: Annotated[float, Field(ge=0, le=1)] = 0.2
    volume_topics: Annotated[tuple[str, ...], Field(max_length=200)] = ("*",)
    """Patterns of topics whose volume is compared with what is usual at the hour of the week."""
    probe_topics: Annotated[Mapping[str, str], Field(max_length=100)] = field(default_factory=dict)
    """By cluster an existing topic through which the monitor sends a record every 30 s; none by default."""
    severities: Annotated[tuple[SeverityRow, ...], Field(max_length=200)] = ()
    """Takes the place of the built-in table if it has rows."""
