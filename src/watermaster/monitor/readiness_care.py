"""Readiness rules about who looks after a stream: its copy elsewhere, its quarantine, and whether a page arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from watermaster.monitor.readiness_facts import (
    DAY_MS,
    AlertRoute,
    QuarantineTopic,
    ReadinessFinding,
    Severity,
    Surroundings,
    hours,
)
from watermaster.monitor.retention import KEPT_FOR_EVER, read_retention

TRIAL_MS_MAX: Final = 90 * DAY_MS
"""Keys, addresses and rotas change within a quarter."""

HELD_MS_MIN: Final = 14 * DAY_MS
"""Two weeks, as `gate topics` creates it: a held record outlives a holiday."""


def _standby(around: Surroundings) -> Iterator[ReadinessFinding]:
    why = "When this cluster is gone, the stream is gone with it."
    standby = around.standby
    if standby.copies:
        return
    if standby.unseen:
        message = f"whether there is a copy elsewhere could not be seen: {'; '.join(standby.unseen)}"
        yield ReadinessFinding("standby", Severity.WARNING, message, why, "Make the other cluster answer this login.")
    elif standby.looked:
        message = f"no copy of it is on {', '.join(standby.looked)}"
        fix = (
            "Mirror the topic there (MirrorMaker 2 or another mirror) under its name, or with this cluster's before it."
        )
        yield ReadinessFinding("standby", Severity.WARNING, message, why, fix)
    else:
        message = "no other cluster of this environment is configured"
        fix = "Add a standby cluster under `clusters` with the same environment, and mirror the topic to it."
        yield ReadinessFinding("standby", Severity.WARNING, message, why, fix)


def _quarantine(around: Surroundings) -> Iterator[ReadinessFinding]:
    topic = around.quarantine
    if topic is None:
        message = "nothing holds its bad records: no gate carries it, and no dead-letter topic is adopted for it"
        why = "What breaks the contract reaches every reader."
        fix = "Put a gate before its readers (`gates` in watermaster.yaml), or adopt their dead-letter topic."
        yield ReadinessFinding("quarantine", Severity.ADVICE, message, why, fix)
    elif not topic.exists:
        why = "What is held has nowhere to go, so the gate does not start."
        message = f"its quarantine {topic.name} does not exist"
        yield ReadinessFinding("quarantine", Severity.ERROR, message, why, "Create it with watermaster gate topics.")
    else:
        yield from _held_for(topic)
        yield from _wider(topic)


def _held_for(topic: QuarantineTopic) -> Iterator[ReadinessFinding]:
    retention = None if topic.settings is None else read_retention(topic.settings)
    if topic.settings is None or retention is None:
        why = "How long held records wait to be mended is not known."
        message = f"the settings of its quarantine {topic.name} could not be seen"
        fix = "Allow this login DescribeConfigs on it."
        yield ReadinessFinding("quarantine", Severity.UNKNOWN, message, why, fix)
    elif "compact" in topic.settings["cleanup.policy"]:
        why = "A held record is deleted as soon as another one with its key is held."
        fix = f"Set cleanup.policy=delete on {topic.name}."
        message = f"its quarantine {topic.name} is compacted"
        yield ReadinessFinding("quarantine", Severity.ERROR, message, why, fix)
    elif retention != KEPT_FOR_EVER and retention.time_ms is not None and retention.time_ms < HELD_MS_MIN:
        why = "What nobody has mended by then is lost."
        fix = f"Set retention.ms={HELD_MS_MIN} or more on {topic.name}."
        message = f"its quarantine {topic.name} keeps records for {hours(retention.time_ms)}"
        yield ReadinessFinding("quarantine", Severity.WARNING, message, why, fix)


def _wider(topic: QuarantineTopic) -> Iterator[ReadinessFinding]:
    if topic.wider_readers:
        names = ", ".join(topic.wider_readers)
        message = f"its quarantine {topic.name} may be read by principals that may not read the stream: {names}"
        why = "Records are the same bytes here and there."
        fix = "If that is not meant, take their READ away."
        yield ReadinessFinding("quarantine-readers", Severity.ADVICE, message, why, fix)


def _routes(around: Surroundings) -> Iterator[ReadinessFinding]:
    if around.routes is None:
        why = "Whether anybody hears of an incident is not known."
        message = "the trials of the alert routes could not be read"
        yield ReadinessFinding(
            "alert-route", Severity.UNKNOWN, message, why, "Is the database up that `database` names?"
        )
    elif not around.routes:
        why = "An incident is opened, and nobody hears of it."
        fix = "Add a route under `alerts` in watermaster.yaml, and try it with `watermaster incident alerts test`."
        yield ReadinessFinding("alert-route", Severity.WARNING, "no alert route is configured", why, fix)
    else:
        yield from _trials(around.routes)


def _trials(routes: Sequence[AlertRoute]) -> Iterator[ReadinessFinding]:
    """One finding for each thing that may be said of a trial."""
    failed = [f"{route.name}: {route.refused}" for route in routes if route.tested_ms is not None and route.refused]
    never = [route.name for route in routes if route.tested_ms is None]
    arrived = [(r.name, r.tested_ms) for r in routes if r.tested_ms is not None and not r.refused]
    old = [f"{name} {_ago(ms)}" for name, ms in arrived if ms > TRIAL_MS_MAX]
    good = [f"{name} {_ago(ms)}" for name, ms in arrived if ms <= TRIAL_MS_MAX]
    fix = "Run `watermaster incident alerts test --yes` once it is right, and ask somebody whether it rang."
    for severity, told, names, why in (
        (Severity.ERROR, "did not take its trial", failed, "An incident is opened, and nobody hears of it."),
        (Severity.WARNING, "was never tried as it is", never, "Whether a page arrives is not known."),
        (Severity.WARNING, "was last tried long ago", old, "Keys, addresses and rotas have changed since."),
        (Severity.MET, "was tried and has arrived", good, "A page arrives."),
    ):
        if names:
            message = f"an alert route {told}: {', '.join(names)}"
            yield ReadinessFinding("alert-route", severity, message, why, "" if severity is Severity.MET else fix)


def _ago(ms: int) -> str:
    days = ms // DAY_MS
    return "less than a day ago" if days < 1 else f"{days} day(s) ago"


ABOUT_CARE: Final[tuple[Callable[[Surroundings], Iterator[ReadinessFinding]], ...]] = (_standby, _quarantine, _routes)
"""In the order in which they are told."""
