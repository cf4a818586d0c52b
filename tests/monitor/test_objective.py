"""Service levels of contracts as objectives."""

from __future__ import annotations

from typing import Any

import pytest

from watermaster.monitor.objective import BUDGET_DEFAULT, Indicator, Objective, read_objectives

LATENCY = {"property": "latency", "value": 5, "unit": "s"}
CASES: list[tuple[str, list[dict[str, Any]], tuple[Objective, ...]]] = [
    ("nothing is promised", [], ()),
    ("a bound without a share", [LATENCY], (Objective(Indicator.LATENCY, BUDGET_DEFAULT, 5000),)),
    (
        "availability is the share of all that is timed",
        [LATENCY, {"property": "availability", "value": 99.9, "unit": "percent"}],
        (Objective(Indicator.LATENCY, 0.001, 5000), Objective(Indicator.AVAILABILITY, 0.001)),
    ),
    (
        "the stricter of two",
        [
            LATENCY,
            {"property": "latency", "value": 1, "unit": "min"},
            {"property": "errorRate", "value": 2, "unit": "%"},
            {"property": "errorRate", "value": 0.01, "unit": "ratio"},
        ],
        (Objective(Indicator.LATENCY, BUDGET_DEFAULT, 5000), Objective(Indicator.ERROR_RATE, 0.01)),
    ),
    (
        "99.9 without a unit is percent",
        [{"property": "availability", "value": 99.9}],
        (Objective(Indicator.AVAILABILITY, 0.001),),
    ),
    (
        "ODCS has short names",
        [{"property": "av", "value": 99.9, "unit": "%"}, {"property": "ER", "value": 2, "unit": "%"}],
        (Objective(Indicator.AVAILABILITY, 0.001), Objective(Indicator.ERROR_RATE, 0.02)),
    ),
    ("0.5 without a unit may be either", [{"property": "errorRate", "value": 0.5}], ()),
    ("all of it leaves no budget", [{"property": "availability", "value": 100, "unit": "%"}], ()),
    ("m is minutes to some and months to others", [{"property": "latency", "value": 5, "unit": "m"}], ()),
    ("no number", [{"property": "errorRate", "value": True}, {"property": "errorRate", "value": float("nan")}], ()),
]


@pytest.mark.parametrize(("why", "entries", "expected"), CASES, ids=[row[0] for row in CASES])
def test_objectives(why: str, entries: list[dict[str, Any]], expected: tuple[Objective, ...]) -> None:
    found = read_objectives({"slaProperties": entries})
    assert [(one.indicator, one.bound_ms) for one in found] == [(one.indicator, one.bound_ms) for one in expected], why
    assert [one.budget for one in found] == pytest.approx([one.budget for one in expected])
