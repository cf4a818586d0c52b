"""The live page over looks of values: what is on it, that it counts down, and that a dead cluster stays on it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from tests.runtime.surveyors import HOUR_MS, NOW, ORDERS, FixedSurveyor, readers, survey_of

from watermaster.cli.watch_page import page
from watermaster.monitor.log import FirstUnread
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.monitor import Monitor
from watermaster.runtime.observed import Unseen
from watermaster.runtime.survey import Place, Placement

UNREAD = {Place(ORDERS, 40): FirstUnread(40, NOW - HOUR_MS + 90_000)}


def shown(looks: Sequence[ClusterLook], now_ms: int) -> str:
    console = Console(file=io.StringIO(), width=150)
    console.print(page(looks, now_ms))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_needs_somebody_is_on_it_and_counts_down() -> None:
    survey = replace(survey_of(readers(40, members=0)), placements={ORDERS: Placement(None, (1, 7), ())})
    report = Monitor(FixedSurveyor(survey, probes=UNREAD)).look()
    looks = [
        ClusterLook("primary", "production", report, ()),
        ClusterLook("standby", "production", None, (Unseen("cluster standby", "nothing \x1b[2Jlistens.", "X"),)),
    ]
    text = shown(looks, NOW)
    assert "next loss in 90.0 s (at the earliest): orders[0] for readers, by age" in text
    assert "not all is known, because when the empty group's position expires cannot be seen" in " ".join(text.split())
    assert "broker missing (1), partition offline (1)" in text
    assert "gone" in text
    assert "standby (production): no answer, nothing \\x1b[2Jlistens." in text, "and nothing acts on the terminal"
    assert "looked 0.0 s ago" in text
    later = shown(looks, NOW + 60_000)
    assert "next loss in 30.0 s" in later
    assert "looked 60.0 s ago" in later
    assert "next loss in 0.0 s" in shown(looks, NOW + 600_000)


def test_nothing_is_wrong() -> None:
    report = Monitor(FixedSurveyor(survey_of(readers(100)))).look()
    text = shown([ClusterLook("primary", "development", report, ())], NOW)
    assert "nothing that a group has not read is about to be lost" in text
    assert "nothing wrong as far as can be seen" in text
    assert shown([], NOW).strip() == "looking …"
