"""`watermaster.yaml`: every default, and every wrong file answered with line and hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from watermaster.adapters.files.configuration_file import load_configuration, load_registry
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Environment,
    GateConfiguration,
    ListenAddress,
    Start,
    StreamConfiguration,
)
from watermaster.stream.fault import UsageFault

CANARY = "canary-77aa"

MINIMAL = """\
clusters:
  primary:
    bootstrap: localhost:9092
gates:
  flights:
    cluster: primary
    streams:
      - landing: flights.landing
        trusted: flights
        contract: flights.odcs.yaml
"""

FULL = """\
clusters:
  primary:
    bootstrap: ${env:BOOTSTRAP}
    environment: production
    client_config: client.properties
    allow_plaintext: true
    allow_anonymous: true
    allow_unverified_tls: true
contracts: rules
gates:
  flights:
    cluster: primary
    control: c
    ledger: l
    streams:
      - landing: a
        trusted: b
        quarantine: q
        contract: sub/flights.odcs.yaml
        schema_object: flight
    start: latest
    workers: 3
    instance: one
    commit_interval_ms: 50
    transaction_records_max: 5
    transaction_bytes_max: 65536
    transaction_timeout_ms: 1000
    metrics_listen: 0.0.0.0:1234
    metrics_token_file: token
