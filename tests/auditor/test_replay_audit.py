"""The auditor on replays: an honest one is proved, and each single fault put into it is found and named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import histories
import msgspec
import pytest
from histories import History, Out, batch_of, honest

from watermaster.auditor.audit import GateAudit, OutputKind
from watermaster.auditor.content import OriginalHeaders
from watermaster.auditor.finding import AuditVerdict, FindingKind
from watermaster.auditor.origin import Home, read_origin
from watermaster.auditor.replay import Claim, Ends, ReplayAudit, read_claim
from watermaster.auditor.replay_content import Mended, Remedies
from watermaster.auditor.report import AuditMode, AuditReport
from watermaster.auditor.sample import Sample
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.hold_record import Account, encode_hold
from watermaster.quarantine.lifecycle import Hold, State
from watermaster.stream.coordinates import Coordinates, TopicPartition

K = FindingKind
SUBJECT = dataclasses.replace(histories.SUBJECT, holds="watermaster.holds.orders")
SOURCE = TopicPartition(histories.LANDING, 0)

States = dict[int, tuple[State, int]]


def key(offset: int) -> bytes:
    return HoldKey(histories.CLUSTER, histories.TOPIC_ID, 0, offset, 0, histories.GATE).encode()


def value(state: State, attempt: int, target: str = "", fix: str = "") -> bytes:
    return encode_hold(Hold(state, attempt, target=target, fix=fix), Account(histories.LANDING, "sha256:0", 1))


def again(history: History, offset: int, attempt: int) -> Out:
    """A replay of a held record, as it was."""
    held = next(out for out in history.held if out.offset == offset)
    return Out(held.key, held.value, held.timestamp_ms, held.headers, offset=offset, activation=3, attempt=attempt)


def replayed() -> tuple[History, States]:
    """Three held records: one replayed at once, one at its second attempt, one discarded; a fourth stays open."""
    history = honest(list("phpphphph"))
    offsets = [out.offset for out in history.held]
    states = {
        offsets[0]: (State.REPLAYED, 0),
        offsets[1]: (State.REPLAYED, 1),
        offsets[2]: (State.DISCARDED, 0),
    }
    for offset, (state, attempt) in states.items():
        if state is State.REPLAYED:
            history.trusted[0].append(again(history, offset, attempt + 1))
    return history, states


def audit(history: History, states: States, late: States | None = None, *, cut: bool = False) -> AuditReport:
    gate = GateAudit(SUBJECT, Sample(AuditMode.FULL))
    partition = gate.partitions[SOURCE]
    partition.replay.is_cut = cut
    for offset, (state, attempt) in states.items():
        gate.take_state(key(offset), value(state, attempt))
    gate.outputs_due()
    histories._feed(gate, history, "l", 0, 2**62, AuditMode.FULL)
    histories._feed(gate, history, "s", 0, 2**62, AuditMode.FULL)
    gate.take_outputs(OutputKind.TRUSTED, SOURCE, batch_of(histories.TRUSTED, 0, history.trusted[0]))
    gate.take_outputs(OutputKind.QUARANTINE, SOURCE, batch_of(histories.QUARANTINE, 0, history.held))
    for offset, (state, attempt) in (late or {}).items():
        gate.take_state(key(offset), value(state, attempt))
    gate.finish(SOURCE, history.committed, history.committed)
    gate.finish(TopicPartition(histories.LANDING, 1), None, None)
    return gate.report()


def kinds(report: AuditReport) -> set[FindingKind]:
    return {finding.kind for partition in report.partitions for finding in partition.findings}


def test_an_honest_replay_is_proved_and_the_equation_closes() -> None:
    report = audit(*replayed())
    partition = report.partitions[0]
    assert report.verdict is AuditVerdict.OK
    assert (partition.held, partition.replayed, partition.discarded, partition.open) == (4, 2, 1, 1)


@pytest.mark.parametrize(
    ("seen", "start", "expected"),
    [  # held are, in order: replayed, replayed later, discarded, and one of which nothing has become
        (4, 0, (2, 1, 0, 1)),
        (4, 3, (2, 1, 0, 1)),
        (4, 4, (2, 1, 1, 0)),  # deleted after it was read in an earlier round
        (1, 3, (2, 1, 0, 1)),  # what ended first is gone, and ended
        (0, 9, (2, 1, 1, 0)),  # deleted before anybody read it
    ],
)
def test_expired_is_what_is_gone_and_was_neither_replayed_nor_discarded(
    seen: int, start: int, expected: tuple[int, ...]
) -> None:
    replay = ReplayAudit()
    replay.held_start = start
    for at, offset in list(enumerate([10, 20, 30, 40]))[4 - seen :]:
        replay.held(offset, at)
    for offset, state in ((10, "replayed"), (20, "replayed"), (30, "discarded")):
        replay.claim(Claim("t", 0, offset, state, 0, ""))
    ends = replay.ends(0, 100, 4)
    still_open = 4 - ends.replayed - ends.discarded - ends.fixed - ends.expired
    assert (ends.replayed, ends.discarded, ends.expired, still_open) == expected


@pytest.mark.parametrize("start", [0, 1])
def test_states_of_records_that_the_ledger_does_not_count_take_nothing_from_the_open_ones(start: int) -> None:
    replay = ReplayAudit()
    replay.held_start = start
    for at, offset in enumerate((10, 50, 120)):
        replay.held(offset, at)
    for offset, state in ((10, "replayed"), (120, "discarded")):  # before its first entry, and behind its last one
        replay.claim(Claim("t", 0, offset, state, 0, ""))
    assert replay.ends(20, 100, 1) == Ends(0, 0, 0, 0), "the one at 50 is open"


def test_a_fix_that_was_chosen_does_not_keep_what_retention_deletes() -> None:
    replay = ReplayAudit()
    replay.held(10, 0)
    replay.claim(Claim("t", 0, 10, "fixed", 0, ""))
    assert replay.ends(0, 100, 1) == Ends(0, 0, 1, 0)
    replay.held_start = 1
    assert replay.ends(0, 100, 1) == Ends(0, 0, 0, 1)
    replay.claim(Claim("t", 0, 10, "replayed", 0, ""))
    assert replay.ends(0, 100, 1) == Ends(1, 0, 0, 0), "a replay that commits after the deletion is a replay"


def test_a_replay_while_the_outputs_are_read_is_no_fault() -> None:
    history, states = replayed()
    first = next(iter(states))
    late = {first: states.pop(first)}
    assert kinds(audit(history, states, late)) == set()


def double(history: History, states: States) -> None:
    history.trusted[0].append(dataclasses.replace(history.trusted[0][-1]))


def double_under_another_attempt(history: History, states: States) -> None:
    history.trusted[0].append(dataclasses.replace(history.trusted[0][-1], attempt=7))


def output_without_state(history: History, states: States) -> None:
    del states[next(iter(states))]


def output_of_a_discarded_one(history: History, states: States) -> None:
    states[next(iter(states))] = (State.DISCARDED, 0)


def another_attempt(history: History, states: States) -> None:
    states[next(iter(states))] = (State.REPLAYED, 4)


def state_without_output(history: History, states: States) -> None:
    history.trusted[0].pop()


def another_value(history: History, states: States) -> None:
    history.trusted[0][-1] = dataclasses.replace(history.trusted[0][-1], value=b"mended")


def another_key(history: History, states: States) -> None:
    history.trusted[0][-1] = dataclasses.replace(history.trusted[0][-1], key=b"mended")


def another_header(history: History, states: States) -> None:
    history.trusted[0][-1] = dataclasses.replace(history.trusted[0][-1], headers=[("more", b"")])


def a_fix_that_no_state_names(history: History, states: States) -> None:
    history.trusted[0][-1] = dataclasses.replace(history.trusted[0][-1], value=b"mended", fix="times@1")


def state_of_what_was_never_held(history: History, states: States) -> None:
    states[100] = (State.DISCARDED, 0)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (double, K.DUPLICATE),
        (double_under_another_attempt, K.DUPLICATE),
        (output_without_state, K.REPLAY_UNACCOUNTED),
        (output_of_a_discarded_one, K.REPLAY_UNACCOUNTED),
        (another_attempt, K.REPLAY_UNACCOUNTED),
        (another_value, K.ALTERED_VALUE),
        (another_key, K.ALTERED_KEY),
        (another_header, K.ALTERED_HEADERS),
        (a_fix_that_no_state_names, K.REPLAY_UNACCOUNTED),
        (state_without_output, K.LOST),
        (state_of_what_was_never_held, K.ORPHAN),
    ],
)
def test_each_fault_is_found_and_nothing_else(spoil: Callable[[History, States], None], kind: FindingKind) -> None:
    history, states = replayed()
    spoil(history, states)
    assert kinds(audit(history, states)) == {kind}


def test_retention_may_have_taken_a_replayed_record() -> None:
    history, states = replayed()
    history.trusted[0].pop()
    assert kinds(audit(history, states, cut=True)) == {K.OUTPUT_GONE}


REPAIR = "orders.repair"


def repaired(
    target: str = REPAIR, *, delivered: bool = True, cut: bool = False, change: dict[str, Any] | None = None
) -> set[FindingKind]:
    """One held record whose state says that it was replayed into `target`, and what a repair topic holds of it."""
    history = honest(list("php"))
    offset = history.held[0].offset
    gate = GateAudit(SUBJECT, Sample(AuditMode.FULL))
    gate.take_state(key(offset), value(State.REPLAYED, 0, target))
    gate.outputs_due()
    for topic in "ls":
        histories._feed(gate, history, topic, 0, 2**62, AuditMode.FULL)
    gate.take_outputs(OutputKind.TRUSTED, SOURCE, batch_of(histories.TRUSTED, 0, history.trusted[0]))
    gate.take_outputs(OutputKind.QUARANTINE, SOURCE, batch_of(histories.QUARANTINE, 0, history.held))
    mended = dataclasses.replace(again(history, offset, 1), **(change or {}))
    strangers = [Out(b"k", b"v", 5, [], offset=1, topic_id="another"), Out(b"k", b"v", 5, [], stamped=False)]
    gate.take_repairs(batch_of(REPAIR, 0, [*strangers, *([mended] if delivered else [])]))
    if cut:
        gate.repair_cut(REPAIR)
    gate.finish(SOURCE, history.committed, history.committed)
    gate.finish(TopicPartition(histories.LANDING, 1), None, None)
    return kinds(gate.report())


def test_a_replay_into_a_repair_topic_is_looked_for_there() -> None:
    assert repaired() == set()
    assert repaired(delivered=False) == {K.LOST}
    assert repaired(delivered=False, cut=True) == {K.OUTPUT_GONE}
    assert repaired(target="") == {K.REPLAY_UNACCOUNTED}
    assert repaired(change={"value": b"another"}) == {K.ALTERED_VALUE}
    assert repaired(target="orders.other") == {K.REPLAY_UNACCOUNTED}


FIX = "times@2"


def audit_of_a_fix(written: Out | None, remedies: Remedies, *, fix: str = FIX) -> tuple[set[FindingKind], int, int]:
    """One held record, replayed with a fix by its state; the kinds of findings, fixed replays and proved ones."""
    history = honest(list("php"))
    offset = history.held[0].offset
    gate = GateAudit(SUBJECT, Sample(AuditMode.FULL), remedies)
    gate.take_state(key(offset), value(State.REPLAYED, 0, fix=fix))
    gate.outputs_due()
    for topic in "ls":
        histories._feed(gate, history, topic, 0, 2**62, AuditMode.FULL)
    change = written or Out(b"k", b"mended", 5, [])
    output = dataclasses.replace(
        again(history, offset, 1),
        value=change.value,
        timestamp_ms=history.held[0].timestamp_ms + change.timestamp_ms - 5,
        fix=FIX,
    )
    gate.take_outputs(OutputKind.QUARANTINE, SOURCE, batch_of(histories.QUARANTINE, 0, history.held))
    gate.take_outputs(OutputKind.TRUSTED, SOURCE, batch_of(histories.TRUSTED, 0, [*history.trusted[0], output]))
    gate.finish(SOURCE, history.committed, history.committed)
    gate.finish(TopicPartition(histories.LANDING, 1), None, None)
    report = gate.report()
    return kinds(report), report.partitions[0].fixes, report.partitions[0].fixes_proved


def mend(key: bytes | None, value: bytes | None, headers: OriginalHeaders) -> Mended:
    return Mended(key, b"mended", headers)


def test_bytes_may_be_changed_by_the_fix_that_the_state_names_alone() -> None:
    assert audit_of_a_fix(None, {}) == (set(), 1, 0), "without the fix it can be neither proved nor disproved"
    assert audit_of_a_fix(None, {FIX: mend}) == (set(), 1, 1)
    assert audit_of_a_fix(Out(b"k", b"another", 5, []), {FIX: mend}) == ({K.ALTERED_VALUE}, 1, 0)
    assert audit_of_a_fix(Out(b"k", b"mended", 6, []), {}) == ({K.ALTERED_TIMESTAMP}, 1, 0), "no fix moves it in time"
    assert audit_of_a_fix(None, {FIX: mend}, fix="times@1")[0] == {K.REPLAY_UNACCOUNTED}


def test_the_name_of_a_fix_behind_the_coordinates_is_read() -> None:
    home = Home(histories.CLUSTER, histories.TOPIC_ID, 0)
    plain = Coordinates(histories.CLUSTER, histories.TOPIC_ID, 0, 5, 1, 0, 3)
    for where in (home, dataclasses.replace(home, partition=1, prefix=b"")):
        fixed = read_origin(msgspec.structs.replace(plain, fix="times-2400@2").encode(), where)
        assert fixed is not None
        assert fixed.fix == "times-2400@2"
        assert fixed._replace(fix="") == read_origin(plain.encode(), where)
        for forged in (b" times@x", b" @", b" a@1 b@2"):
            assert read_origin(plain.encode() + forged, where) is None


def test_a_tombstone_takes_a_state_back() -> None:
    history, states = replayed()
    gate = GateAudit(SUBJECT, Sample(AuditMode.FULL))
    offset = next(iter(states))
    gate.take_state(key(offset), value(State.REPLAYED, 0))
    gate.outputs_due()
    gate.take_state(key(offset), None)
    assert list(gate.partitions[SOURCE].replay.findings()) == [], "nothing is promised any more"
    states.pop(offset)
    assert kinds(audit(history, states)) == {K.REPLAY_UNACCOUNTED}, "and its output has no state"


@pytest.mark.parametrize(
    ("key_", "value_"),
    [
        (None, b"{}"),
        (b"1 cluster-1 topic-id-1 0 5 0 orders", b"no json"),
        (b"1 cluster-2 topic-id-1 0 5 0 orders", b'{"state":"open"}'),
        (b"1 cluster-1 topic-id-1 0 5 0 another", b'{"state":"open"}'),
        (b"1 cluster-1 topic-id-1 -1 5 0 orders", b'{"state":"open"}'),
        (b"fix/sha256:0", b"{}"),
    ],
)
def test_what_is_no_state_of_this_gate_is_left_alone(key_: bytes | None, value_: bytes | None) -> None:
    assert read_claim(key_, value_, "cluster-1", "orders") is None
