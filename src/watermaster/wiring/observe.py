"""`gate --observe`: contracts from files, a topic reader without a group, and nothing that could write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.adapters.kafka.topic_reader import KafkaTopicReader
from watermaster.adapters.system_clock import SystemClock
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.runtime.configuration import ClusterConfiguration, Configuration, StreamConfiguration
from watermaster.runtime.observe import Observation, Observing, Start
from watermaster.runtime.observe_report import ObserveReport, report_on
from watermaster.runtime.observe_stream import Judged, Subject
from watermaster.runtime.ports import Clock
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.runtime.schema_shelf import SchemaShelf, fetching_judge
from watermaster.runtime.topic_state import TopicState
from watermaster.stream.fault import UsageFault
from watermaster.wiring.contract import compile_checks
from watermaster.wiring.registry import reading_shelf


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic to observe by the contract of a file; `trusted` is asked for its size limit if it is known."""

    topic: str
    contract: Path
    schema_object: str | None = None
    against: Path | None = None
    trusted: str | None = None


def wanted_of_gate(
    configuration: Configuration, gate: str, *, stream: str | None, contract: Path | None, against: Path | None
) -> tuple[Wanted, ...]:
    """The streams of a gate, or one of them, by the configured contract or another file. Raises UsageFault."""
    streams = configuration.gates[gate].streams
    chosen = [one for one in streams if stream in (None, one.landing, one.trusted)]
    if not chosen:
        known = ", ".join(one.landing for one in streams)
        raise UsageFault(
            "WM-STREAM-NAME", f"the gate {gate} has no stream {stream!r}", hint=f"Its landing topics: {known}."
        )
    if len(chosen) > 1 and (contract is not None or against is not None):
        raise UsageFault(
            "WM-OBSERVE-STREAM",
            f"--contract and --against are for one stream, and the gate {gate} has {len(chosen)}",
            hint="Name the landing topic with --stream.",
        )
    return tuple(_wanted(configuration, one, contract, against) for one in chosen)


def _wanted(
    configuration: Configuration, stream: StreamConfiguration, contract: Path | None, against: Path | None
) -> Wanted:
    path = contract or configuration.contract_path(stream)
    return Wanted(stream.landing, path, stream.schema_object, against, stream.trusted)


def observe(
    cluster: ClusterConfiguration,
    wanted: tuple[Wanted, ...],
    start: Start,
    *,
    to_end: bool,
    seconds: float | None,
    show_values: bool,
    should_stop: Callable[[], bool],
    on_progress: Callable[[Observation], None],
    registry: RegistryConfiguration | None = None,
) -> ObserveReport:
    """Judge and count until the ends are reached, `seconds` are over, or told to stop. Read-only on the cluster.

    Raises UsageFault for contracts and permissions, WorldFault for a cluster that cannot be reached.
    """
    shelf = reading_shelf(cluster.name, registry)
    compiled = [(one, _judged(one.contract, one, shelf), _against(one, shelf)) for one in wanted]
    settings = connect(cluster).settings
    limits = _record_limits(KafkaTopicAdmin(settings), wanted)
    subjects = [Subject(one.topic, judged, other, limits.get(one.topic)) for one, judged, other in compiled]
    clock = SystemClock()
    reader = KafkaTopicReader(settings, translate_error)
    observing = Observing(reader, subjects, start, clock, to_end=to_end, show_values=show_values)
    try:
        return report_on(observing.run(_bounded(should_stop, clock, seconds), on_progress))
    finally:
        reader.close()


def _bounded(should_stop: Callable[[], bool], clock: Clock, seconds: float | None) -> Callable[[], bool]:
    if seconds is None:
        return should_stop
    until_s = clock.monotonic_s() + seconds
    return lambda: should_stop() or clock.monotonic_s() >= until_s


def _against(wanted: Wanted, shelf: SchemaShelf) -> Judged | None:
    return _judged(wanted.against, wanted, shelf) if wanted.against is not None else None


def _judged(path: Path, wanted: Wanted, shelf: SchemaShelf) -> Judged:
    content = _read(path)
    name = wanted.schema_object or _schema_object(content, path, wanted.topic)
    checks = compile_checks(content, str(path), name)
    return Judged(str(path), checks, fetching_judge(checks, shelf))


def _schema_object(content: bytes, path: Path, topic: str) -> str | None:
    """The only schema object whatever its name, else the one of the topic's name."""
    read = read_contract(content, str(path))
    several = not read.problems and len(compile_contract(read).checks) > 1
    return topic if several else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageFault(
            "WM-CONTRACT-FILE", f"cannot read {path}: {error.strerror}", hint="Give the path of an *.odcs.yaml file."
        ) from error


def _record_limits(admin: KafkaTopicAdmin, wanted: tuple[Wanted, ...]) -> dict[str, int]:
    """`max.message.bytes` of the trusted topics that exist and whose settings this login may see."""
    trusted = {one.trusted: one.topic for one in wanted if one.trusted is not None}
    limits = {}
    for name, state in admin.look(list(trusted)).topics.items():
        if isinstance(state, TopicState) and "max.message.bytes" in state.settings:
            limits[trusted[name]] = int(state.settings["max.message.bytes"])
    return limits
