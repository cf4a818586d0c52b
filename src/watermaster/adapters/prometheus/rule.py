"""A rule of Prometheus as a value, and the few pieces of PromQL that all of them share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from watermaster.incident.runbook import SiteRunbook
from watermaster.incident.signal import SignalKind

POSITION: Final = "cluster_name, group, topic"
"""What a group reads: the labels that lag and loss are joined by."""


class Urgency(Enum):
    """The label `severity`: who is to look at it, and when."""

    PAGE = "page"
    TICKET = "ticket"
    INFO = "info"
    NONE = "none"
    """The dead man's switch: it is meant to fire for ever."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Keeps the value of an expression under a name of its own."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """Fires for each sample of the expression that stays for `lasting`. Texts may use Prometheus's templates.

    `command` is what to type first; it is the annotation `runbook`.
    """

    name: str
    expression: str
    urgency: Urgency
    summary: str
    command: str
    lasting: str = "0s"
    labels: Mapping[str, str] = field(default_factory=dict)
    signal: SignalKind | None = None
    """What incidents call the same thing, so that a site's runbook for it is named here, too."""


Rule = Recording | Alert


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after the other, every `interval`."""

    name: str
    rules: tuple[Rule, ...]
    interval: str = "30s"


def selector(name: str, **labels: str) -> str:
    """A metric with labels that must be equal; values are quoted as PromQL wants it."""
    return f"{name}{{{','.join(f'{key}={json.dumps(value)}' for key, value in labels.items())}}}"


def rule_document(rule: Rule, runbooks: Sequence[SiteRunbook] = ()) -> dict[str, Any]:
    """The rule in the form of a rule file."""
    match rule:
        case Recording():
            labels = {"labels": dict(rule.labels)} if rule.labels else {}
            return {"record": rule.name, "expr": rule.expression, **labels}
        case Alert():
            waits = {} if rule.lasting == "0s" else {"for": rule.lasting}
            return {
                "alert": rule.name,
                "expr": rule.expression,
                **waits,
                "labels": {"severity": rule.urgency.value, **rule.labels},
                "annotations": {"summary": rule.summary, "runbook": rule.command, **_address(rule, runbooks)},
            }


def _address(alert: Alert, runbooks: Sequence[SiteRunbook]) -> dict[str, str]:
    """The site's runbook, if it has one for every topic: which topic a rule will fire for is not known here."""
    known = (each.url for each in runbooks if each.url and each.topic == "*" and each.signal in (None, alert.signal))
    address = None if alert.urgency is Urgency.NONE else next(known, None)
    # Braces in it would be a template.
    return {} if address is None else {"runbook_url": address.replace("{{", "%7B%7B")}
