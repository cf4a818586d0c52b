"""Metrics and health over HTTP: who may, what they say, and what is refused."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.metrics.collector import GateCollector
from watermaster.adapters.metrics.server import MetricsServer, gate_health
from watermaster.runtime.gate_statistics import Condition, GateStatistics, StreamCounts, WorkerStatistics
from watermaster.stream.fault import UsageFault


def gate(*conditions: str) -> GateStatistics:
    statistics = GateStatistics("g")
    counts = StreamCounts(read=10, passed=7, held=2, dropped=1, activation=4, rules={'r"\n\\': 2})
    made = {name: Condition(name, "WM-X", "m", "h", 5) for name in conditions}
    statistics.take(WorkerStatistics(0, {"orders": counts}, transactions=3, last_commit_ms=9, conditions=made))
    return statistics


def server(statistics: GateStatistics, token_file: Path | None = None, host: str = "127.0.0.1") -> MetricsServer:
    return MetricsServer(
        host, 0, token_file, GateCollector(lambda: statistics, MemoryClock()), lambda: gate_health(statistics)
    )


def get(running: MetricsServer, path: str, *authorization: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection(*running.address, timeout=10)
    connection.putrequest(method, path)
    for value in authorization:
        connection.putheader("Authorization", value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def test_metrics_can_be_parsed_and_add_up() -> None:
    with server(gate("halted:orders")) as running:
        status, body = get(running, "/metrics")
    assert status == 200
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    by_outcome = {
        labels[1][1]: value for (name, labels), value in samples.items() if name == "watermaster_gate_records_total"
    }
    assert by_outcome == {"passed": 7, "held": 2, "dropped": 1}
    assert samples["watermaster_gate_transactions_total", (("gate", "g"),)] == 3
    assert samples["watermaster_gate_breaker_open", (("gate", "g"), ("topic", "orders"))] == 1
    rule = (("gate", "g"), ("rule", 'r"\n\\'), ("topic", "orders"))
    assert samples["watermaster_gate_broken_rules_total", rule] == 2


HEALTH = [
    (gate(), 200, "ok", "a worker and nothing wrong"),
    (gate("gap:orders[0]"), 200, "ok", "a gap is told, and the gate works on"),
    (gate("failing"), 503, "failing", "something needs a person"),
    (gate("gap:orders[0]", "halted:orders"), 503, "failing", "a paused stream"),
    (GateStatistics("g"), 503, "ok", "no worker has begun"),
]


@pytest.mark.parametrize(("statistics", "status", "word", "why"), HEALTH, ids=[row[3] for row in HEALTH])
def test_health(statistics: GateStatistics, status: int, word: str, why: str) -> None:
    with server(statistics) as running:
        answered, body = get(running, "/health")
    assert answered == status, why
    told = json.loads(body)
    assert told["status"] == word
    assert len(told["conditions"]) == len(statistics.conditions())


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("secret-word\n")
    return path


STRANGERS: list[tuple[str, ...]] = [
    (),
    ("",),
    ("Bearer",),
    ("Bearer ",),
    ("Bearer other",),
    ("bearer secret-word",),
    ("Basic secret-word",),
    ("Bearer secret-word ü",),
    ("Bearer secret-word", "Bearer secret-word"),
]


def test_without_the_token_every_path_looks_the_same(token_file: Path) -> None:
    paths = ("/metrics", "/health", "/other", "/")
    with server(gate(), token_file) as running:
        answers = {(path, given): get(running, path, *given) for path in paths for given in STRANGERS}
    assert set(answers.values()) == {(401, "login needed\n")}, answers


def test_with_the_token(token_file: Path) -> None:
    with server(gate(), token_file) as running:
        answers = [get(running, path, "Bearer secret-word")[0] for path in ("/metrics", "/health", "/other")]
    assert answers == [200, 200, 404]


def test_nothing_can_be_sent() -> None:
    with server(gate()) as running:
        assert [get(running, "/metrics", method=method)[0] for method in ("POST", "PUT", "DELETE")] == [501] * 3


@pytest.mark.parametrize("host", ["", "0.0.0.0", "192.0.2.1", "127.0.0.2"])
def test_beyond_loopback_a_token_is_needed(host: str) -> None:
    with pytest.raises(UsageFault, match="WM-METRICS-OPEN"):
        server(gate(), host=host)


@pytest.mark.parametrize("content", [None, "", " \n"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_token_that_is_asked_for_and_not_there_opens_nothing(tmp_path: Path, content: str | None, host: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageFault, match="WM-METRICS-TOKEN"):
        server(gate(), path, host)


def test_an_address_that_is_taken_is_a_fault() -> None:
    with server(gate()) as running:
        host, port = running.address
        with pytest.raises(UsageFault, match="WM-METRICS-ADDRESS"):
            MetricsServer(host, port, None, GateCollector(gate, MemoryClock()), lambda: gate_health(gate()))
