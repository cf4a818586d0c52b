"""What is to be watched, as far as rules need to know."""

from __future__ import annotations

from dataclasses import dataclass

from watermaster.incident.runbook import SiteRunbook
from watermaster.monitor.objective import Objective


@dataclass(frozen=True, slots=True)
class WatchedGate:
    """A gate; `scraped`: whether it serves metrics of its own."""

    name: str
    cluster: str
    scraped: bool


@dataclass(frozen=True, slots=True)
class WatchedObjective:
    """One objective of a stream that a gate carries: `group` is the gate's, `topic` the landing topic."""

    cluster: str
    gate: str
    group: str
    topic: str
    owner: str | None
    objective: Objective


@dataclass(frozen=True, slots=True)
class Watched:
    """`pages` says whether `watermaster monitor` is to send pages, so that its silence is an alarm."""

    clusters: tuple[str, ...]
    gates: tuple[WatchedGate, ...]
    objectives: tuple[WatchedObjective, ...]
    loss_near_ms: int
    kept_share_min: float
    pages: bool
    runbooks: tuple[SiteRunbook, ...] = ()
