"""Real Prometheus and real Alertmanager as child processes on loopback, for tests.

with Alertmanager(programs, tmp_path) as alerts, Prometheus(programs, tmp_path, scrapes, rules, alerts) as prometheus:
    prometheus.query("up")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import httpx2
import yaml

from watermaster.testing.local_server import TIMEOUT_S, LocalServer
from watermaster.testing.prometheus import PrometheusPrograms

INTERVAL: Final = "1s"
"""Of scrapes and rules, where a rule group has none of its own: a test waits for a few of them."""


class _Server(LocalServer):
    """One program that answers under /-/ready once it serves."""

    def __init__(self, directory: Path, name: str) -> None:
        super().__init__(directory, name, "/-/ready")

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 -- any JSON
        """The JSON under a path. Raises httpx2.HTTPError."""
        answer = httpx2.get(self.url + path, params=parameters, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any) -> Any:  # noqa: ANN401 -- any JSON
        """Send JSON; the JSON of the answer. Raises httpx2.HTTPError."""
        answer = httpx2.post(self.url + path, json=body, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.json() if answer.content else None


class Alertmanager(_Server):
    """Sends nowhere: what it knows is asked for through its API v2."""

    def __init__(self, programs: PrometheusPrograms, directory: Path) -> None:
        super().__init__(directory, "alertmanager")
        self._program = (*programs.before, str(programs.alertmanager))

    def __enter__(self) -> Self:
        settings = self.directory / "alertmanager.yml"
        settings.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", encoding="ascii")
        self._run(
            [
                *self._program,
                f"--config.file={settings}",
                f"--storage.path={self.directory / 'data'}",
                f"--web.listen-address={self.address}",
                # No cluster: it would look for an address of this machine that others can reach.
                "--cluster.listen-address=",
            ]
        )
        return self

    def alerts(self, **labels: str) -> Sequence[Mapping[str, Any]]:
        """Alerts that go on, with these labels."""
        known: Sequence[Mapping[str, Any]] = self.get("/api/v2/alerts")
        return [alert for alert in known if labels.items() <= alert["labels"].items()]


class Prometheus(_Server):
    """Scrapes addresses by job, evaluates rule files, and tells an Alertmanager."""

    def __init__(
        self,
        programs: PrometheusPrograms,
        directory: Path,
        scrapes: Mapping[str, str],
        rules: Sequence[Path] = (),
        alertmanager: Alertmanager | None = None,
    ) -> None:
        super().__init__(directory, "prometheus")
        self._program, self._scrapes, self._rules, self._alertmanager = (
            programs.prometheus,
            scrapes,
            rules,
            alertmanager,
        )

    def __enter__(self) -> Self:
        settings = self.directory / "prometheus.yml"
        settings.write_text(yaml.safe_dump(self._settings()), encoding="utf-8")
        self._run(
            [
                str(self._program),
                f"--config.file={settings}",
                f"--storage.tsdb.path={self.directory / 'data'}",
                f"--web.listen-address={self.address}",
            ]
        )
        return self

    def _settings(self) -> dict[str, Any]:
        known = [] if self._alertmanager is None else [{"static_configs": [{"targets": [self._alertmanager.address]}]}]
        return {
            "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
            "rule_files": [str(rule) for rule in self._rules],
            "alerting": {"alertmanagers": known},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [address]}]} for job, address in self._scrapes.items()
            ],
        }

    def query(self, expression: str) -> Mapping[frozenset[tuple[str, str]], float]:
        """The samples of an instant query by their labels."""
        found = self.get("/api/v1/query", query=expression)["data"]["result"]
        return {frozenset(sample["metric"].items()): float(sample["value"][1]) for sample in found}

    def firing(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """The labels of alerts that fire, by the alert's name."""
        found: dict[str, list[Mapping[str, str]]] = {}
        for alert in self.get("/api/v1/alerts")["data"]["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return found
