"""Objectives of a contract on real Kafka: bad data and a gate that is gone burn budgets, and healing ends it."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete
from tests.faults.rig import GateRig

from watermaster.adapters.database.budgets import DatabaseBudgets
from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.adapters.database.tables import lease
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.cli import main
from watermaster.incident.incident import Incident
from watermaster.incident.signal import SignalKind
from watermaster.monitor.budget import Amount
from watermaster.monitor.objective import Indicator
from watermaster.runtime.budgets import BudgetReport, Budgets
from watermaster.runtime.incident_ports import Senders
from watermaster.runtime.incident_watch import IncidentWatch
from watermaster.testing.clock import ManualClock
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.port import reserve_port
from watermaster.testing.waiting import wait_until
from watermaster.wiring.data_watches import promised_streams
from watermaster.wiring.ledger_news import LedgerTails
from watermaster.wiring.monitoring import open_fleet

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

PROMISES = """
slaProperties:
  - {property: latency, value: 1, unit: min}
  - {property: availability, value: 99, unit: percent}
  - {property: errorRate, value: 1, unit: percent}
  - {property: frequency, value: 2, unit: h}
"""


class Watcher:
    """A monitor of a rig whose clock the test moves."""

    def __init__(self, rig: GateRig, clock: ManualClock, name: str) -> None:
        self.configuration = load_configuration(rig.config)
        self._engine = open_database("", self.configuration.state_directory)
        self.store, self.clock = DatabaseIncidents(self._engine), clock
        self.ledgers = LedgerTails(self.configuration)
        self._problem = f"test/watermaster.{rig.name}"
        self._budgets = Budgets(
            self.configuration, promised_streams(self.configuration), DatabaseBudgets(self._engine), self.ledgers
        )
        fleet = open_fleet(rig.config, None)
        self.watch = IncidentWatch(
            self.configuration, fleet.look, self.store, Senders(), clock, name, {}, budgets=self._budgets
        )

    def look(self, times: int = 1, every_s: float = 10) -> None:
        for _ in range(times):
            self.watch.turn()
            assert self.watch.state.leads
            self.clock.advance(every_s)

    def report(self, indicator: Indicator) -> BudgetReport:
        return next(r for r in self.watch.state.budgets if r.objective.indicator is indicator)

    def open_incidents(self) -> list[Incident]:
        # Other tests share the cluster, and leave groups that lose records.
        return [found for found in self.store.listed(resolved=False, limit=1_000) if found.key == self._problem]

    def kinds(self) -> set[SignalKind]:
        return {signal.kind for incident in self.open_incidents() for signal in incident.signals}


@contextmanager
def watching(rig: GateRig, clock: ManualClock, name: str) -> Iterator[Watcher]:
    watcher = Watcher(rig, clock, name)
    with closing(watcher.ledgers):
        yield watcher


def test_bad_data_and_a_gate_that_is_gone_burn_their_budgets(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = GateRig(kafka, tmp_path, fresh_name("slo"))
    rig.write_contract("1.0.0", budget=0.99)  # the breaker is for another test
    contract = tmp_path / "contracts" / "orders.odcs.yaml"
    contract.write_text(contract.read_text() + PROMISES)
    rig.activate()
    rig.start()
    try:
        rig.produce(2_000, bad_share=0)
        rig.wait_until_drained()
        clock = ManualClock(time.time_ns() // 1_000_000)
        with watching(rig, clock, "first") as first:
            first.look(3)
            assert first.open_incidents() == []
            assert first.watch.state.unseen == ()
            assert {r.objective.indicator: r.bad for r in first.watch.state.budgets} == {
                Indicator.LATENCY: False,
                Indicator.AVAILABILITY: False,
                Indicator.ERROR_RATE: False,
                Indicator.FREQUENCY: False,  # by the newest timestamp: nobody has seen the log grow yet
            }
            rig.produce(1_000, bad_share=0.9)
            rig.wait_until_drained()
            first.look(10)
            assert first.kinds() == {SignalKind.HELD_SHARE, SignalKind.BUDGET_BURN}
            incident = first.open_incidents()[0]
            assert len(first.open_incidents()) == 1, "one problem"
            assert any("cheap-enough" in line for signal in incident.signals for line in signal.evidence)
            assert incident.alarms == 2 + 1, "burning at more than 14.4"
            assert "quarantine" in str(incident.answers.fix)
            before = first.report(Indicator.ERROR_RATE).budget
            # How many of the gate's transactions lie in which minute is chance; what was held is not.
            held = sum(entry["held"] for entry in rig.entries())
            assert before.left == pytest.approx(1 - held / 3_000 / 0.01)
            assert main.execute(["status", "--slo", "--config", str(rig.config)]) == 1
            assert "BURNS" in capsys.readouterr().out
        # Another monitor, after the lease of the first one: it reads the ledger again and counts nothing twice.
        clock.advance(120)
        with watching(rig, clock, "second") as second:
            second.look(2)
            again = second.report(Indicator.ERROR_RATE).budget
            assert again.left == pytest.approx(before.left)
            clock.advance(7 * 3600)
            second.look(7, every_s=30)
            assert second.open_incidents() == [], "what was held lies behind the windows that page"
            rig.kill()
            rig.wait_until_group_is_empty()
            rig.produce(100)
            second.look(24, every_s=30)
            assert second.report(Indicator.AVAILABILITY).bad is True
            assert second.report(Indicator.LATENCY).bad is True
            assert second.report(Indicator.FREQUENCY).bad is False
            assert {SignalKind.GATE_STOPPED, SignalKind.BUDGET_BURN} <= second.kinds()
            assert len(second.open_incidents()) == 1, "the stopped gate and the burning budgets are one problem"
            rig.start()
            rig.wait_until_drained()
            second.look(24, every_s=30)
            assert second.report(Indicator.LATENCY).bad is False
            clock.advance(7 * 3600)
            second.look(7, every_s=30)
            assert second.open_incidents() == []
    finally:
        rig.kill()


def test_killed_monitors_count_each_record_once(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    rig = GateRig(kafka, tmp_path, fresh_name("slo-kills"))
    rig.write_contract("1.0.0", budget=0.99)
    contract = tmp_path / "contracts" / "orders.odcs.yaml"
    contract.write_text(contract.read_text() + PROMISES)
    port = reserve_port()
    rig.config.write_text(rig.config.read_text() + f"monitor: {{poll_ms: 500, listen: '127.0.0.1:{port.number}'}}\n")
    rig.activate()
    configuration = load_configuration(rig.config)
    engine = open_database("", configuration.state_directory)
    (promised,) = promised_streams(configuration)
    name = promised.name_of(Indicator.ERROR_RATE)

    def counted() -> Amount:
        return sum((amount for _, amount in DatabaseBudgets(engine).load([name]).get(name, ())), Amount())

    said = tmp_path / "monitor.log"

    @contextmanager
    def monitor() -> Iterator[None]:
        command = [sys.executable, "-m", "watermaster", "monitor", "--config", str(rig.config)]
        with said.open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait()
            with engine.begin() as connection:  # or the next one waits for half a minute before it leads
                connection.execute(delete(lease))

    chance = random.Random(7)
    rig.start()
    try:
        for _ in range(6):
            before = counted().seen
            with monitor():
                rig.produce(500, bad_share=0.1)
                wait_until(lambda before=before: counted().seen > before, "the monitor counts", explain=said.read_text)
                rig.produce(500, bad_share=0.1)
                time.sleep(chance.random())
        rig.wait_until_drained()
        with monitor():
            wait_until(lambda: counted().seen >= rig.produced, "all is counted", explain=said.read_text)
            rig.produce(500, bad_share=0.1)
            wait_until(lambda: counted().seen >= rig.produced, "it goes on behind that", explain=said.read_text)
        assert counted() == Amount(sum(entry["held"] for entry in rig.entries()), rig.produced)
    finally:
        rig.kill()
        port.release()
