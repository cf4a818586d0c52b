"""On a cluster that denies everything else, the permissions that `adopt` prints are enough to look and to replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Producer

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.cli import main
from watermaster.runtime.topic_acl import adopted_acls
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


def test_with_exactly_these_letters_are_looked_at_and_replayed(
    kafka_secured: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster, name = kafka_secured, fresh_name("letters")
    letters, source, target = (f"{name}.{role}" for role in ("dlq", "orders", "retry"))
    for topic in (letters, source, target):
        cluster.create_topic(topic, 1)
    place = {"topic": source, "partition": "0", "offset": "3"}
    headers: list[tuple[str, str | bytes | None]] = [(f"__streams.errors.{k}", v.encode()) for k, v in place.items()]
    producer = Producer(cluster.client_config())
    producer.produce(letters, b"v", b"k", 0, headers=headers)
    assert producer.flush(30) == 0
    cluster.add_user(name)
    configs = {principal: _configure(cluster, principal, tmp_path) for principal in ("admin", name)}

    def run(principal: str, *command: str) -> tuple[int, Any]:
        capfd.readouterr()
        options = ("--config", str(configs[principal]), "--output", "json")
        code = main.execute(["quarantine", *command, *options])
        written = capfd.readouterr().out
        return code, json.loads(written) if written else None

    adopt = ("adopt", letters, "--name", name, "--source", source, "--target", target)
    code, look = run("admin", *adopt, "--yes")
    assert code == 0
    adopted = load_configuration(configs["admin"]).quarantines[name]
    rules = adopted_acls(adopted, [])
    assert look["permissions"] == [str(rule) for rule in rules]
    document = yaml.safe_load(configs[name].read_text())
    document["quarantines"] = yaml.safe_load(configs["admin"].read_text())["quarantines"]
    configs[name].write_text(yaml.safe_dump(document))
    assert run(name, "groups")[0] != 0, "nothing is allowed yet"
    granted = KafkaTopicAdmin(cluster.client_config()).allow(f"User:{name}", rules)
    assert set(granted.values()) == {None}
    replay = ("replay", "--all", "--order", "skip", "--yes")
    commands = (("adopt", name), ("groups",), ("list",), ("show", "0:3"), replay, ("ledger",))
    wait_until(lambda: all(run(name, *command)[0] == 0 for command in commands), "everything is allowed")
    code, ledger = run(name, "ledger")
    assert (code, ledger["rows"][0]["replayed"]) == (0, 1)
    assert cluster.log_ends(target, 0)[1] > 0


def _configure(cluster: KafkaCluster, principal: str, directory: Path) -> Path:
    properties = cluster.client_properties(principal, directory / f"{principal}.properties")
    config = directory / f"{principal}.yaml"
    settings = {"bootstrap": cluster.bootstrap, "client_config": str(properties)}
    config.write_text(yaml.safe_dump({"clusters": {"test": settings}}))
    return config
