"""What was tried on alert routes is kept, the newest of each, and `readiness` tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.trials import DatabaseTrials
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.cli import main
from watermaster.runtime.incident_ports import RouteTrial
from watermaster.testing.receiver import PageReceiver
from watermaster.wiring.readiness import routes_of

DAY_MS = 86_400_000


def test_the_newest_trial_of_each_route_is_kept(engine: Engine) -> None:
    trials = DatabaseTrials(engine)
    assert trials.newest() == {}
    first, other = RouteTrial("pager", 1, "it answers HTTP 403", "a"), RouteTrial("chat", 1, "", "b")
    trials.keep([first, other])
    again = RouteTrial("pager", 2, "", "a")
    trials.keep([again])
    assert trials.newest() == {"pager": again, "chat": other}


def test_a_trial_is_recorded_and_forgotten_once_the_route_leads_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "watermaster.yaml"

    def configure(**urls: str) -> None:
        routes = "".join(f"  {name}: {{kind: webhook, url: '{url}'}}\n" for name, url in urls.items())
        config.write_text(
            f"clusters: {{primary: {{bootstrap: 'localhost:1'}}}}\nstate_directory: state\nalerts:\n{routes}"
        )

    def told(now_ms: int) -> dict[str, tuple[int | None, str]]:
        routes = routes_of(load_configuration(config), now_ms)
        assert routes is not None
        return {route.name: (route.tested_ms, route.refused) for route in routes}

    with PageReceiver() as receiver:
        configure(pager=receiver.url, dead="http://127.0.0.1:1")
        assert told(0) == {"pager": (None, ""), "dead": (None, "")}
        assert not (tmp_path / "state" / "watermaster.db").exists(), "looking makes no database"
        assert main.execute(["incident", "alerts", "test", "--config", str(config)]) == 0
        assert told(0)["pager"] == (None, ""), "without --yes nothing was tried"
        assert main.execute(["incident", "alerts", "test", "--config", str(config), "--yes"]) == 1
        capsys.readouterr()
        now = told(0)
        assert now["pager"] == (0, "")
        assert "cannot be reached" in now["dead"][1]
        configuration = load_configuration(config)
        at_ms = DatabaseTrials(open_database("", configuration.state_directory)).newest()["pager"].at_ms
        assert told(at_ms + 3 * DAY_MS)["pager"] == (3 * DAY_MS, "")
        configure(pager=f"{receiver.url}/elsewhere", dead="http://127.0.0.1:1")
        assert told(at_ms)["pager"] == (None, ""), "this one was never tried"
        assert told(at_ms)["dead"][0] == 0
