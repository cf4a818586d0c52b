"""Rules and dashboard use no name that nobody exposes, are what real Prometheus reads, and fire when they should."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.adapters.prometheus.watched_world import EVERYTHING, OBJECTIVES, exposed_names, used_names, watched

from watermaster.adapters.prometheus.dashboard import dashboard_json, rows
from watermaster.adapters.prometheus.rule import Recording
from watermaster.adapters.prometheus.rule_file import rule_groups, rules_yaml
from watermaster.adapters.prometheus.watched import Watched
from watermaster.incident.runbook import SiteRunbook
from watermaster.incident.signal import SignalKind
from watermaster.testing.prometheus import PrometheusPrograms

RULES = [rule for group in rule_groups(EVERYTHING) for rule in group.rules]
RECORDED = {rule.name for rule in RULES if isinstance(rule, Recording)}
SHOWN = [query.expression for row in rows(EVERYTHING) for panel in row.panels for query in panel.queries]


def test_every_name_that_is_used_is_exposed_or_recorded() -> None:
    known = exposed_names() | RECORDED
    for expression in [*(rule.expression for rule in RULES), *SHOWN]:
        assert used_names(expression) <= known, expression


def test_variables_of_the_dashboard_ask_for_what_is_exposed() -> None:
    document = json.loads(dashboard_json(EVERYTHING))
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            assert used_names(variable["query"]["query"]) <= exposed_names()


def test_panels_have_a_place_of_their_own() -> None:
    panels = json.loads(dashboard_json(EVERYTHING))["panels"]
    taken = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_nothing_is_asked_of_what_is_not_there() -> None:
    bare = Watched(("primary",), (), (), 1000, 0.5, pages=False)
    assert [group.name for group in rule_groups(bare)] == ["watermaster-clusters", "watermaster-loss"]
    names = {rule.name for group in rule_groups(bare) for rule in group.rules}
    assert "WatermasterMonitorSilent" not in names
    assert {"WatermasterDeadMansSwitch", "WatermasterClusterUnknown"} <= names
    assert [row.title for row in rows(bare)][-2:] == ["Clusters", "Whoever watches"]
    assert not {"Gates", "Objectives of the contracts"} & {row.title for row in rows(bare)}


def test_the_runbooks_of_a_site_are_named_where_they_hold_for_every_topic() -> None:
    written = (
        SiteRunbook("orders*", SignalKind.DATA_LOST, "https://wiki/orders"),
        SiteRunbook(signal=SignalKind.DATA_LOST, url="https://wiki/{{lost}}"),
        SiteRunbook(signal=SignalKind.LOSS_NEAR, text="Call."),
        SiteRunbook(url="https://wiki/any"),
    )
    document = yaml.safe_load(rules_yaml(replace(EVERYTHING, runbooks=written)))
    found = {
        rule["alert"]: rule["annotations"].get("runbook_url")
        for group in document["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert found["WatermasterDataLost"] == "https://wiki/%7B%7Blost}}"
    assert found["WatermasterLossNear"] == "https://wiki/any", "a text is no address"
    assert found["WatermasterGateFenced"] == "https://wiki/any"
    assert found["WatermasterDeadMansSwitch"] is None
    assert "runbook_url" not in rules_yaml(EVERYTHING)


@pytest.mark.parametrize("objectives", [(), *((one,) for one in OBJECTIVES), OBJECTIVES], ids=str)
def test_promtool_takes_the_rules(
    objectives: tuple[Any, ...], prometheus_programs: PrometheusPrograms, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(rules_yaml(watched(*objectives)))
    promtool(prometheus_programs, "check", "rules", str(rules))


def test_promtool_takes_every_expression_of_the_dashboard(
    prometheus_programs: PrometheusPrograms, tmp_path: Path
) -> None:
    made = [
        {"record": f"shown:{number}", "expr": expression.replace("$", "")} for number, expression in enumerate(SHOWN)
    ]
    rules = tmp_path / "shown.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": made}]}))
    promtool(prometheus_programs, "check", "rules", str(rules))


PART = 'cluster_name="primary",group="readers",topic="orders",partition="0"'
GATE_LAG = 'kafka_consumergroup_group_lag_seconds{cluster_name="primary",group="watermaster.g",topic="orders"}'
MEMBERS = 'kafka_consumergroup_members{cluster_name="primary",consumergroup="watermaster.g"}'
HELD = 'watermaster_gate_records_total{gate="g",topic="orders",outcome="held"}'
PASSED = 'watermaster_gate_records_total{gate="g",topic="orders",outcome="passed"}'
UP = 'watermaster_cluster_up{cluster_name="primary"}'

CASES: list[tuple[str, dict[str, str], str, str, list[dict[str, str]]]] = [
    ("a latency that is passed for an hour pages", {GATE_LAG: "9x70"}, "70m", "WatermasterBudgetBurns", [
        {"slo": "latency", "window": "1h"}, {"slo": "latency", "window": "6h"}]),
    ("a minute of it does not", {GATE_LAG: "1x60 9x1 1x9"}, "70m", "WatermasterBudgetBurns", []),
    ("what is over for half an hour pages no more", {GATE_LAG: "9x30 1x40"}, "70m", "WatermasterBudgetBurns", []),
    ("four parts in a hundred are no page, and asks for a ticket", {GATE_LAG: "1x38 9x1 1x38 9x1 1x20"}, "100m",
     "WatermasterBudgetBurns", []),
    ("ticket of the same", {GATE_LAG: "1x38 9x1 1x38 9x1 1x20"}, "100m", "WatermasterBudgetBurnsSlowly", [
        {"slo": "latency", "window": "3d"}]),
    ("twenty of a thousand held are what the budget bears", {HELD: "0+2x70", PASSED: "0+98x70"}, "70m",
     "WatermasterBudgetBurns", []),
    ("half of them held page", {HELD: "0+50x70", PASSED: "0+50x70"}, "70m", "WatermasterBudgetBurns", [
        {"slo": "error_rate", "window": "1h"}, {"slo": "error_rate", "window": "6h"}]),
    ("half of a few records do not", {HELD: "0+1x70", PASSED: "0+0x70"}, "70m", "WatermasterBudgetBurns", []),
    ("a gate without a member is away", {MEMBERS: "0x70", UP: "1x70"}, "70m", "WatermasterBudgetBurns", [
        {"slo": "availability", "window": "1h"}, {"slo": "availability", "window": "6h"}]),
    ("so it is while the cluster is away", {UP: "0x70"}, "70m", "WatermasterBudgetBurns", [
        {"slo": "availability", "window": "1h"}, {"slo": "availability", "window": "6h"}]),
    ("members that work are well", {MEMBERS: "2x70", UP: "1x70"}, "70m", "WatermasterBudgetBurns", []),
    ("of what nothing is known is not well", {}, "20m", "WatermasterSloUnknown", [
        {"slo": "availability"}, {"slo": "frequency"}, {"slo": "latency"}]),
    ("a cluster that nobody looks at is unknown", {}, "6m", "WatermasterClusterUnknown", [{"severity": "page"}]),
    ("one that is looked at is not", {UP: "1x10"}, "6m", "WatermasterClusterUnknown", []),
    ("the dead man's switch always fires", {}, "1m", "WatermasterDeadMansSwitch", [{"severity": "none"}]),
    ("a loss in half an hour pages", {
        f'watermaster_loss_horizon_timestamp_seconds{{{PART},cause="time"}}': "2400x20",
        f"kafka_consumergroup_group_lag_seconds{{{PART}}}": "90000x20",
        'kafka_consumergroup_group_topic_sum_lag{cluster_name="primary",group="readers",topic="orders"}': "5x20",
     }, "10m", "WatermasterLossImminent", [{"group": "readers"}]),
    ("a topic that keeps an hour has not used up half of it", {
        f'watermaster_loss_horizon_timestamp_seconds{{{PART},cause="time"}}': "3600x20",
        f"kafka_consumergroup_group_lag_seconds{{{PART}}}": "1x20",
     }, "10m", "WatermasterLossImminent", []),
    ("nothing is lost that was read", {
        f'watermaster_loss_horizon_timestamp_seconds{{{PART},cause="expiry"}}': "2400x20",
        'kafka_consumergroup_group_topic_sum_lag{cluster_name="primary",group="readers",topic="orders"}': "0x20",
     }, "10m", "WatermasterLossImminent", []),
    ("more that is lost pages", {f"watermaster_lost_records_max{{{PART}}}": "0x5 7x9"}, "10m", "WatermasterDataLost", [
        {"group": "readers"}]),
    ("what was lost long ago does not", {f"watermaster_lost_records_max{{{PART}}}": "7x30"}, "20m",
     "WatermasterDataLost", []),
]  # fmt: skip


def test_they_fire_when_they_should(prometheus_programs: PrometheusPrograms, tmp_path: Path) -> None:
    """All cases in one run of promtool, which evaluates the real expressions against made series."""
    (tmp_path / "rules.yml").write_text(rules_yaml(EVERYTHING))
    (tmp_path / "cases.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "30s", "tests": [*map(_case, CASES)]})
    )
    said = promtool(prometheus_programs, "test", "rules", str(tmp_path / "cases.yml"), fails=True)
    assert not said, said


def _case(row: tuple[str, dict[str, str], str, str, list[dict[str, str]]]) -> dict[str, Any]:
    name, series, at, alert, expected = row
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count by ({",".join(sorted(labels))}) (ALERTS{{alertname="{alert}",alertstate="firing"}})',
                "eval_time": at,
                "exp_samples": [
                    {"labels": "{" + ",".join(f'{k}="{v}"' for k, v in one.items()) + "}", "value": 1}
                    for one in expected
                ],
            }
            for labels in ([expected[0].keys()] if expected else [["alertname"]])
        ],
    }


def promtool(programs: PrometheusPrograms, *arguments: str, fails: bool = False) -> str:
    done = subprocess.run([programs.promtool, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert fails or done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr if done.returncode else ""
