"""A gate from its configuration: the supervisor here, each worker in a process of its own."""

from __future__ import annotations

import os
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import parent_process
from pathlib import Path

from confluent_kafka import KafkaError

from watermaster.adapters.files.instance_lock import InstanceLock
from watermaster.adapters.kafka.cluster_view import KafkaClusterView
from watermaster.adapters.kafka.connection import client_settings
from watermaster.adapters.kafka.downstream import KafkaDownstream
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_reader import KafkaLedgerTail, KafkaLogReader
from watermaster.adapters.kafka.note_writer import KafkaNoteWriter
from watermaster.adapters.kafka.upstream import KafkaUpstream
from watermaster.adapters.metrics.collector import GateCollector
from watermaster.adapters.metrics.server import MetricsServer, gate_health
from watermaster.adapters.sandbox.judge_process import JudgeProcess
from watermaster.adapters.system_clock import SystemClock
from watermaster.gate.judge import build_stream_judge
from watermaster.runtime.configuration import Configuration, GateConfiguration
from watermaster.runtime.contracts_in_force import ContractsInForce
from watermaster.runtime.crash_points import perhaps_crashing
from watermaster.runtime.gate import GateStage
from watermaster.runtime.gate_position import PositionKeeper
from watermaster.runtime.gate_statistics import GateStatistics, StatisticsObserver, WorkerStatistics
from watermaster.runtime.judging import GuardedJudge, Judging, JudgingMark, Suspect, encode_suspect
from watermaster.runtime.ports import Output
from watermaster.runtime.stage import TransferSettings
from watermaster.runtime.supervisor import FaultMessage, LastWords, Supervisor
from watermaster.runtime.transfer import Transfer
from watermaster.stream.fault import Fault, UsageFault, WorldFault
from watermaster.wiring.contract import compile_checks
from watermaster.wiring.registry import gate_shelf

UNKNOWN_TOPIC = "WM-KAFKA-UNKNOWN-TOPIC"


@dataclass(frozen=True, slots=True)
class GateSpec:
    """What a worker process needs to know; no secrets, so that it may be pickled."""

    configuration: Configuration
    gate: str
    instance: str
    accept_position: bool = False

    @property
    def gate_configuration(self) -> GateConfiguration:
        """The configuration of this gate."""
        return self.configuration.gates[self.gate]


class _PipeSink:
    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def send(self, statistics: WorkerStatistics) -> None:
        try:
            self._pipe.send(statistics)
        except (BrokenPipeError, OSError):
            return  # the supervisor is gone; the loop notices by itself


def run_gate_worker(spec: GateSpec, slot: int, mark_path: str, pipe: Connection) -> None:
    """A worker process: everything from the landing topics to the ledger for one transactional id."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C reaches the supervisor, which stops us
    mark = JudgingMark(Path(mark_path))
    signal.signal(signal.SIGTERM, lambda *_: mark.ask_to_stop())
    supervisor = parent_process()

    def should_stop() -> bool:
        mark.beat()
        return mark.is_asked_to_stop() or supervisor is None or not supervisor.is_alive()

    try:
        _transfer(spec, slot, mark, pipe, should_stop)
    except Fault as fault:
        is_usage = isinstance(fault, UsageFault)
        pipe.send(FaultMessage(fault.code, fault.message, fault.hint, fault.retriable, is_usage))
        pipe.close()
        os._exit(3)  # clients of a broken cluster may wait long in their destructors; nothing is left to save
    except Exception as error:  # noqa: BLE001 - the process's last line; the supervisor restarts it
        pipe.send(LastWords(_where(error)))
        if os.environ.get("WATERMASTER_DEBUG"):
            traceback.print_exc()
        os._exit(70)


def _where(error: BaseException) -> str:
    """Type and place of an unexpected exception; its text may hold anything, so it is left out."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}"


