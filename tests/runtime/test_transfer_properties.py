"""Whatever fails, in the end there is one verdict for each record: the loop and the gate over a cluster in memory.

The check at the end knows nothing of the loop: it compares what was put into landing with what lies in the topics.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

import pytest
from gate_world import Worker, World, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watermaster.adapters.memory.faults import abort_required, connection_lost, unreachable
from watermaster.adapters.memory.log import StoredRecord
from watermaster.gate.verdict import Outcome
from watermaster.quarantine.envelope import ORIGINAL_HEADERS, REFERENCE
from watermaster.stream.coordinates import RESERVED_HEADER, TopicPartition, decode_coordinates
from watermaster.stream.fault import Fault

TRUSTED_BYTES_MAX = 400
BIG = b"p" * 500

VALUES = [None, b"", b"p1", b"p2", b"x", b"y", b"h", b"d", BIG, b"h" * 3000]
HEADERS = [
    None,
    [("a", b"1"), ("a", None), ("b", b"")],
    [(RESERVED_HEADER, b"1 forged x 0 0 0 0 0"), ("z", b"z"), (RESERVED_HEADER, None)],
]
ASKS = ["read", "committed", "bounds", "seek", "pause", "resume"]
TELLS = ["open", "begin", "forward", "write", "commit", "abort"]
OTHERS = ["view.topics", "ledger.last_records", "log.poll", "log.read_to_end"]


@dataclass
class Run:
    """A world, its workers, and everything that was ever put into landing."""

    world: World
    workers: dict[int, Worker]
    sent: dict[TopicPartition, dict[int, StoredRecord]]

    def step(self, slot: int) -> None:
        """One step; a worker that cannot start is started anew by the next one, as its supervisor does."""
        worker = self._started(slot)
        if worker is not None:
            worker.transfer.step()

    def _started(self, slot: int) -> Worker | None:
        try:
            worker = self.workers.get(slot) or self.world.worker(slot, commit_interval_s=0.3)
            if not worker.is_open:
                worker.transfer.open()
                worker.is_open = True
        except Fault as fault:
            if not fault.retriable:
                raise
            return None
        self.workers[slot] = worker
        return worker

    def kill(self, slot: int) -> None:
        worker = self.workers.pop(slot, None)
        if worker is not None:
            worker.kill()


partitions = st.sampled_from([TopicPartition("orders", 0), TopicPartition("orders", 1), TopicPartition("fleet", 0)])
slots = st.integers(0, 1)
faults = st.one_of(
    st.tuples(st.sampled_from([f"upstream.{name}" for name in ASKS] + OTHERS), st.just("unreachable")),
    st.tuples(st.sampled_from([f"downstream.{name}" for name in TELLS]), st.sampled_from(["abort", "lost", "answer"])),
)
actions = st.one_of(
    st.tuples(st.just("send"), partitions, st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(HEADERS)))),
    st.tuples(st.just("step"), slots, st.integers(1, 6)),
    st.tuples(st.just("step"), slots, st.integers(1, 6)),
    st.tuples(st.just("fail"), faults, st.integers(0, 3)),
    st.tuples(st.just("fail"), faults, st.integers(0, 3)),
    st.tuples(st.just("lose"), slots, st.none()),
    st.tuples(st.just("kill"), slots, st.none()),
    st.tuples(st.just("cut"), partitions, st.integers(1, 5)),
    st.tuples(st.just("foreign"), partitions, st.none()),
    st.tuples(st.just("activate"), st.sampled_from(["orders", "fleet"]), st.sampled_from([b"x", b"y", b"xy", b"-"])),
    st.tuples(st.just("late"), st.booleans(), st.none()),
    st.tuples(st.just("rebalance"), st.none(), st.none()),
)


def apply(run: Run, what: str, first: object, second: object) -> None:  # noqa: C901, PLR0912 - one row an action
    world, cluster = run.world, run.world.cluster
    match what, first, second:
        case "send", TopicPartition() as source, list(records):
            for value, headers in records:
                at_ms = [1, 7, -1][len(run.sent[source]) % 3]
                key = [None, b"", b"k"][len(run.sent[source]) % 3]
                offset = cluster.produce(
                    source.topic, source.partition, key=key, value=value, timestamp_ms=at_ms, headers=headers
                )
                run.sent[source][offset] = StoredRecord(key, value, at_ms, headers)
        case "step", int(slot), int(times):
            for _ in range(times):
                run.step(slot)
        case "fail", (str(name), str(kind)), int(later):
            make = {"abort": abort_required, "unreachable": unreachable}.get(kind, connection_lost)
            world.faults.next(name, make, later=later, done=kind == "answer")
        case "lose", int(slot), _:
            if slot in run.workers:
                run.workers[slot].upstream.lose()
        case "kill", int(slot), _:
            run.kill(slot)
        case "cut", TopicPartition() as source, int(count) if world.committed(source) is not None:
            log = cluster.log(source)
            log.delete_before(log.start + count)
        case "foreign", TopicPartition() as source, _:
            cluster.produce_aborted(source.topic, source.partition)
        case "activate", str(stream), bytes(letters):
            world.activate(stream, letters)
        case "late", bool(late), _:
            cluster.late_markers = {world.gate.ledger, "trusted.orders"} if late else set()
            if not late:
                cluster.write_late_markers()
        case "rebalance", _, _:
            cluster.group(world.gate.group_id).rebalance()


def heal(run: Run) -> None:
    world = run.world
    world.faults.heal()
    world.cluster.late_markers = set()
    world.cluster.write_late_markers()
    for _ in range(200):
        run.step(0)
        run.step(1)
        if all(reached(run, source) for source in world.sources):
            return
    pytest.fail(f"not done: {[(source, world.committed(source)) for source in world.sources]}")


def reached(run: Run, source: TopicPartition) -> bool:
    position = run.world.committed(source)
    return position is not None and all(offset < position for offset in run.sent[source])


@dataclass
class Found:
    """Where one source coordinate came out."""

    topic: str
    offset: int
    activation: int
    record: StoredRecord


def check(run: Run) -> None:
    for source in run.world.sources:
        check_ledger(run, source)
        check_outputs(run, source)


def check_ledger(run: Run, source: TopicPartition) -> None:
    entries = run.world.entries(source)
    assert entries[0].from_ == 0, "the first entry does not begin where the partition began"
    for one, next_ in itertools.pairwise(entries):
        assert one.to == next_.from_, "entries do not tile"
        assert one.activation <= next_.activation, "judged by an older activation"
    assert entries[-1].to == run.world.committed(source)
    for entry in entries:
        assert entry.read == entry.passed + entry.held + entry.dropped
        for gap in entry.gaps:
            assert entry.from_ <= gap.from_ < gap.to <= entry.to
            assert gap.to <= run.world.cluster.log(source).start, "a gap over records that are still there"


def check_outputs(run: Run, source: TopicPartition) -> None:
    world = run.world
    dropped: Counter[int] = Counter()
    gaps: list[range] = []
    counts: Counter[str] = Counter()
    by_offset = {}
    for entry in world.entries(source):
        gaps += [range(gap.from_, gap.to) for gap in entry.gaps]
        ranges = [range(low, high + 1) for low, high in entry.dropped_offsets]
        dropped.update(offset for part in ranges for offset in part)
        assert sum(map(len, ranges)) == entry.dropped
        counts.update(read=entry.read, held=entry.held, passed=entry.passed, dropped=entry.dropped)
        by_offset.update(dict.fromkeys(range(entry.from_, entry.to), entry))
    trusted = outputs(world, source, f"trusted.{source.topic}")
    held = outputs(world, source, f"dlq.{source.topic}")
    assert [found.offset for found in trusted] == sorted({found.offset for found in trusted}), "order or duplicate"
    places = Counter(found.offset for found in trusted + held) + dropped
    lost = {offset for offset in run.sent[source] if any(offset in gap for gap in gaps)}
    assert places == Counter(set(run.sent[source]) - lost), "not exactly one verdict"
    assert (counts["passed"], counts["held"]) == (len(trusted), len(held))
    assert counts["read"] == len(run.sent[source]) - len(lost)
    for found in trusted + held:
        entry = by_offset[found.offset]
        assert found.activation == entry.activation
        sent = run.sent[source][found.offset]
        wanted = outcome(sent.value, world.document(entry.contract))
        if sent.value == BIG and wanted is Outcome.PASS:
            wanted = Outcome.HOLD
        assert found.topic.startswith("dlq.") is (wanted is Outcome.HOLD)
        check_bytes(sent, found)
    for offset in dropped:
        assert outcome(run.sent[source][offset].value, world.document(by_offset[offset].contract)) is Outcome.DROP


def check_bytes(sent: StoredRecord, found: Found) -> None:
    headers = found.record.headers or []
    originals = [header for header in sent.headers or [] if header[0] != RESERVED_HEADER]
    assert [name for name, _ in headers].count(RESERVED_HEADER) == 1
    assert headers[-1][0] == RESERVED_HEADER
    if REFERENCE in dict(headers):
        assert (found.record.key, found.record.value) == (None, None)
        return
    assert (found.record.key, found.record.value) == (sent.key, sent.value)
    assert found.record.timestamp_ms == sent.timestamp_ms
    assert headers[: len(originals)] == originals
    if found.topic.startswith("dlq."):
        assert dict(headers)[ORIGINAL_HEADERS] == b"%d" % len(originals)
    else:
        assert len(headers) == len(originals) + 1


def outputs(world: World, source: TopicPartition, topic: str) -> list[Found]:
    found = []
    for _, record in world.cluster.read(topic, source.partition):
        coordinates = decode_coordinates(dict(record.headers or [])[RESERVED_HEADER])
        assert coordinates is not None
        assert coordinates.cluster_id == "memory-cluster"
        assert coordinates.topic_id == world.cluster.topics[source.topic].topic_id
        assert coordinates.partition == source.partition
        found.append(Found(topic, coordinates.offset, coordinates.activation, record))
    return found


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    story=st.lists(actions, min_size=6, max_size=60),
    tells_at_once=st.booleans(),
    records_max=st.sampled_from([1, 3, 10, 50]),
)
def test_every_record_has_one_verdict_whatever_fails(
    story: list[tuple[str, object, object]], tells_at_once: bool, records_max: int
) -> None:
    world = World({"orders": 2, "fleet": 1}, records_max=records_max, tells_at_once=tells_at_once)
    for topic in ("orders", "fleet"):
        world.cluster.topics[f"trusted.{topic}"].record_bytes_max = TRUSTED_BYTES_MAX
    run = Run(world, {}, {source: {} for source in world.sources})
    for action in story:
        apply(run, *action)
    heal(run)
    check(run)
