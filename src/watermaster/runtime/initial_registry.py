"""What `init` asks a schema registry: how the topics are written whose samples it has. Nothing that fails stops it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from watermaster.contract.checks import FRAMED_ENCODINGS
from watermaster.gate.schema import Schema, SchemaId
from watermaster.runtime.contract_inference import SampleBlock, Written
from watermaster.runtime.observed import SampledRecord, Unseen
from watermaster.runtime.ports import Clock
from watermaster.runtime.sample_texts import SampleTexts, unfit_schemas
from watermaster.runtime.schema_ports import SchemaRegistry
from watermaster.runtime.schema_shelf import SchemaShelf
from watermaster.runtime.value_format import FormatGuess, ValueFormat
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

ASKING_S_MAX: Final = 30.0
"""For one look: a healthy registry tells thousands of schemas in this time, and a dead one must not take a minute of
every topic's."""
FRAMED_FORMATS: Final = frozenset({ValueFormat.JSON_FRAMED, ValueFormat.AVRO_FRAMED, ValueFormat.PROTOBUF_FRAMED})
"""A guess from bytes alone may take one of them for another."""


class BriefRegistry:
    """Implements `SchemaRegistry`: asks another one, for no longer than `ASKING_S_MAX` in all."""

    def __init__(self, registry: SchemaRegistry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._spent_s = 0.0
        self._fault: WorldFault | None = None

    def schema(self, schema_id: SchemaId) -> Schema | None:
        """See `SchemaRegistry.schema`; when the time is used up, the last fault stands for all that is left."""
        if self._spent_s >= ASKING_S_MAX:
            raise self._fault or _used_up()
        began_s = self._clock.monotonic_s()
        try:
            return self._registry.schema(schema_id)
        except WorldFault as fault:
            self._fault = fault
            raise
        finally:
            self._spent_s += self._clock.monotonic_s() - began_s


@dataclass(frozen=True, slots=True)
class TopicTexts:
    """The sample of one topic as text to learn from; None with the reason where no contract can be drafted from it."""

    block: SampleBlock | None
    unseen: Unseen | None = None


Reads = Callable[[str, FormatGuess, Sequence[SampledRecord]], TopicTexts]
"""Makes texts of what was sampled of a topic. Never raises for what the topic or the registry is."""


def read_plain(_topic: str, guess: FormatGuess, records: Sequence[SampledRecord]) -> TopicTexts:
    """Without a registry: JSON is read, and nothing else."""
    plain = guess.format is ValueFormat.JSON
    return TopicTexts(SampleBlock([record.value for record in records]) if plain else None)


class RegistryReads:
    """Implements `Reads` with a registry, whose answers all topics share."""

    def __init__(self, shelf: SchemaShelf) -> None:
        self._shelf = shelf

    def __call__(self, topic: str, guess: FormatGuess, records: Sequence[SampledRecord]) -> TopicTexts:
        """See `Reads`."""
        framed = guess.format in FRAMED_FORMATS
        if not framed and guess.format is not ValueFormat.JSON:
            return TopicTexts(None)
        texts = SampleTexts(self._shelf)
        try:
            block = texts.block(_batch(topic, records), 0)
        except WorldFault as fault:
            return TopicTexts(None, _unseen(topic, fault)) if framed else read_plain(topic, guess, records)
        if framed is not (block.written.values in FRAMED_ENCODINGS):
            return TopicTexts(None, _unseen(topic, unfit_schemas(texts.kind)))
        return TopicTexts(block)


def framed_topic(written: Written) -> bool:
    """Whether a registry is needed to judge what is written so."""
    return bool({written.values, written.keys} & FRAMED_ENCODINGS)


def _batch(topic: str, records: Sequence[SampledRecord]) -> RecordBatch:
    return RecordBatch(
        TopicPartition(topic, 0),
        [record.offset for record in records],
        [record.timestamp_ms for record in records],
        [record.key for record in records],
        [record.value for record in records],
        [record.headers for record in records],
    )


def _unseen(topic: str, fault: WorldFault) -> Unseen:
    return Unseen(f"schemas of topic {topic}", f"{fault.message}.", fault.code)


def _used_up() -> WorldFault:
    return WorldFault(
        "WM-REGISTRY-SLOW",
        f"the registry needs more than {ASKING_S_MAX:.0f} s to tell the schemas of all topics",
        hint="Look at the registry and the network, or draft the other contracts one by one: `contract infer --topic`.",
    )
