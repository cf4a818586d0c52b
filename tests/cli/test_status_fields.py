"""`status --fields`: what the monitor has kept of a stream's fields, as a table with bars and as JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.site_without_cluster import write_site
from typer.testing import CliRunner

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.profiles import DatabaseProfiles
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.cli.main import app
from watermaster.cli.status_fields import BARS_MAX, bars
from watermaster.monitor.profile import Profile
from watermaster.monitor.rhythm import HOUR_MS
from watermaster.runtime.profiles import HourProfile


def usual(number: int) -> dict[str, Any]:
    return {"id": number, "euros": 10 + number % 90, "currency": ("EUR", "CHF")[number % 2], "note": None}


def profile_of(**change: Any) -> Profile:
    profile = Profile()
    for number in range(60):
        profile.add(json.dumps({**usual(number), **change}).encode())
    return profile


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_site(tmp_path)


def keep(config: Path, newest: Profile) -> int:
    """Two days as usual and a newest hour; its number since the epoch."""
    configuration = load_configuration(config)
    store = DatabaseProfiles(open_database(configuration.database, configuration.state_directory))
    hour = time.time_ns() // 1_000_000 // HOUR_MS - 1
    known = [HourProfile("orders.landing", hour - ago, changed=False, profile=profile_of()) for ago in range(1, 48)]
    store.save_profiles("primary", [*known, HourProfile("orders.landing", hour, changed=False, profile=newest)], 0)
    return hour


def run(config: Path, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["status", "--config", str(config), "--fields", *more], standalone_mode=False)
    code = result.return_value if result.exception is None else 2
    return int(code), result.output + str(result.exception or "")


def test_the_table(config: Path) -> None:
    keep(config, profile_of())
    code, shown = run(config, "orders.landing")
    assert code == 0, shown
    assert "orders.landing on primary: 60 records sampled" in shown
    (euros,) = [line for line in shown.splitlines() if "euros" in line]
    assert "100.00%" in euros
    assert "█" * 24 in euros
    assert "number" in euros
    (note,) = [line for line in shown.splitlines() if "note" in line]
    assert "0.00%" in note
    assert "█" not in note
    (currency,) = [line for line in shown.splitlines() if "currency" in line]
    assert "2 texts ██" in currency
    assert "EUR" not in shown


def test_an_hour_in_which_only_the_latency_was_measured_has_no_fields(config: Path) -> None:
    hour = keep(config, Profile(waits={3: 1}))
    code, shown = run(config, "orders.landing", "--output", "json")
    (found,) = json.loads(shown)["clusters"]
    assert (code, found["hour_ms"], found["records"]) == (0, (hour - 1) * HOUR_MS, 60)


def test_a_change_is_told_and_is_a_finding(config: Path) -> None:
    keep(config, profile_of(euros=None))
    code, shown = run(config, "orders.landing")
    assert code == 1, shown
    assert "changed: euros has a value in 0% of the records, and had in 100%" in shown


def test_json(config: Path) -> None:
    hour = keep(config, profile_of(euros=None))
    code, shown = run(config, "orders.landing", "--output", "json")
    assert code == 1
    (found,) = json.loads(shown)["clusters"]
    assert (found["topic"], found["hour_ms"], found["records"]) == ("orders.landing", hour * HOUR_MS, 60)
    rows = {row["path"]: row for row in found["rows"]}
    assert (rows["euros"]["null"], rows["euros"]["usual"]) == (1.0, [1.0, 1.0])
    assert rows["currency"]["texts"] == [30, 30]
    assert [change["path"] for change in found["changes"]] == ["euros"]


def test_nothing_is_known_yet(config: Path) -> None:
    code, shown = run(config, "orders.landing")
    assert (code, "Nothing is known yet" in shown) == (0, True)


def test_a_topic_that_no_gate_reads(config: Path) -> None:
    code, shown = run(config, "order.landing")
    assert code == 2
    assert "WM-STATUS-STREAM" in shown or "No gate reads a topic" in shown


@pytest.mark.parametrize(
    ("parts", "full", "joined", "expected"),
    [
        ((), 1.0, False, ""),
        ((0.0, None, 1.0), 1.0, False, " ·█"),
        ((0.001, 0.5), 1.0, False, "▁▄"),
        ((0, 4, 8), 8.0, True, " ▄█"),
        ((0, 0), 0.0, True, "  "),
        (tuple([1] * 2 * BARS_MAX), 1.0, True, "█" * BARS_MAX),
    ],
)
def test_bars(parts: tuple[float | None, ...], full: float, joined: bool, expected: str) -> None:
    assert bars(parts, full, joined=joined) == expected