def _transfer(spec: GateSpec, slot: int, mark: JudgingMark, pipe: Connection, should_stop: Callable[[], bool]) -> None:
    gate = spec.gate_configuration
    settings = client_settings(spec.configuration.clusters[gate.cluster])
    clock = SystemClock()

    def sleep(seconds: float) -> None:
        mark.beat()
        time.sleep(seconds)

    observer = StatisticsObserver(slot, clock, _PipeSink(pipe))
    shelf = gate_shelf(spec.configuration, gate.cluster, observer.condition)
    contracts = ContractsInForce(
        KafkaLogReader(settings, gate.control, _translate),
        {stream.landing: stream.schema_object for stream in gate.streams},
        compile_checks,
        lambda checks: perhaps_crashing(build_stream_judge(checks, shelf.lookup)),
        sleep,
    )
    contracts.load()
    isolated = JudgeProcess(build_stream_judge, perhaps_crashing, pick=shelf.pick)
    guarded = GuardedJudge(mark, isolated)
    identity = f"{gate.name}.{spec.instance}.{slot}"
    upstream = KafkaUpstream(settings, gate.group_id, _translate, member=identity)
    positions = PositionKeeper(
        gate=gate,
        upstream=upstream,
        view=KafkaClusterView(settings, _translate),
        ledger=KafkaLedgerTail(settings, gate.ledger, _translate),
        contracts=contracts,
        clock=clock,
        suspected=guarded.suspect,
        sleep=sleep,
        accept_position=spec.accept_position,
    )
    positions.look()

    def open_downstream() -> KafkaDownstream:
        downstream = KafkaDownstream(
            settings,
            identity,
            _translate,
            transaction_timeout_s=gate.transaction_timeout_ms / 1000,
            beat=mark.beat,
        )
        downstream.open()
        return downstream

    transfer = Transfer(
        upstream=upstream,
        open_downstream=open_downstream,
        stage=GateStage(gate, contracts, positions, guarded.judge, shelf),
        clock=clock,
        observer=observer,
        settings=TransferSettings(
            commit_interval_s=gate.commit_interval_ms / 1000,
            records_max=gate.transaction_records_max,
            bytes_max=gate.transaction_bytes_max,
            timeout_s=gate.transaction_timeout_ms / 1000,
        ),
        sleep=sleep,
    )
    try:
        transfer.run(should_stop)
        observer.send()
    finally:
        isolated.close()
    transfer.close()


def _translate(error: KafkaError) -> Fault:
    """Client errors of a running worker.

    A client whose connections break may call a topic unknown that is there. Whether it is gone, the admin client tells
    (`PositionKeeper`), so here it is the world's fault and passes.
    """
    fault = translate_error(error)
    if fault.code == UNKNOWN_TOPIC:
        return WorldFault(fault.code, fault.message, hint=fault.hint, retriable=True)
    return fault


def run_gate(
    configuration: Configuration,
    gate_name: str,
    *,
    should_stop: Callable[[], bool],
    on_change: Callable[[GateStatistics], None],
    accept_position: bool = False,
) -> GateStatistics:
    """Run a gate until told to stop. Raises the fault that stops it."""
    gate = configuration.gates[gate_name]
    lock = InstanceLock(configuration.state_directory, gate.name, gate.instance)
    spec = GateSpec(configuration, gate_name, lock.name, accept_position)
    settings = client_settings(configuration.clusters[gate.cluster])
    view = KafkaClusterView(settings, translate_error)
    writer = KafkaNoteWriter(settings, translate_error)

    def note_suspect(judging: Judging, cause: str) -> None:
        facts = view.topics([judging.source.topic, gate.ledger])
        suspect = Suspect(
            topic=judging.source.topic,
            topic_id=facts[judging.source.topic].topic_id,
            partition=judging.source.partition,
            from_=judging.from_,
            to=judging.to,
            cause=cause,
        )
        key, value = encode_suspect(suspect)
        writer.write([Output(gate.ledger, suspect.partition % facts[gate.ledger].partitions, key, value, None, [])])

    statistics = GateStatistics(gate_name, started_ms=SystemClock().now_ms())
    with ExitStack() as stack:
        stack.callback(lock.release)
        if gate.metrics_listen is not None:
            listen = gate.metrics_listen
            collector = GateCollector(lambda: statistics, SystemClock())
            stack.enter_context(
                MetricsServer(
                    listen.host, listen.port, gate.metrics_token_file, collector, lambda: gate_health(statistics)
                )
            )
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="watermaster-"))
        supervisor = Supervisor(
            main=run_gate_worker,
            spec=spec,
            workers=gate.workers,
            directory=Path(directory),
            statistics=statistics,
            note_suspect=note_suspect,
            on_change=on_change,
        )
        supervisor.run(should_stop)
    return statistics
