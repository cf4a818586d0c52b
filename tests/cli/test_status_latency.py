"""`status --latency`: what the monitor has kept, as a table and as JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tests.cli.site_without_cluster import write_site
from typer.testing import CliRunner

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.profiles import DatabaseProfiles
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.cli.main import app
from watermaster.monitor.carriage import bucket_of
from watermaster.monitor.profile import Profile
from watermaster.monitor.rhythm import HOUR_MS
from watermaster.runtime.profiles import HourProfile


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_site(tmp_path)


def keep(config: Path) -> int:
    """Two hours: one in which 2 of 100 took long, and a quick one before it; the newer one's number."""
    configuration = load_configuration(config)
    store = DatabaseProfiles(open_database(configuration.database, configuration.state_directory))
    hour = time.time_ns() // 1_000_000 // HOUR_MS - 1
    slow = Profile(waits={bucket_of(64): 98, bucket_of(65_536): 2})
    quick = Profile(waits={bucket_of(64): 100})
    other = Profile(records=9)
    store.save_profiles("primary", [HourProfile("orders.landing", hour, changed=False, profile=slow)], 0)
    store.save_profiles("primary", [HourProfile("orders.landing", hour - 1, changed=False, profile=quick)], 0)
    store.save_profiles("primary", [HourProfile("orders.landing", hour - 2, changed=False, profile=other)], 0)
    return hour


def run(config: Path, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["status", "--config", str(config), "--latency", *more], standalone_mode=False)
    assert result.exception is None, result.output
    return int(result.return_value), result.output


def test_the_table(config: Path) -> None:
    keep(config)
    code, shown = run(config)
    assert code == 0
    (line,) = [line for line in shown.splitlines() if "orders.landing" in line]
    assert "·" * 22 + "▁█" in line
    assert "64 ms" in line
    assert "65.5 s" in line


def test_json(config: Path) -> None:
    hour = keep(config)
    (stream,) = json.loads(run(config, "--output", "json")[1])["streams"]
    assert (stream["cluster"], stream["topic"]) == ("primary", "orders.landing")
    assert stream["hours"] == [
        {"hour_ms": (hour - 1) * HOUR_MS, "records": 100, "p50_ms": 64, "p99_ms": 64, "max_ms": 64},
        {"hour_ms": hour * HOUR_MS, "records": 100, "p50_ms": 64, "p99_ms": 65_536, "max_ms": 65_536},
    ]


def test_nothing_is_known_yet(config: Path) -> None:
    assert "Nothing is known yet" in run(config)[1]
