"""An honest history is proved; each single fault put into it is found, named, and nothing else is."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from itertools import permutations

import histories
import pytest
from histories import History, Out, Row, audit, batch_of, honest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.auditor.audit import GateAudit, OutputKind
from watermaster.auditor.finding import AuditVerdict, FindingKind
from watermaster.auditor.report import AuditMode, AuditReport
from watermaster.auditor.sample import Sample
from watermaster.stream.coordinates import TopicPartition

K = FindingKind
FATES = list("ppphpdpmpppgpphdmmpphppppphpppp")
ORDERS = ["".join(order) for order in permutations("ltqs")]

fates = st.lists(st.sampled_from("pppphdmg"), min_size=1, max_size=60)


def kinds(report: AuditReport) -> set[FindingKind]:
    found = {finding.kind for partition in report.partitions for finding in partition.findings}
    return found | {finding.kind for finding in report.findings}


@given(fates, st.sampled_from(ORDERS), st.sampled_from(list(AuditMode)), st.integers(1, 9), st.sampled_from([0, 5, 13]))
def test_an_honest_history_is_proved(
    history: list[str], order: str, mode: AuditMode, entry_offsets: int, step: int
) -> None:
    report = audit(honest(history, entry_offsets), mode, order, step)
    assert kinds(report) == set()
    assert report.verdict is AuditVerdict.OK
    partition = report.partitions[0]
    assert (partition.passed, partition.held) == (history.count("p"), history.count("h"))
    assert (partition.dropped, partition.lost_max) == (history.count("d"), history.count("g"))
    assert partition.offered_max == len(history) - history.count("m")
    if mode is AuditMode.FULL:
        assert partition.compared == partition.passed + partition.held


# --- one fault each -------------------------------------------------------------------------------------------------


def middle(outs: list[Out]) -> int:
    return len(outs) // 2


def lose_trusted(h: History) -> None:
    del h.trusted[0][middle(h.trusted[0])]


def lose_held(h: History) -> None:
    del h.held[1]


def double_trusted(h: History) -> None:
    at = middle(h.trusted[0])
    h.trusted[0].insert(at, copy.deepcopy(h.trusted[0][at]))


def double_much_later(h: History) -> None:
    h.trusted[0].append(copy.deepcopy(h.trusted[0][0]))


def pass_and_hold(h: History) -> None:
    h.held.append(histories.hold(copy.deepcopy(h.trusted[0][3])))


def swap(h: History) -> None:
    t = h.trusted[0]
    t[4], t[5] = t[5], t[4]


def output_without_source(h: History) -> None:
    gone = h.trusted[0][5]
    del h.sources[gone.offset]


def output_beyond_commit(h: History) -> None:
    h.trusted[0].append(Out(b"k", b"v", 5, [], offset=(h.committed or 0) + 3, activation=9))


def output_before_ledger(h: History) -> None:
    h.trusted[0].insert(0, Out(b"k", b"v", 5, [], offset=50))


def no_header(h: History) -> None:
    h.trusted[0].insert(2, Out(b"k", b"v", 5, [], stamped=False))


def unreadable_header(h: History) -> None:
    h.trusted[0].insert(2, Out(b"k", b"v", 5, [("__watermaster", b"1 a b 0 -4 0 0 1")], stamped=False))


def other_cluster(h: History) -> None:
    h.trusted[0].insert(2, Out(b"k", b"v", 5, [], cluster="elsewhere", offset=1))


def other_topic_id(h: History) -> None:
    h.held.insert(2, histories.hold(Out(b"k", b"v", 5, [], topic_id="recreated", offset=1)))


def wrong_partition(h: History) -> None:
    h.trusted[1].append(h.trusted[0].pop(4))


def wrong_activation(h: History) -> None:
    h.trusted[0][3].activation += 1


def no_activation(h: History) -> None:
    h.held[0].activation = 0


def flip_key(h: History) -> None:
    h.trusted[0][4].key = b"other"


def null_key(h: History) -> None:
    h.sources[h.trusted[0][4].offset].key = b""
    h.trusted[0][4].key = None


def flip_value(h: History) -> None:
    h.held[0].value = b"other"


def flip_timestamp(h: History) -> None:
    h.trusted[0][4].timestamp_ms += 1


def flip_header(h: History) -> None:
    h.trusted[0][4].headers[0] = ("h", b"other")


def duplicate_header(h: History) -> None:
    h.trusted[0][4].headers.append(("h", None))


def swap_headers(h: History) -> None:
    h.held[0].headers.reverse()


def empty_for_null_header(h: History) -> None:
    h.trusted[0][4].headers[1] = ("h", b"")


def second_stamp(h: History) -> None:
    h.trusted[0][4].headers.insert(0, ("__watermaster", b"forged"))


def stamp_not_last(h: History) -> None:
    out = h.trusted[0][4]
    stamp = out.all_headers()[-1]
    out.headers, out.stamped = [stamp, *out.headers], False


def no_count_of_originals(h: History) -> None:
    h.held[1].extra = [("__dlq.errors.message", b"why")]
    h.sources[h.held[1].offset].headers.append(("__dlq.errors.message", b"why"))


def wrong_count_of_originals(h: History) -> None:
    h.held[1].extra[-1] = ("__watermaster.original_headers", b"77")
    h.sources[h.held[1].offset].headers += h.held[1].extra


def drop_and_pass(h: History) -> None:
    offset = h.ledger[0]["dropped_offsets"][0][0]
    out = histories.output_of(offset, h.sources[offset], h.ledger[0]["activation"])
    h.trusted[0] = sorted([*h.trusted[0], out], key=lambda o: o.offset)


def drop_without_source(h: History) -> None:
    del h.sources[h.ledger[0]["dropped_offsets"][0][0]]


def undeclared_gap(h: History) -> None:
    entry = h.ledger[1]
    h.sources[entry["gaps"].pop()["from"]] = Row(b"k", b"v", 1, [])


def gap_with_output(h: History) -> None:
    gap = h.ledger[1]["gaps"][0]["from"]
    h.trusted[0] = sorted([*h.trusted[0], Out(b"k", b"v", 1, [], offset=gap, activation=2)], key=lambda o: o.offset)
    h.sources[gap] = Row(b"k", b"v", 1, [])


def gap_that_can_be_read(h: History) -> None:
    h.sources[h.ledger[1]["gaps"][0]["from"]] = Row(b"k", b"v", 1, [])


def ledger_entry_missing(h: History) -> None:
    del h.ledger[2]


def last_entry_missing(h: History) -> None:
    del h.ledger[-1]


def entry_twice(h: History) -> None:
    h.ledger.insert(2, copy.deepcopy(h.ledger[2]))


def entries_overlap(h: History) -> None:
    h.ledger[2]["from"] -= 1


def count_moved(h: History) -> None:
    h.ledger[0]["passed"] -= 1
    h.ledger[0]["held"] += 1


def sum_wrong(h: History) -> None:
    h.ledger[0]["in"] += 1


def drop_miscounted(h: History) -> None:
    h.ledger[0]["dropped"] += 1
    h.ledger[0]["passed"] -= 1


def more_in_than_offsets(h: History) -> None:
    h.ledger[0]["in"] += 50
    h.ledger[0]["passed"] += 50


def gap_outside(h: History) -> None:
    h.ledger[0]["gaps"] = [{"from": 5, "to": 9, "cause": "retention", "lost_max": 1}]


def gap_loses_too_many(h: History) -> None:
    h.ledger[1]["gaps"][0]["lost_max"] = 2


def entry_of_another_gate(h: History) -> None:
    h.ledger.append({**h.ledger[0], "gate": "other"})


def unknown_version(h: History) -> None:
    h.ledger.append({**h.ledger[0], "v": 2})


def commit_inside_entry(h: History) -> None:
    h.committed = (h.committed or 0) - 1
    h.ledger[-1]["to"] = h.committed + 1


def commit_went_back(h: History) -> None:
    h.committed = h.ledger[-1]["from"]
    h.trusted[0] = [o for o in h.trusted[0] if o.offset < h.committed]
    h.held = [o for o in h.held if o.offset < h.committed]


def commit_beyond_ledger(h: History) -> None:
    h.committed = (h.committed or 0) + 5


def commit_gone(h: History) -> None:
    h.committed = None


FAULTS: list[tuple[Callable[[History], None], FindingKind]] = [
    (lose_trusted, K.LOST),
    (lose_held, K.LOST),
    (undeclared_gap, K.LOST),
    (double_trusted, K.DUPLICATE),
    (double_much_later, K.DUPLICATE),
    (pass_and_hold, K.DUPLICATE),
    (swap, K.REORDERED),
    (output_without_source, K.ORPHAN),
    (output_beyond_commit, K.ORPHAN),
    (output_before_ledger, K.ORPHAN),
    (drop_without_source, K.ORPHAN),
    (no_header, K.FOREIGN),
    (unreadable_header, K.FOREIGN),
    (other_cluster, K.FOREIGN),
    (other_topic_id, K.FOREIGN),
    (wrong_partition, K.WRONG_PARTITION),
    (wrong_activation, K.WRONG_ACTIVATION),
    (no_activation, K.WRONG_ACTIVATION),
    (flip_key, K.ALTERED_KEY),
    (null_key, K.ALTERED_KEY),
    (flip_value, K.ALTERED_VALUE),
    (flip_timestamp, K.ALTERED_TIMESTAMP),
    (flip_header, K.ALTERED_HEADERS),
    (duplicate_header, K.ALTERED_HEADERS),
    (swap_headers, K.ALTERED_HEADERS),
    (empty_for_null_header, K.ALTERED_HEADERS),
    (second_stamp, K.STAMP),
    (stamp_not_last, K.STAMP),
    (no_count_of_originals, K.STAMP),
    (wrong_count_of_originals, K.STAMP),
    (drop_and_pass, K.DROPPED_BUT_OUTPUT),
    (gap_with_output, K.GAP_CONTRADICTED),
    (gap_that_can_be_read, K.GAP_CONTRADICTED),
    (ledger_entry_missing, K.LEDGER_HOLE),
    (last_entry_missing, K.LEDGER_HOLE),
    (commit_beyond_ledger, K.LEDGER_HOLE),
    (entry_twice, K.LEDGER_OVERLAP),
    (entries_overlap, K.LEDGER_OVERLAP),
    (count_moved, K.LEDGER_COUNT),
    (sum_wrong, K.LEDGER_COUNT),
    (drop_miscounted, K.LEDGER_COUNT),
    (more_in_than_offsets, K.LEDGER_COUNT),
    (gap_outside, K.LEDGER_COUNT),
    (gap_loses_too_many, K.LEDGER_COUNT),
    (entry_of_another_gate, K.LEDGER_MALFORMED),
    (unknown_version, K.LEDGER_MALFORMED),
    (commit_inside_entry, K.COMMIT_MISMATCH),
    (commit_went_back, K.COMMIT_MISMATCH),
    (commit_gone, K.COMMIT_GONE),
]


@pytest.mark.parametrize("order", ["ltqs", "sqtl", "tlsq"])
@pytest.mark.parametrize(("put_in", "kind"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_each_fault_is_found_and_nothing_else(put_in: Callable[[History], None], kind: FindingKind, order: str) -> None:
    history = honest(FATES)
    put_in(history)
    report = audit(history, AuditMode.FULL, order)
    assert kinds(report) == {kind}
    worst = AuditVerdict.UNVERIFIABLE if kind is K.COMMIT_GONE else AuditVerdict.FAILED
    assert report.verdict is worst


COUNTED = {  # what is found without reading landing, except for holes
    fault: kind
    for fault, kind in FAULTS
    if not kind.value.startswith("altered")
    and fault not in (output_without_source, drop_without_source, gap_that_can_be_read)
}


@pytest.mark.parametrize("put_in", COUNTED, ids=[fault.__name__ for fault in COUNTED])
def test_counting_finds_all_but_altered_bytes(put_in: Callable[[History], None]) -> None:
    history = honest(FATES)
    put_in(history)
    assert kinds(audit(history, AuditMode.COUNTS)) == {COUNTED[put_in]}


@given(fates, st.data())
def test_any_lost_record_is_found_wherever_it_is(history: list[str], data: st.DataObject) -> None:
    built = honest(history)
    outs = [*built.trusted[0], *built.held]
    if not outs:
        return
    lost = data.draw(st.sampled_from(outs))
    for place in (built.trusted[0], built.held):
        place[:] = [out for out in place if out is not lost]
    mode = data.draw(st.sampled_from(list(AuditMode)))
    report = audit(built, mode, data.draw(st.sampled_from(ORDERS)), data.draw(st.sampled_from([0, 6])))
    assert kinds(report) == {K.LOST}
    assert report.partitions[0].findings[0].examples[0].source_offset == lost.offset
    assert report.partitions[0].findings[0].count == 1


@given(fates, st.data())
def test_any_doubled_record_is_found_wherever_it_is(history: list[str], data: st.DataObject) -> None:
    built = honest(history)
    if not built.trusted[0]:
        return
    twin = copy.deepcopy(data.draw(st.sampled_from(built.trusted[0])))
    built.trusted[0].insert(data.draw(st.integers(0, len(built.trusted[0]))), twin)
    report = audit(built, data.draw(st.sampled_from(list(AuditMode))), step=data.draw(st.sampled_from([0, 6])))
    # A twin that stands before its original is the one that is out of order.
    assert K.DUPLICATE in kinds(report)
    assert kinds(report) <= {K.DUPLICATE, K.REORDERED}


# --- what cannot be proved ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(AuditMode))
def test_what_landing_no_longer_holds_is_never_ok(mode: AuditMode) -> None:
    history = honest(FATES)
    history.readable_from = 118  # below stands a marker at 107
    assert kinds(audit(history, mode)) == {K.SOURCE_GONE}
    assert audit(history, mode).verdict is AuditVerdict.UNVERIFIABLE


def test_a_loss_that_can_be_read_fails_even_if_other_offsets_are_gone() -> None:
    history = honest(FATES)
    history.readable_from = 108
    del history.trusted[0][-1]
    assert audit(history).verdict is AuditVerdict.FAILED


def test_missing_outputs_below_a_cut_are_unverifiable() -> None:
    history = honest(FATES)
    history.trusted[0] = history.trusted[0][4:]
    history.outputs_cut_at = history.trusted[0][0].offset
    for mode in (AuditMode.FULL, AuditMode.COUNTS):
        assert kinds(audit(history, mode)) == {K.OUTPUT_GONE}


def test_a_gate_that_committed_nothing_is_not_proved() -> None:
    history = History()
    history.committed = None
    report = audit(history)
    assert kinds(report) == {K.NOTHING_JUDGED}
    assert report.verdict is AuditVerdict.UNVERIFIABLE


def by_reference(history: History, **lies: int) -> History:
    held = history.held[0]
    row = history.sources[held.offset]
    facts = {
        "reason": "too large", "key_bytes": len(row.key or b""), "value_bytes": len(row.value or b""),
        "timestamp_ms": row.timestamp_ms, "headers": len(row.headers),
    }  # fmt: skip
    held.key = held.value = None
    held.timestamp_ms += 5
    held.headers = []
    reference = json.dumps({**facts, **lies}).encode()
    held.extra = [("__watermaster.original_headers", b"0"), ("__watermaster.reference", reference)]
    return history


def test_an_empty_entry_says_where_a_gate_begins_and_proves_nothing() -> None:
    history = honest(FATES)
    first = history.ledger[0]
    nothing = {"to": first["from"], "in": 0, "passed": 0, "held": 0, "dropped": 0, "dropped_offsets": []}
    begun = {**first, **nothing}
    history.ledger.insert(0, begun)
    assert kinds(audit(history)) == set()
    history.ledger[0] = {**begun, "in": 1}
    assert kinds(audit(history)) == {K.LEDGER_MALFORMED}
    only = History(ledger=[begun], committed=first["from"])
    assert kinds(audit(only)) == {K.NOTHING_JUDGED}
    skipped = honest(FATES)
    skipped.ledger[0] = {**begun, "from": 90, "to": 90}
    assert K.LEDGER_HOLE in kinds(audit(skipped))


@pytest.mark.parametrize("mode", list(AuditMode))
def test_records_held_by_reference_are_judged_by_their_facts(mode: AuditMode) -> None:
    report = audit(by_reference(honest(FATES)), mode)
    assert kinds(report) == set()
    if mode is AuditMode.FULL:
        assert report.partitions[0].compared == report.partitions[0].passed + report.partitions[0].held - 1
    for name, kind in (
        ("key_bytes", K.ALTERED_KEY),
        ("value_bytes", K.ALTERED_VALUE),
        ("timestamp_ms", K.ALTERED_TIMESTAMP),
        ("headers", K.ALTERED_HEADERS),
    ):
        assert kinds(audit(by_reference(honest(FATES), **{name: 77}), mode)) == {kind}


def test_a_reference_whose_source_is_gone_is_unverifiable() -> None:
    history = by_reference(honest(FATES))
    history.readable_from = history.held[0].offset + 1
    assert kinds(audit(history, AuditMode.COUNTS)) == {K.SOURCE_GONE}


@pytest.mark.parametrize("mode", list(AuditMode))
def test_a_reference_to_nothing_is_an_orphan(mode: AuditMode) -> None:
    history = by_reference(honest(FATES))
    del history.sources[history.held[0].offset]
    assert kinds(audit(history, mode)) == {K.ORPHAN}


def test_an_unreadable_reference_is_a_finding() -> None:
    history = by_reference(honest(FATES))
    history.held[0].extra[-1] = ("__watermaster.reference", b"{")
    assert K.STAMP in kinds(audit(history))


def test_a_reference_header_among_the_originals_is_no_reference() -> None:
    history = honest(FATES)
    held = history.held[0]
    held.headers.append(("__watermaster.reference", b"{}"))
    history.sources[held.offset].headers.append(("__watermaster.reference", b"{}"))
    held.extra[-1] = ("__watermaster.original_headers", b"%d" % len(held.headers))
    held.value = b"other"
    assert kinds(audit(history)) == {K.ALTERED_VALUE}


def test_compaction_may_have_taken_a_source() -> None:
    history = honest(FATES)
    output_without_source(history)
    gate_subject = histories.SUBJECT
    stream = gate_subject.streams[0]
    compacted = dataclasses.replace(stream, compacted=True)
    gate = GateAudit(
        type(gate_subject)("orders", histories.CLUSTER, histories.LEDGER, (compacted,)), Sample(AuditMode.FULL)
    )
    for kind in "ltqs":
        histories._feed(gate, history, kind, 0, 2**62, AuditMode.FULL)
    gate.finish(TopicPartition(histories.LANDING, 0), history.committed, history.committed)
    assert kinds(gate.report()) == {K.SOURCE_GONE}


def test_a_replay_is_no_duplicate_and_may_be_late_but_only_once() -> None:
    history = honest(FATES)
    held = history.held[0]
    replay = Out(held.key, held.value, held.timestamp_ms, held.headers, offset=held.offset, attempt=1)
    history.trusted[0].append(replay)
    assert kinds(audit(history)) == set()
    history.trusted[0].append(replay)
    assert kinds(audit(history)) == {K.DUPLICATE}


def test_gaps_are_shown_with_their_cause() -> None:
    report = audit(honest(list("ppgp")))
    assert [(gap.start, gap.end, gap.cause) for gap in report.partitions[0].gaps] == [(102, 103, "retention")]


# --- bounds ---------------------------------------------------------------------------------------------------------


def test_examples_are_capped_and_counts_are_not() -> None:
    history = honest(["p"] * 200, 50)
    for out in history.trusted[0]:
        out.value = b"other"
    finding = audit(history).partitions[0].findings[0]
    assert (finding.kind, finding.count, len(finding.examples)) == (K.ALTERED_VALUE, 200, 5)


def test_a_hostile_ledger_costs_no_memory() -> None:
    history = honest(FATES)
    history.ledger[-1]["to"] = 2**62
    history.ledger[-1]["dropped_offsets"] = [[130, 2**61]]
    history.committed = 2**62
    assert audit(history, AuditMode.COUNTS).verdict is AuditVerdict.FAILED


def test_judged_offsets_are_forgotten() -> None:
    gate = GateAudit(histories.SUBJECT, Sample(AuditMode.FULL))
    history = honest(["p"] * 50_000, 500)
    source = TopicPartition(histories.LANDING, 0)
    histories._feed(gate, history, "l", 0, 2**62, AuditMode.FULL)
    partition = gate.partitions[source]
    outs = history.trusted[0]
    for at in range(0, len(outs), 1000):
        span = gate.take_outputs(OutputKind.TRUSTED, source, batch_of(histories.TRUSTED, 0, outs[at : at + 1000]))
        assert span == (100 + at, 1100 + at)
        rows = {out.offset: history.sources[out.offset] for out in outs[at : at + 1000]}
        gate.take_sources(source, histories.source_batch(rows))
        partition.cover(*span)
        partition.judge(span.end)
        assert len(partition._pages._marks) <= 1
        assert not partition._output_contents
        assert not partition._source_contents
    gate.finish(source, history.committed, history.committed)
    assert gate.report().verdict is AuditVerdict.OK
