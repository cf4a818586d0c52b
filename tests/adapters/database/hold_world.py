"""A quarantine in memory that everything can happen to, and what a pass over its topics finds in it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.readers import MemoryHoldReader
from watermaster.gate.verdict import BrokenRule, Outcome, Verdict
from watermaster.quarantine.envelope import REFERENCE, Envelope, reference_facts
from watermaster.quarantine.group import Groups, GroupTally
from watermaster.quarantine.held import Adoption
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.hold_record import Account, encode_hold
from watermaster.quarantine.letter import Dialect
from watermaster.quarantine.lifecycle import Actor, Hold, State, Step
from watermaster.quarantine.selection import Selection
from watermaster.runtime.hold_horizon import OldestOpen
from watermaster.runtime.hold_index import HoldIndexer, IndexedTopics
from watermaster.runtime.hold_index_ports import HoldIndexStore, IndexedGroups, IndexedHold, IndexMark
from watermaster.runtime.hold_survey import Survey
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import Coordinates, TopicPartition

LANDING, QUARANTINE, OTHER, HOLDS = "orders", "dlq.orders", "dlq.others", "holds"
PARTITIONS = 3
CANARY = "canary-7f3a9c"
"""Stands in every payload, and may stand nowhere in an index."""
RULES = tuple(BrokenRule(f"rule-{n}", f"$.items[{n}].price", "range", f"must be at least {n}") for n in range(4))
CONTRACTS = ("sha256:aaa", "sha256:abb")
BY = Actor("User:anna", "anna", "ben")


@dataclass(slots=True)
class Seen:
    """What a look shows, in a form that compares."""

    groups: list[dict[str, Any]]
    held: dict[str, list[IndexedHold]]
    open: dict[str, tuple[int, int]]
    unread: int
    repeated: int


class HoldWorld:
    """Two quarantine topics of one gate or adopted quarantine, and the topic of their states."""

    def __init__(self, seed: int = 0, *, holds: int = 1) -> None:
        """`holds` partitions; letters of others may lie in any partition, and so have their states in one."""
        self.chance = random.Random(seed)
        self.cluster = MemoryCluster()
        self.topics = (QUARANTINE, OTHER)
        for topic in (LANDING, *self.topics):
            self.cluster.create_topic(topic, PARTITIONS)
        self.cluster.create_topic(HOLDS, holds)
        self.holds = holds
        self.adoption = Adoption(self.cluster.cluster_id, {LANDING: self.cluster.topics[LANDING].topic_id})
        self.reader = MemoryHoldReader(self.cluster, step_max=30)
        self.offsets = [0] * PARTITIONS
        self.keys: list[HoldKey] = []

    def indexer(self, store: HoldIndexStore, *topics: str) -> HoldIndexer:
        made_of = IndexedTopics("g", topics or self.topics, HOLDS, self.adoption)
        return HoldIndexer(self.reader, store, made_of, self.cluster.clock.sleep)

    # --- what happens -------------------------------------------------------------------------------------------

    def gate_holds(self, count: int = 1, topic: str = QUARANTINE) -> None:
        """Records that break one or two rules, some of which could not be carried."""
        chance = self.chance
        for _ in range(count):
            partition = chance.randrange(PARTITIONS)
            self.offsets[partition] += chance.randint(1, 3)
            self.gate_holds_one(partition, self.offsets[partition], topic)

    def gate_holds_one(self, partition: int, offset: int, topic: str = QUARANTINE) -> HoldKey:
        """One source record, which a gate whose group was reset may hold again."""
        chance = self.chance
        rules = tuple(chance.sample(RULES, chance.randint(1, 2)))
        topic_id = self.cluster.topics[LANDING].topic_id
        stamp = Coordinates(self.cluster.cluster_id, topic_id, partition, offset, 0, 0, 3).encode()
        envelope = Envelope(gate="g", topic=LANDING, partition=partition, contract=chance.choice(CONTRACTS))
        original: RawHeaders = [("client.id", b"shop-%d" % chance.randrange(3)), ("secret", CANARY.encode())]
        headers = envelope.headers(original, Verdict(Outcome.HOLD, rules), offset, stamp)
        value: bytes | None = CANARY.encode() * chance.randint(1, 4)
        if chance.random() < 0.1:
            facts = reference_facts(reason="too large", key_bytes=9, value_bytes=10**7, timestamp_ms=-1, headers=4)
            headers.insert(-1, (REFERENCE, facts))
            value = None
        self.cluster.produce(
            topic, partition, key=CANARY.encode(), value=value, timestamp_ms=self._moment(), headers=headers
        )
        self.keys.append(HoldKey(self.cluster.cluster_id, topic_id, partition, offset, 0, "g"))
        return self.keys[-1]

    def letter(self, offset: int | None = None, source: str = "bills", holder: str = "sink") -> None:
        """A letter as Connect writes it, in any partition, perhaps for the second time."""
        number = self.chance.randrange(40) if offset is None else offset
        headers: RawHeaders = [
            ("secret", CANARY.encode()),
            ("__connect.errors.topic", source.encode()),
            ("__connect.errors.partition", b"1"),
            ("__connect.errors.offset", b"%d" % number),
            ("__connect.errors.connector.name", holder.encode()),
            ("__connect.errors.stage", b"VALUE_CONVERTER"),
            ("__connect.errors.exception.class.name", b"org.apache.kafka.ConverterError"),
            ("__connect.errors.exception.message", CANARY.encode()),
            ("__connect.errors.exception.stacktrace", f"Error: {CANARY}\n\tat a.B.c(B.java:7)".encode()),
        ]
        partition = self.chance.randrange(PARTITIONS)
        self.cluster.produce(
            QUARANTINE, partition, key=None, value=CANARY.encode(), timestamp_ms=self._moment(), headers=headers
        )
        self.keys.append(HoldKey(self.cluster.cluster_id, f"name:{source}", 1, number, 0, holder))

    def stranger(self) -> None:
        """A record that follows a convention and names nothing that it asks for."""
        self.cluster.produce(QUARANTINE, 0, headers=[("__streams.errors.exception", b"Boom")])

    def nameless(self) -> None:
        """A record without any header: held by where it lies."""
        self.cluster.produce(self.chance.choice(self.topics), 1, value=CANARY.encode(), timestamp_ms=-1)

    def becomes(self, state: State, key: HoldKey | None = None) -> None:
        """Something has become of a hold."""
        key = key or self.chance.choice(self.keys)
        attempt = self.chance.randrange(3)
        hold = Hold(state, attempt, Step.REPLAY, BY, 77, "ticket 7", "a-fix@2", 4, "repair")
        value = encode_hold(hold, Account(LANDING, CONTRACTS[0], 3))
        self.cluster.produce(HOLDS, key.partition % self.holds, key=key.encode(), value=value)

    def as_new(self) -> None:
        """A tombstone: the hold is as it was at first."""
        key = self.chance.choice(self.keys)
        self.cluster.produce(HOLDS, key.partition % self.holds, key=key.encode(), value=None)

    def request(self) -> None:
        """What is no state stands in the topic of states too."""
        self.cluster.produce(HOLDS, 0, key=b"request 5", value=b'{"why":"x"}')

    def retention(self) -> None:
        """The log of one partition begins later."""
        log = self.cluster.log(TopicPartition(self.chance.choice(self.topics), self.chance.randrange(PARTITIONS)))
        log.delete_before(log.start + self.chance.randint(0, log.end - log.start))

    def made_anew(self, topic: str) -> None:
        """A topic is deleted and made again under its name."""
        self.cluster.delete_topic(topic)
        self.cluster.create_topic(topic, PARTITIONS if topic != HOLDS else self.holds)

    def read_as(self, dialect: Dialect) -> None:
        """The configuration says another convention."""
        self.adoption = replace(self.adoption, dialect=dialect)

    def anything(self) -> None:
        """One of all that happens."""
        chance = self.chance
        what = chance.random()
        if what < 0.45 or not self.keys:
            self.gate_holds(chance.randint(1, 4), chance.choice(self.topics))
        elif what < 0.6 and self.holds == 1:
            self.letter()
        elif what < 0.63:
            chance.choice((self.stranger, self.nameless, self.request))()
        elif what < 0.9:
            self.becomes(chance.choice((State.OPEN, State.FIXED, State.REPLAYED, State.DISCARDED)))
        elif what < 0.93:
            self.as_new()
        elif what < 0.96:
            self.cluster.produce_aborted(chance.choice((*self.topics, HOLDS)), 0)
        else:
            self.retention()

    def _moment(self) -> int:
        return 1_700_000_000_000 + self.chance.randrange(10**9)

    # --- what is seen -------------------------------------------------------------------------------------------

    def pass_over(self, selection: Selection, topics: Sequence[str] = ()) -> Seen:
        """By reading the topics."""
        survey = Survey(self.reader, self.adoption, HOLDS, self.cluster.clock.sleep)
        groups, oldest, held = Groups(), OldestOpen(), {}
        for topic in topics or self.topics:
            found = list(survey.walk(topic, range(PARTITIONS), selection))
            held[topic] = [IndexedHold(each.held, each.hold) for each in found]
            for each in found:
                groups.add(each.held)
                oldest.see(each)
        counts = survey.counts
        return Seen(
            [compared(tally) for tally in groups.largest()],
            held,
            {topic: (count, oldest.oldest_ms[topic]) for topic, count in oldest.counts.items()},
            counts.unread,
            counts.doubles + counts.clashes,
        )


def by_index(
    store: HoldIndexStore, mark: IndexMark, selection: Selection, topics: Sequence[str], limit: int = 17
) -> Seen:
    """By asking the index, page by page."""
    found: IndexedGroups = store.groups(mark, topics, selection)
    held: dict[str, list[IndexedHold]] = {}
    for topic in topics:
        held[topic], after = [], None
        while True:
            page = store.page(mark, topic, selection, after, limit)
            held[topic] += page
            if len(page) < limit:
                break
            after = page[-1].held.place.partition, page[-1].held.place_offset
    return Seen(
        [compared(tally) for tally in found.tallies],
        held,
        {topic: (count, found.oldest.oldest_ms[topic]) for topic, count in found.oldest.counts.items()},
        found.unread,
        found.repeated,
    )


def compared(tally: GroupTally) -> dict[str, Any]:
    """Everything that is shown of a group."""
    return {
        "group": (tally.stream, tally.fingerprint, tally.title),
        "records": tally.count,
        "times": (tally.first_ms, tally.last_ms),
        "over time": (tally.timeline.width_ms, tally.timeline.counts),
        "facets": {name: counts.counts for name, counts in tally.facets.items()},
        "typical": tally.typical,
    }
