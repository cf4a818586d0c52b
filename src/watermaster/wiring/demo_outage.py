"""The outage of the demonstration on real Kafka: source, consumer, monitor, pages and `extend`, joined to the plot."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watermaster.adapters.broker.paced_reader import PacedReader
from watermaster.adapters.broker.source import KafkaSource
from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.files.flights import FLIGHTS_TOTAL, read_flights
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.connection import client_settings
from watermaster.adapters.kafka.surveyor import KafkaSurveyor
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.adapters.system_clock import SystemClock
from watermaster.incident.incident import acknowledge
from watermaster.monitor.extension import RETENTION_MS
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.demo import Audience, SourceRecord
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.incident_changes import do, record_note
from watermaster.runtime.incident_ports import Note
from watermaster.runtime.incident_watch import IncidentWatch, routes_of
from watermaster.runtime.lag_summary import horizon_lines, lag_lines
from watermaster.runtime.monitor import Monitor, MonitorReport
from watermaster.runtime.outage import Account, OutagePlan, OutagePlay, OutageResult, Sight
from watermaster.runtime.topic_needs import DesiredTopic, Need, Role, Rule
from watermaster.runtime.topic_plan import CreateTopic
from watermaster.wiring.demo import fetch_flights
from watermaster.wiring.demo_cluster import real_broker
from watermaster.wiring.extending import Extender
from watermaster.wiring.incidents import senders_of

if TYPE_CHECKING:
    from watermaster.testing.receiver import PageReceiver

CLUSTER: Final = "demo"
TOPIC: Final = "flights"
ELSEWHERE: Final = "flights.not-extended"
"""Takes the same records, and nobody extends it: what would have become of them."""
GROUP: Final = "billing"
OWNER: Final = "team-billing"
ROUTE: Final = "on-call"
PARTITIONS: Final = 4
EXTENDED_MS: Final = 600_000
SEGMENTS: Final = 12
"""Kafka deletes whole files: so many of them make up the retention."""
FLOW_S: Final = 0.02
PATIENCE_MS: Final = 2_000
"""The monitor's own, shrunk like everything else."""
RAISE_MS: Final = 3_000
CLEAR_MS: Final = 5_000


