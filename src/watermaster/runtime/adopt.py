"""`quarantine adopt`: a look at a dead-letter topic that somebody else writes, before it is treated as a quarantine.

The newest letters are read and everything that a replay will need is asked of the cluster. Nothing here writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from watermaster.quarantine.held import Adoption, NotHeld, Payload, QuarantineRecord, read_held
from watermaster.quarantine.letter import Dialect
from watermaster.runtime.audit import LogBounds
from watermaster.runtime.configuration import QuarantineConfiguration
from watermaster.runtime.hold_states import HoldReader
from watermaster.runtime.letter_ledger import missing_letters
from watermaster.stream.coordinates import TopicPartition

LETTERS_MAX: Final = 2_000
"""Looked at: the newest of each partition, as many of each. Who writes a dead-letter topic seldom changes."""
NAMES_MAX: Final = 20
"""Header names that are shown where no convention is known, so that a mapping can be written."""


class AdoptionReader(HoldReader, Protocol):
    """Reads what holds need, and settings of topics."""

    def settings(self, topic: str) -> Mapping[str, str | None]:
        """A topic's settings in force; empty where they may not be read."""
        ...


class Weight(Enum):
    """How much a finding matters."""

    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"
    """A replay could not be carried out."""


@dataclass(frozen=True, slots=True)
class AdoptionFinding:
    """One thing that a person should know before the topic is adopted."""

    weight: Weight
    message: str
    hint: str = ""


@dataclass(slots=True)
class AdoptionLook:
    """What the newest letters say. `standing` counts by offsets, so it is an upper bound."""

    topic: str
    partitions: int
    standing: int = 0
    looked_at: int = 0
    dialects: Counter[Dialect] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    """Letters by the source topic that they name."""
    holders: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    """By the reason why a record is no letter."""
    without_coordinates: int = 0
    without_source: int = 0
    """Letters that do not even name a source topic."""
    without_payload: int = 0
    originals: int = 0
    """Letters whose source record still lies in the source topic."""
    header_names: Counter[str] = field(default_factory=Counter)
    """Of letters that follow no known convention."""
    findings: list[AdoptionFinding] = field(default_factory=list)

    @property
    def has_problems(self) -> bool:
        """Whether a replay could not be carried out."""
        return any(finding.weight is Weight.PROBLEM for finding in self.findings)

    @property
    def dialect(self) -> Dialect | None:
        """The convention of most letters; None where nothing was read."""
        return self.dialects.most_common(1)[0][0] if self.dialects else None

    def say(self, weight: Weight, message: str, hint: str = "") -> None:
        """Note a finding."""
        self.findings.append(AdoptionFinding(weight, message, hint))


def look_at_letters(reader: AdoptionReader, adopted: QuarantineConfiguration, adoption: Adoption) -> AdoptionLook:
    """Read the newest letters, then ask for their sources and for the targets. Raises WorldFault without a topic."""
    topics = reader.topics([adopted.topic])
    if adopted.topic not in topics:
        raise missing_letters(adopted.topic)
    look = AdoptionLook(adopted.topic, topics[adopted.topic].partitions)
    offsets: dict[TopicPartition, list[int]] = {}
    for record in _newest(reader, look):
        _take(look, record, adoption, offsets)
    _look_at_sources(look, reader, offsets)
    _look_at_topic(look, reader, compacted=topics[adopted.topic].compacted)
    _look_at_targets(look, reader, adopted)
    return look


