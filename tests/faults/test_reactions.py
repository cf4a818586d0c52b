"""What a contract promises of detecting, notifying and repairing, judged while a real gate is gone and comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.faults.rig import GateRig

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.system_clock import SystemClock
from watermaster.cli import main
from watermaster.incident.incident import Incident
from watermaster.incident.life import State
from watermaster.incident.reaction import Reaction
from watermaster.runtime.incident_watch import IncidentWatch
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.receiver import PageReceiver
from watermaster.testing.waiting import wait_until
from watermaster.wiring.data_watches import promised_reactions
from watermaster.wiring.incidents import senders_of
from watermaster.wiring.monitoring import open_fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

PROMISES = """
slaProperties:
  - {property: timeToDetect, value: 1, unit: s}
  - {property: TN, value: 1, unit: h}
  - {property: timeToRepair, value: 1, unit: s}
"""


def test_a_gate_that_is_gone_for_longer_than_promised(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = GateRig(kafka, tmp_path, fresh_name("tr"))
    contract = tmp_path / "contracts" / "orders.odcs.yaml"
    contract.write_text(contract.read_text() + PROMISES)
    with PageReceiver() as receiver:
        document = yaml.safe_load(rig.config.read_text())
        document["monitor"] = {"raise_after_ms": 3_000, "clear_after_ms": 1_000}
        document["alerts"] = {"pager": {"kind": "webhook", "url": receiver.url}}
        rig.config.write_text(yaml.safe_dump(document))
        configuration = load_configuration(rig.config)
        store = DatabaseIncidents(open_database("", configuration.state_directory))
        clock = SystemClock()
        watch = IncidentWatch(
            configuration, open_fleet(rig.config, None).look, store, senders_of(configuration), clock, "one", {},
            reactions=promised_reactions(configuration),
        )  # fmt: skip

        def mine() -> Incident | None:
            watch.turn()
            assert watch.state.leads
            found = store.listed(resolved=True, limit=100)
            return next((each for each in found if each.key == f"test/watermaster.{rig.name}"), None)

        def late() -> Incident | None:
            found = mine()
            return found if found and Reaction.REPAIR in found.passed else None

        def resolved() -> Incident | None:
            found = mine()
            return found if found and found.state is State.RESOLVED else None

        rig.activate()
        rig.start()
        try:
            rig.produce(500)
            rig.wait_until_drained()
            assert mine() is None
            well_ms = clock.now_ms()
            rig.kill()
            rig.wait_until_group_is_empty()
            assert mine() is None
            rig.produce(100)
            incident = wait_until(late, "the repair is late", 120)
            # Its records say that they are ten minutes old; that it was well until now is known better.
            assert incident.began_ms is not None
            assert incident.began_ms >= well_ms
            assert incident.passed == (Reaction.DETECT, Reaction.REPAIR)
            assert incident.alarms == 3 + 1
            assert incident.notified_ms is not None
            rig.start()
            rig.wait_until_drained()
            incident = wait_until(resolved, "it is mended", 120)
        finally:
            rig.kill()
    assert "; timeToDetect passed: " in (incident.summary or "")
    assert "; timeToNotify kept: " in (incident.summary or "")
    assert "; timeToRepair passed: " in (incident.summary or "")
    assert main.execute(["incident", "show", str(incident.number), "--config", str(rig.config)]) == 0
    told = capsys.readouterr().out
    assert "promised: timeToRepair passed: " in told
    assert "by its contract; rises from 3 to 4 alarms" in told
