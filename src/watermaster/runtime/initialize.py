"""`init`: look at a cluster, say what is there, and write the first configuration. The cluster is only read.

Look -> rows for a person to choose from -> files as text. Nothing here writes; the caller shows the plan first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from watermaster.contract.checks import FRAMED_ENCODINGS
from watermaster.contract.draft.text import quoted
from watermaster.contract.inference.proposal import Origin
from watermaster.contract.inference.stream_summary import StreamSummary
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.contract_inference import Learning, SampleBlock, Written, conclude, written_as
from watermaster.runtime.initial_registry import FRAMED_FORMATS, Reads, read_plain
from watermaster.runtime.names import FILE_NAME, REGISTRY_NAME
from watermaster.runtime.observed import ObservedCluster, ObservedTopic, Observer, TopicSample, Unseen
from watermaster.runtime.value_format import FormatGuess, ValueFormat, guess_format, is_internal
from watermaster.stream.fault import Fault, UsageFault

RECORDS_PER_TOPIC: Final = 20
"""Enough to tell a format and the fields that are always there, and little to read from hundreds of topics."""

FAULTS_MAX: Final = 3
"""So many topics one after another that cannot be read on: the cluster or the registry has gone away."""

OFFSETS_TOPIC: Final = "__consumer_offsets"
"""Kafka makes it by itself when a client first asks who coordinates a group; the client asks without being told to."""

_LEGAL_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,230}")
"""As Kafka has it, less what the names derived from it (quarantine, trusted) add."""
_SOURCE_SUFFIX: Final = re.compile(r"[._-](?:landing|raw|in|input|ingest)$")


@dataclass(frozen=True, slots=True)
class TopicRow:
    """One topic as `init` shows it. Sizes are estimates: records times the mean size of those sampled, in bytes."""

    topic: str
    guess: FormatGuess
    partitions: int
    replication: int
    records: int | None
    records_last_hour: int | None
    mean_bytes: float | None
    unseen: Unseen | None
    written: Written | None = None
    """How values and keys are written; None where no contract can be drafted."""

    @property
    def estimated_bytes(self) -> int | None:
        """Uncompressed size of the topic; None where it cannot be estimated."""
        return None if self.records is None or self.mean_bytes is None else round(self.records * self.mean_bytes)

    @property
    def enforceable(self) -> bool:
        """Whether a contract can be drafted from it."""
        return self.written is not None and _LEGAL_TOPIC.fullmatch(self.topic) is not None


@dataclass(frozen=True, slots=True)
class InitialLook:
    """What was seen, and what the look cost on the wire."""

    cluster: ObservedCluster
    rows: tuple[TopicRow, ...]
    samples: Mapping[str, SampleBlock]
    """What was sampled of the topics to choose from, for their drafts."""
    bytes_read: int
    bytes_budget: int
    first_reader: bool = False
    """Nobody had read this cluster as a group before: asked for a coordinator, Kafka made its own offsets topic."""

    @property
    def enforceable(self) -> tuple[TopicRow, ...]:
        """The topics to choose from."""
        return tuple(row for row in self.rows if row.enforceable)

    @property
    def framed(self) -> int:
        """How many topics look as if their records named schemas of a registry."""
        return sum(row.guess.format in FRAMED_FORMATS for row in self.rows)


@dataclass(frozen=True, slots=True)
class InitialFiles:
    """Files to write, by path relative to the project's folder; the configuration comes first."""

    texts: Mapping[str, str]
    remarks: tuple[str, ...] = ()
    """Of which topic less was learnt than there is, and why."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """More than a look sees of one topic."""

    summary: StreamSummary
    written: Written


Settings: TypeAlias = Mapping[str, str | int | bool]
"""Of a registry, as they shall stand in the file; what is as by default is left out."""


def take_look(observer: Observer, reads: Reads = read_plain) -> InitialLook:
    """Look at every topic that the login may see. Raises a fault only if topics cannot be listed at all.

    `reads` makes texts of the samples, with the help of a registry or without.
    """
    topics = observer.topics()
    # Kafka's own topics are named and not read: their content is nobody's stream.
    own = [topic for topic in topics.values() if not is_internal(topic.name)]
    samples = observer.sample(own, RECORDS_PER_TOPIC)
    blocks: dict[str, SampleBlock] = {}
    rows = tuple(_row(topic, samples.by_topic.get(name), reads, blocks) for name, topic in sorted(topics.items()))
    first_reader = OFFSETS_TOPIC not in topics and bool(observer.topics((OFFSETS_TOPIC,))[OFFSETS_TOPIC].partitions)
    return InitialLook(observer.cluster, rows, blocks, samples.bytes_read, samples.bytes_budget, first_reader)


def choose(look: InitialLook, wanted: Sequence[str]) -> tuple[str, ...]:
    """Check a choice of topics. Raises `UsageFault` WM-INIT-STREAM naming why one cannot be taken."""
    by_name = {row.topic: row for row in look.rows}
    for topic in wanted:
        row = by_name.get(topic)
        if row is None:
            raise UsageFault(
                "WM-INIT-STREAM",
                f"The topic {topic} does not exist, or this login may not see it.",
                hint="`watermaster init` without --stream lists what it can see.",
            )
        if not row.enforceable:
            reason = row.unseen.reason if row.unseen else f"its records look like: {row.guess.format.value}."
            raise UsageFault(
                "WM-INIT-STREAM",
                f"No contract can be drafted for {topic}: {reason}",
                hint=_what_helps(row),
            )
    return tuple(dict.fromkeys(wanted))


def plan_files(
    look: InitialLook,
    cluster: ClusterConfiguration,
    client_config: str | None,
    topics: Sequence[str],
    learn: Callable[[str], Learnt] | None = None,
    registry: Settings | None = None,
) -> InitialFiles:
    """The configuration and a contract draft for each chosen topic. `client_config` and `registry` as they shall stand.

    `learn` reads more of a topic than the look did; without it the draft is made from what the look saw, and where it
    raises a fault too. Raises that of `FAULTS_MAX` topics one after another: then it is not theirs.
    """
    trusted = trusted_names(topics, existing={row.topic for row in look.rows})
    drafts: dict[str, str] = {}
    written: dict[str, Written] = {}
    remarks: list[str] = []
    faults = 0
    for topic, name in trusted.items():
        learnt = learn_from_look(look, topic)
        # Else what the look saw is all there is, or little of it.
        if learn is not None and learnt.summary.records >= RECORDS_PER_TOPIC:
            try:
                more = learn(topic)
                faults = 0
                learnt = more if more.summary.root.count else learnt
            except Fault as fault:
                faults += 1
                if faults == FAULTS_MAX:
                    raise
                remarks.append(f"{topic}: drafted from {learnt.summary.records} records: {fault.message}")
        origin = written_as(Origin(topic, name), learnt.written)
        drafts[str(PurePosixPath("contracts") / contract_file(name))] = conclude(learnt.summary, origin).text
        written[topic] = learnt.written
    configuration = _configuration_text(look, cluster, client_config, registry, trusted, written)
    return InitialFiles({FILE_NAME: configuration, **drafts}, tuple(remarks))


def learn_from_look(look: InitialLook, topic: str) -> Learnt:
    """From the records that the look saw."""
    learning = Learning()
    learning.take(look.samples[topic])
    return Learnt(learning.summary, look.samples[topic].written)


def trusted_names(topics: Sequence[str], existing: Collection[str]) -> dict[str, str]:
    """What consumers of each landing topic will read: `orders.landing` -> `orders`, `orders` -> `orders.trusted`.

    A topic that exists is somebody's already, so no gate is told to write to it.
    """
    names: dict[str, str] = {}
    for topic in topics:
        bare = _SOURCE_SUFFIX.sub("", topic)
        name = bare if bare and bare != topic else f"{topic}.trusted"
        while name in existing or name in names.values():
            name = f"{topic}.trusted" if not name.startswith(topic) else f"{name}.trusted"
        names[topic] = name
    return names


def contract_file(trusted: str) -> str:
    """The file name of the contract of a trusted topic."""
    return f"{trusted}.odcs.yaml"


def _what_helps(row: TopicRow) -> str:
    if row.guess.format in FRAMED_FORMATS and row.unseen is None:
        return "Name the registry that has the schemas of its records: --registry URL."
    return "Choose a topic whose records can be read, or write its contract by hand."


def _row(topic: ObservedTopic, sample: TopicSample | None, reads: Reads, blocks: dict[str, SampleBlock]) -> TopicRow:
    """The row of one topic; what its draft is made from goes into `blocks`."""
    records = sample.records if sample else ()
    unseen = (sample.unseen if sample else None) or (topic.unseen[0] if topic.unseen else None)
    guess = guess_format(topic.name, records)
    if guess.format is ValueFormat.EMPTY and (unseen is not None or topic.records is None):
        guess = FormatGuess(ValueFormat.UNREADABLE)
    mean = sum(record.size for record in records) / len(records) if records else None
    texts = reads(topic.name, guess, records)
    if texts.block is not None:
        blocks[topic.name] = texts.block
    return TopicRow(
        topic.name,
        guess,
        len(topic.partitions),
        topic.replication,
        topic.records,
        topic.records_last_hour,
        mean,
        unseen or texts.unseen,
        texts.block.written if texts.block else None,
    )


def _configuration_text(
    look: InitialLook,
    cluster: ClusterConfiguration,
    client_config: str | None,
    registry: Settings | None,
    trusted: Mapping[str, str],
    written: Mapping[str, Written],
) -> str:
    lines = [
        "# Watermaster: which clusters there are, and which streams a gate guards.",
        "# Unknown keys are errors. Secrets never stand here: client_config names the file that has them,",
        "# or that takes them from the environment (sasl.password=${env:KAFKA_PASSWORD}).",
        "clusters:",
        f"  {quoted(cluster.name)}:",
        f"    bootstrap: {quoted(cluster.bootstrap)}",
        f"    # development | staging | production; production is named before anything is changed. Cluster id: "
        f"{_comment(look.cluster.cluster_id)}",
        f"    environment: {cluster.environment.value}",
        *_security_lines(cluster, client_config),
        *_registry_lines(registry),
        "",
        "# Contracts, as ODCS documents (*.odcs.yaml).",
        "contracts: contracts",
        "",
        *_gate_lines(cluster, trusted, written),
        "",
        "# Where this machine keeps the identity of its gate instances.",
        "state_directory: .watermaster",
        "",
    ]
    return "\n".join(lines)


def _security_lines(cluster: ClusterConfiguration, client_config: str | None) -> Iterator[str]:
    if client_config is not None:
        yield "    # Java or librdkafka client properties, relative to this file."
        yield f"    client_config: {quoted(client_config)}"
    else:
        yield "    # client_config: client.properties   # Java or librdkafka client properties, relative to this file"
    for key in ("allow_plaintext", "allow_anonymous", "allow_unverified_tls"):
        if getattr(cluster, key):
            yield f"    {key}: true   # was asked for when this file was written"


def _registry_lines(registry: Settings | None) -> Iterator[str]:
    if registry is None:
        yield "    # registry: main   # the schema registry that its records name, under `registries:` of this file"
        return
    yield f"    registry: {REGISTRY_NAME}"
    yield ""
    yield "# Schema registries with Confluent's API. Secrets lie in files: password_file, token_file."
    yield "registries:"
    yield f"  {REGISTRY_NAME}:"
    for name, value in registry.items():
        said = quoted(value) if isinstance(value, str) else str(value).lower()
        yield f"    {name}: {said}"


def _gate_lines(
    cluster: ClusterConfiguration, trusted: Mapping[str, str], written: Mapping[str, Written]
) -> Iterator[str]:
    yield "# A gate reads landing topics, forwards what keeps its contract to trusted topics, and holds the rest."
    yield "# `watermaster gate --observe` judges without writing; `watermaster gate topics` prints what it needs."
    if not trusted:
        yield "# gates:"
        yield "#   orders:"
        yield f"#     cluster: {cluster.name}"
        yield "#     streams:"
        yield "#       - landing: orders.landing"
        yield "#         trusted: orders"
        yield "#         contract: orders.odcs.yaml"
        return
    yield "gates:"
    yield f"  {quoted(_gate_name(trusted))}:"
    yield f"    cluster: {quoted(cluster.name)}"
    yield "    streams:"
    for topic, name in trusted.items():
        yield f"      - landing: {quoted(topic)}"
        yield f"        trusted: {quoted(name)}   # to be created; what consumers may rely on"
        yield f"        quarantine: {quoted('dlq.' + topic)}   # to be created; what does not keep the contract"
        yield f"        contract: {quoted(contract_file(name))}   # {_encodings(written[topic])}"
    yield "    start: earliest   # earliest | latest: where a topic that was never read before is begun"
    yield "    workers: 1"


def _encodings(written: Written) -> str:
    """The encodings that the contract has, for who reads the configuration."""
    keys = f", key.encoding: {written.keys.value}" if written.keys in FRAMED_ENCODINGS else ""
    return f"encoding: {written.values.value}{keys}"


def _gate_name(trusted: Mapping[str, str]) -> str:
    """The stream's name for one stream, `main` for several; names begin with a letter or digit."""
    (only, *others) = trusted.values()
    return "main" if others else only.removesuffix(".trusted").lstrip("._-")[:100] or "main"


def _comment(text: str) -> str:
    """Text from a cluster inside a comment: nothing in it can begin a new line."""
    return re.sub(r"[^A-Za-z0-9_-]", "?", text)[:64]
