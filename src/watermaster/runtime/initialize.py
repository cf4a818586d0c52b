"""`init`: look at a cluster, say what is there, and write the first configuration. The cluster is only read.

Look -> rows for a person to choose from -> files as text. Nothing here writes; the caller shows the plan first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from watermaster.contract.draft.text import quoted
from watermaster.contract.inference.proposal import Origin
from watermaster.contract.inference.stream_summary import StreamSummary
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.contract_inference import Learning, SampleBlock, conclude
from watermaster.runtime.names import FILE_NAME
from watermaster.runtime.observed import ObservedCluster, ObservedTopic, Observer, TopicSample, Unseen
from watermaster.runtime.value_format import FormatGuess, ValueFormat, guess_format, is_internal
from watermaster.stream.fault import UsageFault

RECORDS_PER_TOPIC: Final = 20
"""Enough to tell a format and the fields that are always there, and little to read from hundreds of topics."""

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

    @property
    def estimated_bytes(self) -> int | None:
        """Uncompressed size of the topic; None where it cannot be estimated."""
        return None if self.records is None or self.mean_bytes is None else round(self.records * self.mean_bytes)

    @property
    def enforceable(self) -> bool:
        """Whether a contract for JSON records can be drafted from it."""
        return self.guess.format is ValueFormat.JSON and _LEGAL_TOPIC.fullmatch(self.topic) is not None


@dataclass(frozen=True, slots=True)
class InitialLook:
    """What was seen, and what the look cost on the wire."""

    cluster: ObservedCluster
    rows: tuple[TopicRow, ...]
    values: Mapping[str, tuple[bytes | None, ...]]
    """Sampled values of JSON topics, for their drafts."""
    bytes_read: int
    bytes_budget: int
    first_reader: bool = False
    """Nobody had read this cluster as a group before: asked for a coordinator, Kafka made its own offsets topic."""

    @property
    def enforceable(self) -> tuple[TopicRow, ...]:
        """The topics to choose from."""
        return tuple(row for row in self.rows if row.enforceable)


@dataclass(frozen=True, slots=True)
class InitialFiles:
    """Files to write, by path relative to the project's folder; the configuration comes first."""

    texts: Mapping[str, str]


def take_look(observer: Observer) -> InitialLook:
    """Look at every topic that the login may see. Raises a fault only if topics cannot be listed at all."""
    topics = observer.topics()
    # Kafka's own topics are named and not read: their content is nobody's stream.
    own = [topic for topic in topics.values() if not is_internal(topic.name)]
    samples = observer.sample(own, RECORDS_PER_TOPIC)
    rows = tuple(_row(topic, samples.by_topic.get(name)) for name, topic in sorted(topics.items()))
    values = {
        row.topic: tuple(record.value for record in samples.by_topic[row.topic].records)
        for row in rows
        if row.enforceable
    }
    first_reader = OFFSETS_TOPIC not in topics and bool(observer.topics((OFFSETS_TOPIC,))[OFFSETS_TOPIC].partitions)
    return InitialLook(observer.cluster, rows, values, samples.bytes_read, samples.bytes_budget, first_reader)


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
                hint="Choose a topic of JSON records, or write its contract by hand.",
            )
    return tuple(dict.fromkeys(wanted))


def plan_files(
    look: InitialLook,
    cluster: ClusterConfiguration,
    client_config: str | None,
    topics: Sequence[str],
    learn: Callable[[str], StreamSummary] | None = None,
) -> InitialFiles:
    """The configuration and a contract draft for each chosen topic. `client_config` is as it shall stand.

    `learn` reads more of a topic than the look did; without it the draft is made from what the look saw.
    """
    trusted = trusted_names(topics, existing={row.topic for row in look.rows})
    texts = {FILE_NAME: _configuration_text(look, cluster, client_config, trusted)}
    for topic, name in trusted.items():
        path = PurePosixPath("contracts") / contract_file(name)
        seen = learn_from_look(look, topic)
        # What the look saw is all there is, or little of it.
        more = learn is not None and seen.records >= RECORDS_PER_TOPIC
        summary = learn(topic) if learn is not None and more else seen
        texts[str(path)] = conclude(summary if summary.root.count else seen, Origin(topic, name)).text
    return InitialFiles(texts)


def learn_from_look(look: InitialLook, topic: str) -> StreamSummary:
    """The summary of the records that the look saw."""
    learning = Learning()
    learning.take(SampleBlock(look.values[topic]))
    return learning.summary


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


def _row(topic: ObservedTopic, sample: TopicSample | None) -> TopicRow:
    records = sample.records if sample else ()
    unseen = (sample.unseen if sample else None) or (topic.unseen[0] if topic.unseen else None)
    guess = guess_format(topic.name, records)
    if guess.format is ValueFormat.EMPTY and (unseen is not None or topic.records is None):
        guess = FormatGuess(ValueFormat.UNREADABLE)
    mean = sum(record.size for record in records) / len(records) if records else None
    return TopicRow(
        topic.name,
        guess,
        len(topic.partitions),
        topic.replication,
        topic.records,
        topic.records_last_hour,
        mean,
        unseen,
    )


def _configuration_text(
    look: InitialLook, cluster: ClusterConfiguration, client_config: str | None, trusted: Mapping[str, str]
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
        "",
        "# Contracts, as ODCS documents (*.odcs.yaml).",
        "contracts: contracts",
        "",
        *_gate_lines(cluster, trusted),
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


def _gate_lines(cluster: ClusterConfiguration, trusted: Mapping[str, str]) -> Iterator[str]:
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
        yield f"        contract: {quoted(contract_file(name))}"
    yield "    start: earliest   # earliest | latest: where a topic that was never read before is begun"
    yield "    workers: 1"


def _gate_name(trusted: Mapping[str, str]) -> str:
    """The stream's name for one stream, `main` for several; names begin with a letter or digit."""
    (only, *others) = trusted.values()
    return "main" if others else only.removesuffix(".trusted").lstrip("._-")[:100] or "main"


def _comment(text: str) -> str:
    """Text from a cluster inside a comment: nothing in it can begin a new line."""
    return re.sub(r"[^A-Za-z0-9_-]", "?", text)[:64]