def _newest(reader: AdoptionReader, look: AdoptionLook) -> Iterator[QuarantineRecord]:
    places = [TopicPartition(look.topic, number) for number in range(look.partitions)]
    share = max(1, LETTERS_MAX // len(places))
    for where, bounds in reader.bounds(places).items():
        look.standing += bounds.end - bounds.start
        for step in reader.scan(where, max(bounds.start, bounds.end - share), bounds.end):
            batch = step.batch
            columns = zip(batch.offsets, batch.timestamps_ms, batch.keys, batch.values, batch.headers, strict=True)
            for offset, timestamp_ms, key, value, headers in columns:
                yield QuarantineRecord(where, offset, timestamp_ms, key, value, headers or [])


def _take(
    look: AdoptionLook, record: QuarantineRecord, adoption: Adoption, offsets: dict[TopicPartition, list[int]]
) -> None:
    look.looked_at += 1
    held = read_held(record, adoption)
    if isinstance(held, NotHeld):
        look.unread[held.message] += 1
        return
    look.dialects[held.dialect] += 1
    look.without_payload += held.payload is Payload.ABSENT
    if held.dialect is Dialect.PLAIN:
        look.header_names.update({name for name, _ in record.headers})
    if held.key.holder:
        look.holders[held.key.holder] += 1
    if held.origin is None:
        look.without_coordinates += 1
        look.without_source += not held.source
        look.sources.update([held.source] if held.source else ())
    else:
        look.sources[held.origin.topic] += 1
        offsets.setdefault(TopicPartition(held.origin.topic, held.origin.partition), []).append(held.origin.offset)


def _look_at_sources(
    look: AdoptionLook, reader: AdoptionReader, offsets: Mapping[TopicPartition, Sequence[int]]
) -> None:
    known = reader.topics(list(look.sources)) if look.sources else {}
    there = [where for where in offsets if where.topic in known and where.partition < known[where.topic].partitions]
    bounds: Mapping[TopicPartition, LogBounds] = reader.bounds(there) if there else {}
    for where, (start, end) in bounds.items():
        look.originals += sum(start <= offset < end for offset in offsets[where])
    for topic in sorted(set(look.sources) - set(known)):
        look.say(
            Weight.NOTE,
            f"the source topic {topic} is not there, or this login may not see it",
            "The letters can still be replayed: they hold the bytes.",
        )


def _look_at_topic(look: AdoptionLook, reader: AdoptionReader, *, compacted: bool) -> None:
    if compacted:
        look.say(
            Weight.WARNING,
            f"{look.topic} is compacted: a letter goes when its key comes again",
            "Set cleanup.policy to delete.",
        )
    settings = reader.settings(look.topic)
    if settings and settings.get("cleanup.policy") == "delete" and settings.get("retention.ms") != "-1":
        days = int(settings.get("retention.ms") or 0) / 86_400_000
        look.say(Weight.NOTE, f"{look.topic} keeps letters for {days:.1f} days, whatever has become of them")
    if look.unread:
        reasons = ", ".join(f"{count}: {why}" for why, count in look.unread.most_common(3))
        look.say(Weight.WARNING, f"records that are no letters ({reasons})", "They stay, and are counted as unread.")
    if look.without_payload:
        look.say(
            Weight.WARNING,
            f"{look.without_payload} letters have neither key nor value: they cannot be replayed",
            "Have a share group copy records: errors.deadletterqueue.copy.record.enable=true.",
        )
    if look.dialect is Dialect.PLAIN and look.header_names:
        names = ", ".join(name for name, _ in look.header_names.most_common(NAMES_MAX))
        look.say(
            Weight.NOTE,
            f"the letters follow no known convention; their headers are {names}",
            "Say what they mean: --map topic=…, partition=…, offset=…, exception=….",
        )


def _look_at_targets(look: AdoptionLook, reader: AdoptionReader, adopted: QuarantineConfiguration) -> None:
    if not adopted.sources:
        look.say(
            Weight.WARNING,
            "no source is named, so nothing can be replayed",
            "Name the topic that failed and where replays go: --source orders --target orders.repair.",
        )
        return
    names = [name for source in adopted.sources for name in (source.topic, source.target)]
    topics = reader.topics(list(dict.fromkeys(names)))
    for source in adopted.sources:
        needed = topics[source.topic].partitions if source.topic in topics else 1
        if source.target not in topics:
            look.say(Weight.PROBLEM, f"the target {source.target} is not there", f"Create it with {needed} partitions.")
        elif topics[source.target].partitions < needed:
            look.say(
                Weight.PROBLEM,
                f"the target {source.target} has fewer than {needed} partitions",
                "A replay keeps the partition number of its source.",
            )
    unnamed = sorted(set(look.sources) - {source.topic for source in adopted.sources})
    if unnamed:
        look.say(
            Weight.WARNING,
            f"letters from {', '.join(unnamed[:NAMES_MAX])} cannot be replayed: no target is named for them",
            "Name each with --source and --target.",
        )
    if look.without_source and len(adopted.sources) > 1:
        look.say(
            Weight.WARNING,
            f"{look.without_source} letters do not say which of the sources they come from",
            "They can be looked at and discarded; with one source they could be replayed too.",
        )
