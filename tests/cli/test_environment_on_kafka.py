"""Production is changed only by who names it: what puts another contract in force, and what lets a stream go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.faults.rig import GateRig

from watermaster.cli.environment import name_environment
from watermaster.cli.main import execute
from watermaster.runtime.configuration import ClusterConfiguration, Environment
from watermaster.stream.fault import UsageFault
from watermaster.testing.kafka import KafkaCluster


@pytest.mark.parametrize(
    ("environment", "named", "actions", "refused"),
    [
        (Environment.DEVELOPMENT, None, ["do it"], False),
        (Environment.STAGING, "production", ["do it"], True),
        (Environment.PRODUCTION, None, [], False),
        (Environment.PRODUCTION, None, ["do it"], True),
        (Environment.PRODUCTION, "staging", ["do it"], True),
        (Environment.PRODUCTION, "production", ["do it"], False),
    ],
)
def test_who_has_to_name_the_environment(
    environment: Environment, named: str | None, actions: list[str], refused: bool
) -> None:
    cluster = ClusterConfiguration("east", "east:9092", environment=environment)
    if not refused:
        name_environment(cluster, named, actions)
        return
    with pytest.raises(UsageFault) as raised:
        name_environment(cluster, named, actions)
    assert raised.value.code == "WM-ENVIRONMENT"


@pytest.mark.kafka
def test_contracts_and_streams_of_production(
    kafka: KafkaCluster, tmp_path: Path, fresh_name: Callable[[str], str], capfd: pytest.CaptureFixture[str]
) -> None:
    rig = GateRig(kafka, tmp_path, fresh_name("production"), partitions=1)
    document = yaml.safe_load(rig.config.read_text())
    document["clusters"]["test"]["environment"] = "production"
    rig.config.write_text(yaml.safe_dump(document))
    for command in (["contract", "activate", rig.landing], ["gate", "resume", rig.landing]):
        arguments = [*command, "--config", str(rig.config), "--yes"]
        before = rig.cluster.log_ends(rig.control, 0)
        assert execute(arguments) == 2
        assert "WM-ENVIRONMENT" in capfd.readouterr().err
        assert rig.cluster.log_ends(rig.control, 0) == before, "nothing was written"
        assert execute([*arguments, "--environment", "production"]) == 0
        assert rig.cluster.log_ends(rig.control, 0) > before
