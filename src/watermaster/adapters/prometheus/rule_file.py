"""All rules as a file that Prometheus reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import yaml

from watermaster.adapters.prometheus.cluster_rules import cluster_rules
from watermaster.adapters.prometheus.gate_rules import gate_rules
from watermaster.adapters.prometheus.loss_rules import loss_rules
from watermaster.adapters.prometheus.rule import RuleGroup, rule_document
from watermaster.adapters.prometheus.slo_rules import slo_rules
from watermaster.adapters.prometheus.watched import Watched

HEAD: Final = """\
# Written by `watermaster metrics rules` from the configuration and its contracts: write it anew when they change.
# Prometheus has to scrape every gate (metrics_listen) and `watermaster monitor`, or `watermaster metrics` where nothing
# is to be paged, at least once a minute. The label severity is page, ticket, info, or none for the dead man's switch.
"""


def rule_groups(watched: Watched) -> Sequence[RuleGroup]:
    """Every group that has a rule."""
    groups = (cluster_rules(watched), loss_rules(watched), gate_rules(watched), *slo_rules(watched))
    return [group for group in groups if group.rules]


def rules_yaml(watched: Watched) -> str:
    """The text of the file."""
    document: dict[str, Any] = {
        "groups": [
            {
                "name": group.name,
                "interval": group.interval,
                "rules": [rule_document(rule, watched.runbooks) for rule in group.rules],
            }
            for group in rule_groups(watched)
        ]
    }
    return HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