state_directory: /var/lib/watermaster
package_index: https://index.example/simple
maven_mirror: https://maven.example
kafka_directory: kafka
"""


def load(folder: Path, text: str, **environment: str) -> object:
    path = folder / "watermaster.yaml"
    path.write_text(text, encoding="utf-8")
    return load_configuration(path, environment)


def fault_of(folder: Path, text: str) -> UsageFault:
    with pytest.raises(UsageFault) as caught:
        load(folder, text)
    return caught.value


def test_defaults(tmp_path: Path) -> None:
    configuration = load_configuration(_written(tmp_path, MINIMAL), {})
    assert configuration.clusters == {"primary": ClusterConfiguration("primary", "localhost:9092")}
    gate = configuration.gates["flights"]
    assert gate == GateConfiguration(
        "flights", "primary", (StreamConfiguration("flights.landing", "flights", "flights.odcs.yaml"),)
    )
    assert (gate.control, gate.ledger, gate.group_id) == (
        "watermaster.control",
        "watermaster.ledger.flights",
        "watermaster.flights",
    )
    assert gate.streams[0].quarantine == "dlq.flights.landing"
    assert (gate.start, gate.workers, gate.instance) == (Start.EARLIEST, 1, None)
    assert (gate.commit_interval_ms, gate.transaction_timeout_ms) == (100, 15_000)
    assert (gate.transaction_records_max, gate.transaction_bytes_max) == (10_000, 33_554_432)
    assert gate.metrics_listen == ListenAddress("127.0.0.1", 9464)
    assert configuration.contract_path(gate.streams[0]) == tmp_path / "contracts" / "flights.odcs.yaml"
    assert configuration.state_directory == tmp_path / ".watermaster"


def test_everything_given(tmp_path: Path) -> None:
    configuration = load_configuration(_written(tmp_path, FULL), {"BOOTSTRAP": "k:1"})
    cluster, gate = configuration.clusters["primary"], configuration.gates["flights"]
    assert (cluster.bootstrap, cluster.environment) == ("k:1", Environment.PRODUCTION)
    assert cluster.client_config == tmp_path / "client.properties"
    assert cluster.allow_plaintext
    assert cluster.allow_anonymous
    assert cluster.allow_unverified_tls
    assert (gate.ledger, gate.instance, gate.start, gate.streams[0].schema_object) == (
        "l",
        "one",
        Start.LATEST,
        "flight",
    )
    assert gate.metrics_listen == ListenAddress("0.0.0.0", 1234)
    assert gate.metrics_token_file == tmp_path / "token"
    assert configuration.contracts == tmp_path / "rules"
    assert configuration.state_directory == Path("/var/lib/watermaster")
    assert configuration.kafka_directory == tmp_path / "kafka"


def test_metrics_can_be_switched_off_and_gates_left_out(tmp_path: Path) -> None:
    off = load_configuration(_written(tmp_path, MINIMAL + "    metrics_listen: null\n"), {})
    assert off.gates["flights"].metrics_listen is None
    assert load_configuration(_written(tmp_path, "clusters: {a: {bootstrap: x}}"), {}).gates == {}


WRONG = [
    # what is replaced, by what, code, line, piece of the message or hint
    ("    cluster: primary", "    clustr: primary", "KEY", 6, "Did you mean 'cluster'?"),
    ("    cluster: primary", "    cluster: primry", "CLUSTER", 6, "Clusters here: primary"),
    ("gates:", "gate:", "KEY", 4, "Did you mean 'gates'?"),
    ("bootstrap: localhost:9092", "bootstap: x", "KEY", 3, "Did you mean 'bootstrap'?"),
    ("bootstrap: localhost:9092", "environment: production", "MISSING", 2, "bootstrap"),
    ("bootstrap: localhost:9092", f"password: {CANARY}", "SECRET", 3, "client_config"),
    ("bootstrap: localhost:9092", f"sasl.password: {CANARY}", "SECRET", 3, "client_config"),
    ("bootstrap: localhost:9092", f"sasl.jaas.config: {CANARY}", "SECRET", 3, "client_config"),
    ("bootstrap: localhost:9092", f"bootstrap: user:{CANARY}@host:1", "SECRET", 3, "client_config"),
    ("bootstrap: localhost:9092", "bootstrap: ${env:NOT_SET}", "ENVIRONMENT", 3, "export NOT_SET="),
    ("bootstrap: localhost:9092", "bootstrap: ${file:/etc/passwd}", "PROVIDER", 3, "Only ${env:NAME}"),
    ("bootstrap: localhost:9092", "bootstrap: [a]", "VALUE", 3, "valid string"),
    ("bootstrap: localhost:9092", 'bootstrap: ""', "VALUE", 3, "is empty"),
    ("bootstrap: localhost:9092", "bootstrap: x\n    environment: prodution", "VALUE", 4, "Did you mean production?"),
    ("bootstrap: localhost:9092", "bootstrap: x\n    allow_plaintext: 'yes'", "VALUE", 4, "must be true or false"),
    ("  primary:\n    bootstrap: localhost:9092", "  - x", "VALUE", 1, "mapping"),
    ("  primary:\n    bootstrap: localhost:9092", "  primary: x", "VALUE", 2, "mapping"),
    ("  primary:\n    bootstrap: localhost:9092", "", "MISSING", 1, "missing or empty"),
    ("  primary:", "  ../primary:", "VALUE", 2, "characters"),
    ("  primary:", "  primary:\n    name: x", "KEY", 3, "not a key"),
    ("landing: flights.landing", "landing: flights landing", "VALUE", 8, "characters"),
    ("landing: flights.landing", f"landing: {'x' * 250}", "VALUE", 8, "249"),
    ("trusted: flights", "trusted: flights.landing", "TOPIC-ROLE", 9, "landing"),
    ("trusted: flights", "trusted: watermaster.control", "TOPIC-ROLE", 9, "control"),
    ("trusted: flights", "trusted: f\n        quarantine: f", "TOPIC-ROLE", 10, "trusted"),
    ("flights.odcs.yaml", "../secret.yaml", "CONTRACT-PATH", 10, "contracts folder"),
    ("flights.odcs.yaml", "/etc/passwd", "CONTRACT-PATH", 10, "contracts folder"),
    ("    streams:", "    workers: 0\n    streams:", "VALUE", 7, "greater than or equal to 1"),
    ("    streams:", "    workers: many\n    streams:", "VALUE", 7, "integer"),
    ("    streams:", "    metrics_listen: 9464\n    streams:", "VALUE", 7, "mapping"),
    ("    streams:", "    metrics_listen: host\n    streams:", "VALUE", 7, "host:port"),
    ("    streams:", "    metrics_listen: 127.0.0.1:99999\n    streams:", "VALUE", 7, "65535"),
    ("    streams:", "    metrics_listen: 0.0.0.0:1\n    streams:", "METRICS-OPEN", 7, "metrics_token_file"),
    ("    streams:", "    commit_interval_ms: 60000\n    streams:", "INTERVAL", 7, "commit_interval_ms"),
    ("gates:", "clusters: {}\ngates:", "YAML", 4, "twice"),
    ("bootstrap: localhost:9092", "bootstrap: x\n    registry: main", "REGISTRY", 4, "Registries here: none"),
    ("gates:", "registries:\n  main: {}\ngates:", "MISSING", 5, "url"),
    ("gates:", "registries:\n  main: {url: 'ftp://x'}\ngates:", "VALUE", 5, "http or https"),
    ("gates:", "registries:\n  main: {url: 'http://far'}\ngates:", "PLAINTEXT", 5, "allow_plaintext"),
    (
        "gates:",
        "registries:\n  main: {url: 'http://far', token_file: t, allow_plaintext: true}\ngates:",
        "PLAINTEXT",
        5,
        "Use https",
    ),
    ("gates:", f"registries:\n  main: {{url: 'https://u:{CANARY}@far'}}\ngates:", "SECRET", 5, "secret"),
    ("gates:", f"registries:\n  main: {{url: 'https://far', password: {CANARY}}}\ngates:", "KEY", 5, "password_file"),
    ("gates:", "registries:\n  main: {url: 'https://far', user: x}\ngates:", "LOGIN", 5, "both or none"),
    (
        "gates:",
        "registries:\n  main: {url: 'https://far', user: x, password_file: p, token_file: t}\ngates:",
        "LOGIN",
        5,
        "a password or a token",
    ),
    ("gates:", "registries:\n  main: {url: 'https://far', key_file: k}\ngates:", "LOGIN", 5, "certificate_file"),
    ("gates:", "monitor: {severities: [{alarms: 2, blast: 3}]}\ngates:", "KEY", 4, "Did you mean 'blast_min'?"),
    ("gates:", "monitor: {severities: 3}\ngates:", "VALUE", 4, "must be a list"),
    ("gates:", "monitor: {probe_topics: {other: probe}}\ngates:", "CLUSTER", 4, "Clusters here: primary"),
    (
        "gates:",
        "monitor: {probe_topics: {primary: flights.landing}}\ngates:",
        "PROBE",
        4,
        "a topic for the probe alone",
    ),
    ("gates:", "runbooks: [x]\ngates:", "VALUE", 4, "mapping"),
    ("    cluster: primary", "\tcluster: primary", "YAML", 6, "tab"),
    ("gates:", "x: [", "YAML", None, ""),
]


@pytest.mark.parametrize(("old", "new", "code", "line", "piece"), WRONG)
def test_wrong(tmp_path: Path, old: str, new: str, code: str, line: int | None, piece: str) -> None:
    assert MINIMAL.count(old) >= 1
    fault = fault_of(tmp_path, MINIMAL.replace(old, new, 1))
    shown = f"{fault.message} {fault.hint}"
    assert fault.code == f"WM-CONFIG-{code}", shown
    assert line is None or f"watermaster.yaml:{line}: " in fault.message, shown
    assert piece in shown, shown
    assert CANARY not in shown
    assert fault.hint


def test_two_gates_never_write_one_topic(tmp_path: Path) -> None:
    second = MINIMAL.split("gates:\n")[1].replace("flights:", "second:").replace("flights.landing", "other")
    fault = fault_of(tmp_path, MINIMAL + second)
    assert fault.code == "WM-CONFIG-TOPIC-ROLE"
    assert "the gate flights already writes the topic flights" in fault.message


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="cannot be read") as caught:
        load_configuration(tmp_path / "none.yaml")
    assert "watermaster init" in caught.value.hint
    assert fault_of(tmp_path, "").code == "WM-CONFIG-VALUE"
    assert fault_of(tmp_path, "- a").code == "WM-CONFIG-VALUE"
    assert fault_of(tmp_path, "a: " + "x" * 1024 * 1024).code == "WM-CONFIG-FILE"


def _written(folder: Path, text: str) -> Path:
    path = folder / "watermaster.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_registry_named_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text("user: ${env:WHO}\npassword_file: registry.password\n")
    read = load_registry("main", "https://r:8081", path, {"WHO": "w"})
    assert (read.name, read.url, read.user) == ("main", "https://r:8081", "w")
    assert read.password_file == tmp_path / "registry.password"
    assert load_registry("main", "http://127.0.0.1:1", None).allow_plaintext is False


@pytest.mark.parametrize(
    ("url", "text", "code"),
    [
        ("r:8081", "", "WM-CONFIG-VALUE"),
        ("http://r:8081", "", "WM-CONFIG-PLAINTEXT"),
        ("https://me:secret@r", "", "WM-CONFIG-SECRET"),
        ("https://r", "user: me\n", "WM-CONFIG-LOGIN"),
        ("https://r", "url: https://other\n", "WM-CONFIG-KEY"),
        ("https://r", "pass_word: hidden\n", "WM-CONFIG-KEY"),
        ("https://r", "timeout_ms: fast\n", "WM-CONFIG-VALUE"),
        ("https://r", "user: [\n", "WM-CONFIG-YAML"),
        ("https://r", None, "WM-CONFIG-FILE"),
    ],
)
def test_a_registry_that_cannot_be_used_says_why(tmp_path: Path, url: str, text: str | None, code: str) -> None:
    path = tmp_path / "registry.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageFault) as caught:
        load_registry("main", url, None if text == "" else path)
    assert caught.value.code == code
    assert "secret@" not in str(caught.value)
    assert "hidden" not in str(caught.value)