def run_outage(plan: OutagePlan, index: str, audience: Audience, show: Callable[[OutageResult], None]) -> OutageResult:
    """The whole outage; `show` is called while everything is still there. Raises faults."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="watermaster-outage-")))
        bootstrap, named = stack.enter_context(real_broker(audience))
        archive = fetch_flights(index, audience)
        receiver = stack.enter_context(_telephone())
        configuration = _configure(plan, directory, bootstrap, receiver.url)
        with audience.step("Create topics") as step:
            _create_topics(plan, configuration)
            step.result(f"{TOPIC}, which keeps records for {plan.retention_ms / 1000:.0f} s, and a twin of it")
        world = stack.enter_context(closing(KafkaOutage(plan, configuration, receiver, read_flights(archive))))
        with audience.outage(plan) as watch:
            result = replace(OutagePlay(plan, world, SystemClock(), time.sleep, watch).run(), broker=named)
        show(result)
    return result


class KafkaOutage:
    """Implements `runtime.outage.OutageWorld`."""

    def __init__(
        self, plan: OutagePlan, configuration: Configuration, receiver: PageReceiver, flights: Iterator[SourceRecord]
    ) -> None:
        self._plan, self._configuration, self._receiver, self._flights = plan, configuration, receiver, flights
        cluster = configuration.clusters[CLUSTER]
        settings = client_settings(cluster)
        self._sources = [KafkaSource(settings, topic) for topic in (TOPIC, ELSEWHERE)]
        self._reader = PacedReader(settings, TOPIC, GROUP, plan.rate * plan.speed)
        self._surveyor = KafkaSurveyor(connect(cluster), settings_age_s=0)
        self._monitor = Monitor(self._surveyor, patience_ms=PATIENCE_MS)
        self._report: MonitorReport | None = None
        self._store = DatabaseIncidents(open_database("", configuration.state_directory))
        senders = senders_of(configuration)
        self._watch = IncidentWatch(
            configuration, self._look, self._store, senders, SystemClock(), holder="demo", owners={}
        )
        self._written = 0
        self._writes = True
        self._began_s = time.monotonic()
        self._reader.start()
        # A look takes its time, and neither a source nor a consumer would wait for it.
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._flow, name="stream", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of the clients."""
        self._ended.set()
        self._thread.join()
        self._reader.stop()
        self._surveyor.close()
        for source in self._sources:
            source.close()

    def check(self) -> None:
        """See `OutageWorld`."""
        if self._failure is not None:
            raise self._failure

    def _flow(self) -> None:
        try:
            while not self._ended.wait(FLOW_S):
                with self._lock:
                    self._move()
        except Exception as failure:  # noqa: BLE001 - whatever it is, the play's own thread raises it
            self._failure = failure

    def _move(self) -> None:
        if self._writes:
            due = min(FLIGHTS_TOTAL, int((time.monotonic() - self._began_s) * self._plan.rate)) - self._written
            records = list(islice(self._flights, due))
            for source in self._sources:
                source.send(records)
            self._written += len(records)
        self._reader.pump()

    def look(self) -> Sight:
        """See `OutageWorld`."""
        self._watch.turn()
        found = self._store.listed(resolved=True, limit=10)
        mine = next((incident for incident in found if incident.key.startswith(f"{CLUSTER}/{GROUP}")), None)
        pages = tuple(page.splitlines()[0] for page in self._receiver.pages())
        report = self._report
        if report is None:
            return Sight(incident=mine, pages=pages)
        lag = next((line for line in lag_lines(report) if line.group == GROUP and line.topic == TOPIC), None)
        horizon = next((line for line in horizon_lines(report) if line.group == GROUP and line.topic == TOPIC), None)
        taken_ms = report.survey.taken_ms
        return Sight(
            unread=lag.records if lag else None,
            left_ms=horizon.left_ms if horizon else None,
            condition=lag.condition.value if lag else "unknown",
            caught_up_in_ms=lag.caught_up_ms - taken_ms if lag and lag.caught_up_ms else None,
            incident=mine,
            pages=pages,
            gone_elsewhere=self._gone(report),
        )

    def _gone(self, report: MonitorReport) -> int:
        positions = self._reader.positions
        logs = {source.partition: log for source, log in report.survey.logs.items() if source.topic == ELSEWHERE}
        return sum(max(0, log.start - positions.get(partition, 0)) for partition, log in logs.items())

    def _look(self) -> tuple[ClusterLook, ...]:
        self._report = self._monitor.look()
        environment = self._configuration.clusters[CLUSTER].environment.value
        return (ClusterLook(CLUSTER, environment, self._report, self._report.unseen),)

    def release(self) -> str:
        """See `OutageWorld`."""
        text = f"{GROUP} 2.0"
        record_note(self._store, Note(SystemClock().now_ms(), "deploy", GROUP, "ci", text))
        with self._lock:
            self._reader.stop()
        return f"incident note deploy '{text}' --on {GROUP}; the consumer is stopped for it, and does not come back"

    def start_reader(self) -> None:
        """See `OutageWorld`."""
        with self._lock:
            self._reader.start()

    def stop_source(self) -> None:
        """See `OutageWorld`."""
        with self._lock:
            self._writes = False
            for source in self._sources:
                source.flush()

    def take(self, number: int) -> None:
        """See `OutageWorld`."""
        now_ms = SystemClock().now_ms()
        do(
            self._store,
            number,
            lambda incident: acknowledge(incident, ROUTE, now_ms),
            routes_of(self._configuration),
            now_ms,
        )

    def extend(self) -> str:
        """See `OutageWorld`."""
        extender = Extender(self._configuration.path, CLUSTER)
        (extension,) = extender.plan([TOPIC], EXTENDED_MS)
        if (fault := extender.apply(extension)) is not None:
            raise fault
        after_ms = extension.settings[RETENTION_MS]
        return f"{TOPIC}: retention {self._plan.retention_ms / 1000:.0f} s -> {after_ms / 60_000:.0f} min"

    def restore(self) -> str:
        """See `OutageWorld`."""
        extender = Extender(self._configuration.path, CLUSTER)
        for restoration in extender.plan_restorations([TOPIC]):
            if (fault := extender.restore(restoration)) is not None:
                raise fault
        return f"{TOPIC}: retention {self._plan.retention_ms / 1000:.0f} s again"

    def account(self) -> Account:
        """See `OutageWorld`."""
        return Account(self._written, self._reader.read, self._reader.missing)


def _telephone() -> PageReceiver:
    from watermaster.testing.receiver import PageReceiver  # noqa: PLC0415 - needs the extra `testing`, as the broker does

    return PageReceiver()


def _configure(plan: OutagePlan, directory: Path, bootstrap: str, pages: str) -> Configuration:
    """A configuration as anybody would write it; JSON is YAML."""
    document = {
        "clusters": {CLUSTER: {"bootstrap": bootstrap}},
        "state_directory": "state",
        "owners": {f"{TOPIC}*": OWNER},
        "alerts": {ROUTE: {"kind": "webhook", "url": pages, "alarms_min": 2}},
        "monitor": {
            "poll_ms": 1000,
            "raise_after_ms": RAISE_MS,
            "clear_after_ms": CLEAR_MS,
            "loss_near_ms": plan.near_ms,
            "kept_share_min": 0.0,
            "severities": [
                {
                    "alarms": row.alarms,
                    "signal": row.signal.value,
                    **({} if row.left_ms_max is None else {"left_ms_max": row.left_ms_max}),
                }
                for row in plan.severities
                if row.signal is not None
            ],
        },
    }
    path = directory / "watermaster.yaml"
    path.write_text(json.dumps(document, indent=2))
    return load_configuration(path)


def _create_topics(plan: OutagePlan, configuration: Configuration) -> None:
    admin = KafkaTopicAdmin(client_settings(configuration.clusters[CLUSTER]))
    why = "an outage that a person can watch"
    needs = (
        Need("retention.ms", str(plan.retention_ms), Rule.ON_CREATION, why),
        Need("segment.ms", str(plan.retention_ms // SEGMENTS), Rule.ON_CREATION, why),
    )
    for topic in (TOPIC, ELSEWHERE):
        fault = admin.apply(CreateTopic(DesiredTopic(topic, Role.LANDING, PARTITIONS, 1, needs)))
        if fault is not None:
            raise fault
