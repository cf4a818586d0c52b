"""What the ports promise, asked of the cluster in memory and of real Kafka alike."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from port_rigs import Follower, KafkaRig, MemoryRig, Rig, follow, fresh

from watermaster.runtime.ports import AbortRequired, CommittedPosition, Fenced, Output, Stamp, TroubleKind
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import RESERVED_HEADER, TopicPartition
from watermaster.stream.fault import Fault, WorldFault
from watermaster.testing.waiting import wait_until

STAMP = Stamp(b"1 c t 0 ", b" 0 0 7")


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    rig: Rig = MemoryRig() if request.param == "memory" else KafkaRig(request.getfixturevalue("kafka"))
    yield rig
    rig.close()


def send(rig: Rig, topic: str, *values: bytes, partition: int = 0) -> None:
    for value in values:
        rig.produce(topic, partition, value=value)


def values(rig: Rig, topic: str) -> list[bytes | None]:
    return [value for _, _, value, _, _ in rig.seen(topic)]


def source_of(topic: str, partition: int = 0) -> TopicPartition:
    return TopicPartition(topic, partition)


def copy(rig: Rig, follower: Follower, target: str, offset: int, batch: RecordBatch) -> None:
    """One transaction: the batch and the position behind it."""
    downstream = rig.downstream(fresh("id"))
    downstream.open()
    downstream.begin()
    downstream.forward(target, batch, (), STAMP)
    downstream.commit({batch.source: CommittedPosition(offset, 3, "T", ours=True)}, follower.upstream.generation())
    downstream.close()


# Reading


def test_each_partition_is_read_in_order_and_to_its_end(rig: Rig) -> None:
    topic = rig.topic(2)
    for partition in (0, 1):
        send(rig, topic, b"a", b"b", b"c", partition=partition)
    follower = follow(rig, topic)
    results = follower.read_until(lambda r: len(r.records) == 6 and len(r.ends) == 2)
    assert results.by_source == {source_of(topic, 0): [0, 1, 2], source_of(topic, 1): [0, 1, 2]}
    assert results.ends == {source_of(topic, 0): 3, source_of(topic, 1): 3}
    assert follower.events == ["assign"]


def test_aborted_records_are_not_read_and_the_end_is_past_their_marker(rig: Rig) -> None:
    topic = rig.topic()
    send(rig, topic, b"a")
    rig.produce_aborted(topic)
    follower = follow(rig, topic)
    results = follower.read_until(lambda r: r.ends.get(source_of(topic)) == 3)
    assert results.records == [(0, b"a")]
    assert follower.upstream.behind({source_of(topic): 1}) == {source_of(topic): 0}


def test_reading_begins_where_the_listener_says(rig: Rig) -> None:
    topic = rig.topic()
    send(rig, topic, b"a", b"b", b"c")
    assert follow(rig, topic, starts={source_of(topic): 2}).read(1) == [(2, b"c")]


def test_a_seek_goes_back_to_what_was_read(rig: Rig) -> None:
    topic = rig.topic()
    send(rig, topic, b"a", b"b", b"c")
    follower = follow(rig, topic)
    follower.read_until(lambda r: len(r.records) == 3 and bool(r.ends))
    follower.upstream.seek({source_of(topic): 1})
    assert follower.upstream.behind({source_of(topic): 1}) == {source_of(topic): 2}, "what is read again is not done"
    assert follower.read(2) == [(1, b"b"), (2, b"c")]


def test_what_is_paused_is_not_read_and_goes_on_from_a_seek(rig: Rig) -> None:
    topic = rig.topic(2)
    for partition in (0, 1):
        send(rig, topic, b"a", b"b", partition=partition)
    follower = follow(rig, topic)
    follower.read(4)
    follower.upstream.pause([source_of(topic, 0)])
    follower.upstream.seek({source_of(topic, 0): 0})
    send(rig, topic, b"c", partition=1)
    send(rig, topic, b"c", partition=0)
    assert follower.read_until(lambda r: len(r.records) == 1).by_source == {source_of(topic, 1): [2]}
    assert follower.upstream.read(10, 0.5).batches == []
    follower.upstream.seek({source_of(topic, 0): 1})
    follower.upstream.resume([source_of(topic, 0)])
    assert follower.read(2) == [(1, b"b"), (2, b"c")]


def test_a_pause_ends_with_the_assignment(rig: Rig) -> None:
    topic, group = rig.topic(), fresh("group")
    send(rig, topic, b"a")
    first = follow(rig, topic, group)
    first.read(1)
    first.upstream.pause([source_of(topic)])
    second = follow(rig, topic, group)
    while second.events == []:
        first.upstream.read(1, 0.05)
        second.upstream.read(1, 0.05)
    second.upstream.close()
    first.read_until(lambda _: first.events[-1] == "assign" and first.assigned == [source_of(topic)])
    assert first.read_until(lambda r: r.ends != {} or r.records != []) is not None


def test_the_epoch_before_a_position_is_known_while_its_record_is_there(rig: Rig) -> None:
    topic = rig.topic(2)
    send(rig, topic, b"a", b"b", b"c")
    rig.produce_aborted(topic)
    rig.delete_before(topic, 1)
    follower = follow(rig, topic)
    first, second = source_of(topic), source_of(topic, 1)
    for position, epoch in {0: -1, 1: -1, 2: 0, 3: 0, 4: 0, 99: -1}.items():
        assert follower.upstream.epochs_before({first: position, second: 0}) == {first: epoch, second: -1}


def test_a_position_below_the_log_is_a_trouble_and_a_seek_mends_it(rig: Rig) -> None:
    topic = rig.topic()
    send(rig, topic, b"a", b"b", b"c")
    rig.delete_before(topic, 2)
    follower = follow(rig, topic)
    (trouble,) = follower.read_until(lambda r: r.troubles != []).troubles
    assert (trouble.kind, trouble.source) == (TroubleKind.OUT_OF_RANGE, source_of(topic))
    assert follower.upstream.bounds(source_of(topic)) == (2, 3)
    follower.upstream.seek({source_of(topic): 2})
    assert follower.read(1) == [(2, b"c")]


def test_a_position_beyond_the_log_is_a_trouble(rig: Rig) -> None:
    topic = rig.topic()
    send(rig, topic, b"a")
    follower = follow(rig, topic, starts={source_of(topic): 5})
    (trouble,) = follower.read_until(lambda r: r.troubles != []).troubles
    assert (trouble.kind, trouble.source) == (TroubleKind.OUT_OF_RANGE, source_of(topic))


# The group


def test_a_listener_that_fails_is_asked_again(rig: Rig) -> None:
    topic = rig.topic()
    send(rig, topic, b"a")
    follower = follow(rig, topic)
    follower.failures = [WorldFault("WM-X", "x", hint="-"), WorldFault("WM-Y", "y", hint="-")]
    for code in ("WM-Y", "WM-X"):
        with pytest.raises(WorldFault, match=code):
            follower.read(1)
    assert follower.read(1) == [(0, b"a")]
    assert follower.events == ["assign"] * 3


def test_partitions_are_given_back_before_another_member_has_them(rig: Rig) -> None:
    topic, group = rig.topic(2), fresh("group")
    first = follow(rig, topic, group)
    first.read_until(lambda r: len(r.ends) == 2)
    second = follow(rig, topic, group)
    while not (second.assigned and first.events == ["assign", "revoke", "assign"]):
        first.upstream.read(1, 0.05)
        second.upstream.read(1, 0.05)
    assert sorted(first.assigned + second.assigned) == [source_of(topic, 0), source_of(topic, 1)]


def test_the_generation_of_an_assignment_does_not_change(rig: Rig) -> None:
    topic = rig.topic()
    follower = follow(rig, topic)
    follower.read_until(lambda r: r.ends != {})
    generation = follower.upstream.generation()
    follower.upstream.read(1, 0.1)
    assert generation is not None
    assert follower.upstream.generation() == generation


def test_a_commit_of_an_older_generation_is_refused(rig: Rig) -> None:
    topic, group, target = rig.topic(), fresh("group"), rig.topic()
    send(rig, topic, b"a")
    first = follow(rig, topic, group)
    batch = first.read_until(lambda r: r.records != []).batches[0]
    old = first.upstream.generation()
    second = follow(rig, topic, group)
    while first.events != ["assign", "revoke", "assign"]:
        first.upstream.read(1, 0.05)
        second.upstream.read(1, 0.05)
    downstream = rig.downstream(fresh("id"))
    downstream.open()
    downstream.begin()
    downstream.forward(target, batch, (), STAMP)
    with pytest.raises(AbortRequired):
        downstream.commit({batch.source: CommittedPosition(1, 1, "T", ours=True)}, old)
    downstream.abort()
    assert first.upstream.committed([source_of(topic)]) == {source_of(topic): None}


# Writing


def test_outputs_and_offsets_show_together(rig: Rig) -> None:
    topic, target = rig.topic(), rig.topic()
    send(rig, topic, b"a", b"b")
    follower = follow(rig, topic)
    batch = follower.read_until(lambda r: len(r.records) == 2).batches[0]
    downstream = rig.downstream(fresh("id"))
    downstream.open()
    downstream.begin()
    downstream.forward(target, batch, {0}, STAMP)
    downstream.write([Output(target, 0, b"k", b"held", 5, [("h", None)])])
    assert follower.upstream.committed([source_of(topic)]) == {source_of(topic): None}
    assert rig.seen(target) == []
    position = CommittedPosition(2, 12, "topic-id", ours=True)
    downstream.commit({source_of(topic): position}, follower.upstream.generation())
    assert follower.upstream.committed([source_of(topic)]) == {source_of(topic): position}
    assert [(offset, value) for offset, _, value, _, _ in rig.seen(target)] == [(0, b"b"), (1, b"held")]
    assert rig.seen(target)[1] == (1, b"k", b"held", 5, [("h", None)])


def test_records_that_differ_in_their_keys_alone(rig: Rig) -> None:
    target = rig.topic(2)
    downstream = rig.downstream(fresh("id"))
    downstream.open()
    downstream.begin()
    downstream.write_alike(source_of(target, 1), [b"a", b"", b"b", b"a"], b"value")
    downstream.commit({}, None)
    found = [(key, value, headers or []) for _, key, value, _, headers in rig.seen(target, 1)]
    assert found == [(key, b"value", []) for key in (b"a", b"", b"b", b"a")]
    assert rig.seen(target, 0) == []


def test_of_records_that_differ_in_their_keys_alone_one_may_be_refused(rig: Rig) -> None:
    target = rig.topic(bytes_max=2000)
    downstream = rig.downstream(fresh("id"))
    downstream.open()
    downstream.begin()
    with pytest.raises(AbortRequired) as raised:  # noqa: PT012 - either of the two hears of it
        downstream.write_alike(source_of(target), [b"a", random.Random(1).randbytes(9000)], b"value")
        downstream.commit({}, None)
    assert raised.value.record_at_fault
    downstream.abort()
    assert rig.seen(target) == []


def test_after_an_abort_nothing_shows_and_the_next_transaction_works(rig: Rig) -> None:
    topic, target = rig.topic(), rig.topic()
    send(rig, topic, b"a")
    follower = follow(rig, topic)
    batch = follower.read_until(lambda r: r.records != []).batches[0]
    downstream = rig.downstream(fresh("id"))
    downstream.open()
    for _ in range(2):
        downstream.begin()
        downstream.forward(target, batch, (), STAMP)
        downstream.abort()
    assert rig.seen(target) == []
    downstream.begin()
    downstream.forward(target, batch, (), STAMP)
    downstream.commit({batch.source: CommittedPosition(1, 1, "T", ours=True)}, follower.upstream.generation())
    assert values(rig, target) == [b"a"]


def test_somebody_elses_offset_is_not_ours(rig: Rig) -> None:
    topic, group = rig.topic(), fresh("group")
    send(rig, topic, b"a", b"b")
    rig.reset_offset(group, source_of(topic), 1)
    assert rig.upstream(group).committed([source_of(topic)]) == {source_of(topic): CommittedPosition(1)}


def test_a_second_owner_fences_the_first(rig: Rig) -> None:
    topic, target, name = rig.topic(), rig.topic(), fresh("id")
    send(rig, topic, b"a")
    follower = follow(rig, topic)
    batch = follower.read_until(lambda r: r.records != []).batches[0]
    first, second = rig.downstream(name), rig.downstream(name)
    first.open()
    first.begin()
    first.forward(target, batch, (), STAMP)
    second.open()
    position = {batch.source: CommittedPosition(1, 1, "T", ours=True)}
    with pytest.raises(Fenced):  # noqa: PT012 - any of the calls hears of it
        for _ in range(2):
            first.forward(target, batch, (), STAMP)
        first.commit(position, follower.upstream.generation())
    second.begin()
    second.forward(target, batch, (), STAMP)
    second.commit(position, follower.upstream.generation())
    assert values(rig, target) == [b"a"]


def test_a_record_that_the_topic_refuses_is_at_fault(rig: Rig) -> None:
    topic, target = rig.topic(), rig.topic(bytes_max=2000)
    rig.produce(topic, value=random.Random(1).randbytes(9000))
    follower = follow(rig, topic)
    batch = follower.read_until(lambda r: r.records != []).batches[0]
    downstream = rig.downstream(fresh("id"))
    downstream.open()
    downstream.begin()
    with pytest.raises(AbortRequired) as raised:  # noqa: PT012 - either of the two hears of it
        downstream.forward(target, batch, (), STAMP)
        downstream.commit({batch.source: CommittedPosition(1)}, follower.upstream.generation())
    assert raised.value.record_at_fault
    downstream.abort()
    assert rig.seen(target) == []


MINE = (RESERVED_HEADER, b"1 c t 0 0 0 0 7")


RECORDS: list[tuple[bytes | None, bytes | None, RawHeaders | None]] = [
    (None, None, None),
    (b"", b"", []),
    (b"\x00\xff", b'{"b":1e2,"b":\xed\xa0\x80}', [("a", b""), ("a", None), ("", b"x"), ("a", b"\xff")]),
    (b"k", b"v", [(RESERVED_HEADER, b"1 forged"), ("z", b"1"), (RESERVED_HEADER, None)]),
]


def test_what_passes_is_the_same_bytes(rig: Rig) -> None:
    topic, target = rig.topic(), rig.topic()
    wanted = []
    for timestamp_ms in (-1, -7, 1, 1_700_000_000_123):
        for key, value, headers in RECORDS:
            rig.produce(topic, key=key, value=value, headers=headers, timestamp_ms=timestamp_ms)
            kept = [header for header in headers or [] if header[0] != RESERVED_HEADER]
            mine = (RESERVED_HEADER, b"1 c t 0 %d 0 0 7" % len(wanted))
            wanted.append((key, value, timestamp_ms, [*kept, mine]))
    follower = follow(rig, topic)
    for batch in follower.read_until(lambda r: len(r.records) == len(wanted)).batches:
        copy(rig, follower, target, batch.offsets[-1] + 1, batch)
    came, went = rig.seen(topic), rig.seen(target)
    assert [record[1:] for record in went] == wanted
    assert [record[3] for record in came] == [record[3] for record in went]


# Our own topics


def test_a_log_is_read_whole_and_then_followed(rig: Rig) -> None:
    topic = rig.topic(2)
    send(rig, topic, b"a")
    rig.produce_aborted(topic)
    send(rig, topic, b"b", partition=1)
    reader = rig.log_reader(topic)
    assert sorted((r.partition, r.value) for r in reader.read_to_end(20)) == [(0, b"a"), (1, b"b")]
    assert reader.read_to_end(20) == []
    rig.note_writer().write([Output(topic, 0, b"k", b"c", None, [])])
    found = []
    while not found:
        found = reader.poll()
    assert [(r.key, r.value) for r in found] == [(b"k", b"c")]


def test_an_empty_log_is_read_at_once(rig: Rig) -> None:
    assert rig.log_reader(rig.topic()).read_to_end(20) == []


def test_a_log_that_is_not_there_is_a_fault(rig: Rig) -> None:
    with pytest.raises(Fault):
        rig.log_reader(fresh("missing")).read_to_end(5)


def test_the_ledger_is_read_from_behind(rig: Rig) -> None:
    topic = rig.topic(2)
    notes = [Output(topic, 0, b"orders/0", b"%d" % number, None, []) for number in range(3)]
    notes += [Output(topic, 0, b"suspect/orders/0", b"old", None, []), Output(topic, 0, b"orders/0", b"3", None, [])]
    notes += [Output(topic, 0, b"suspect/orders/0", b"new", None, []), Output(topic, 1, b"orders/1", b"x", None, [])]
    notes += [Output(topic, 0, b"orders/2", b"%d" % number, None, []) for number in range(300)]
    rig.note_writer().write(notes)
    rig.produce_aborted(topic)
    asked = [source_of("orders", number) for number in (0, 1, 2, 3)]
    found = {source.partition: [r.value for r in records] for source, records in ask_tail(rig, topic, asked).items()}
    assert found == {0: [b"3", b"new"], 1: [b"x"], 2: [b"299"], 3: []}


def ask_tail(rig: Rig, topic: str, asked: list[TopicPartition]) -> dict[TopicPartition, list]:  # type: ignore[type-arg]
    return {source: list(records) for source, records in rig.ledger_tail(topic).last_records(asked).items()}


def test_topics_are_known_by_their_ids(rig: Rig) -> None:
    view, one, two = rig.view(), rig.topic(2), rig.topic()
    facts = view.topics([one, two, fresh("missing")])
    assert {name: fact.partitions for name, fact in facts.items()} == {one: 2, two: 1}
    assert facts[one].topic_id != facts[two].topic_id
    assert view.topics([one])[one] == facts[one]
    assert view.cluster_id() != ""


def test_a_topic_is_read_without_a_group(rig: Rig) -> None:
    topic = rig.topic(2)
    send(rig, topic, b"a", b"b", b"c")
    rig.produce_aborted(topic)
    reader = rig.topic_reader()
    assert list(reader.partitions(topic)) == [source_of(topic, 0), source_of(topic, 1)]
    # An abort returns before its marker stands in the partition.
    wait_until(lambda: reader.bounds(source_of(topic)) == (0, 5), "the marker stands")
    reader.begin({source_of(topic): 1})
    offsets: list[int] = []
    ends: dict[TopicPartition, int] = {}
    while not ends:
        result = reader.read(0.2)
        offsets += [offset for batch in result.batches for offset in batch.offsets]
        ends.update(result.ends)
    assert (offsets, ends) == ([1, 2], {source_of(topic): 5})
