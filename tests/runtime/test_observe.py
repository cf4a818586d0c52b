from __future__ import annotations

import pytest
from topic_log import StepClock, TopicLog, trouble

from watermaster.contract.checks import Checks, FieldCheck, HoldBudget, LogicalType
from watermaster.gate.ledger import Gap
from watermaster.gate.verdict import BrokenRule, Outcome, Severity, Verdict
from watermaster.runtime.observe import Observing, Start, parse_start
from watermaster.runtime.observe_report import ObserveReport, StreamReport, report_on
from watermaster.runtime.observe_stream import Judged, StreamObservation, Subject
from watermaster.runtime.observe_tally import REASONS_MAX, PartitionCount, ReasonTally
from watermaster.runtime.ports import TroubleKind
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, UsageFault

TOPIC = "orders"
P0, P1 = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)


class WordJudge:
    """Judges by words in the value: `hold`, `hold twice`, `drop`, `warn`; everything in `more` is held too."""

    def __init__(self, *more: bytes) -> None:
        self._more = more

    def judge(
        self, keys: list[bytes | None], values: list[bytes | None], now_ms: int, headers: object = None
    ) -> dict[int, Verdict]:
        found = {}
        for index, value in enumerate(values):
            text = value or b""
            if b"hold" in text or text in self._more:
                times = 2 if b"twice" in text else 1
                found[index] = Verdict(Outcome.HOLD, (_rule("r:hold"),) * times)
            elif b"drop" in text:
                found[index] = Verdict(Outcome.DROP, (_rule("r:drop"),))
            elif b"warn" in text:
                found[index] = Verdict(Outcome.PASS, (_rule("r:warn", Severity.WARNING),))
        return found


def _rule(name: str, severity: Severity = Severity.ERROR) -> BrokenRule:
    return BrokenRule(name, "$.a", "rule.broken", f"{name} says no", severity)


def _judged(*more: bytes, budget: HoldBudget | None = None) -> Judged:
    field = FieldCheck("orders", "$", LogicalType.OBJECT, required=True)
    checks = Checks("orders", "1.0.0", "sha256:0", TOPIC, field, hold_budget=budget or HoldBudget())
    return Judged("orders.odcs.yaml", checks, WordJudge(*more))


def _observe(log: TopicLog, start: Start | None = None, subject: Subject | None = None, **more: bool) -> ObserveReport:
    subject = subject or Subject(TOPIC, _judged())
    clock = StepClock()
    observing = Observing(log, [subject], start or Start(None), clock, to_end=True, **more)
    return report_on(observing.run(lambda: False, lambda _: None))


def _only(report: ObserveReport) -> StreamReport:
    (stream,) = report.streams
    return stream


def test_the_ledger_tiles_the_offsets_and_its_equation_closes() -> None:
    values = {0: b"ok", 1: b"hold", 2: b"drop", 5: b"warn", 6: b"ok"}  # 3 and 4 are markers, and 7 behind the last
    report = _observe(TopicLog(TOPIC, values, {}, ends=[8, 0]))
    line, empty = _only(report).partitions
    assert (line.start, line.end) == (0, 8)
    assert (line.records, line.passed, line.held, line.dropped, line.without_record) == (5, 3, 1, 1, 3)
    assert line.records == line.passed + line.held + line.dropped
    assert line.end - line.start == line.records + line.without_record + line.lost_max
    assert (empty.start, empty.end, empty.records) == (0, 0, 0)
    assert report.complete


@pytest.mark.parametrize(
    ("text", "first", "why"),
    [
        ("beginning", 4, "the log's start, not offset 0"),
        ("end", 10, "nothing that is there"),
        ("-3", 7, "three offsets before the end"),
        ("-100", 4, "never before the start"),
    ],
)
def test_where_a_partition_is_begun(text: str, first: int, why: str) -> None:
    assert parse_start(text).position(4, 10) == first, why


@pytest.mark.parametrize("text", ["", "-", "3", "--3", "-3x", "latest", "-٣", "-" + "9" * 19])
def test_no_place_to_begin(text: str) -> None:
    with pytest.raises(UsageFault) as raised:
        parse_start(text)
    assert raised.value.code == "WM-OBSERVE-FROM"


def test_reasons_are_ranked_and_a_record_counts_once_for_a_rule() -> None:
    values = dict(enumerate([b"hold", b"hold twice", b"drop", b"warn", b"ok"]))
    stream = _only(_observe(TopicLog(TOPIC, values)))
    assert [(r.rule, r.records, r.severity, r.per_1000) for r in stream.reasons] == [
        ("r:hold", 2, "error", 400.0),
        ("r:drop", 1, "error", 200.0),
        ("r:warn", 1, "warning", 200.0),
    ]
    assert [example.at for example in stream.reasons[0].examples] == ["orders[0]@0", "orders[0]@1"]
    assert stream.held_per_1000 == 400.0


def test_values_are_shown_only_when_asked_for() -> None:
    log = TopicLog(TOPIC, {0: b"hold the secret"})
    (silent,) = _only(_observe(log)).reasons[0].examples
    assert silent.value is None
    assert silent.value_bytes == 15
    assert "secret" not in repr(_observe(log))
    (told,) = _only(_observe(log, show_values=True)).reasons[0].examples
    assert told.value == "hold the secret"


def test_reasons_are_bounded_whatever_the_rules_are_called() -> None:
    tally = ReasonTally()
    batch = RecordBatch(P0, [0], [1], [None], [b""], [None])
    for number in range(REASONS_MAX + 5):
        tally.add(batch, 0, [_rule(f"rule-{number}")])
    assert len(tally.ranked()) == REASONS_MAX
    assert tally.beyond == 5


def test_what_cannot_be_forwarded_is_held_whatever_the_contract_says() -> None:
    log = TopicLog(TOPIC, {0: b"ok", 1: b"ok", 2: b"hold"})
    log.timestamps = {1: 0, 2: 0}
    stream = _only(_observe(log))
    assert (stream.held, stream.passed) == (2, 1)
    (reason,) = stream.unforwardable
    assert (reason.records, "timestamp 0" in reason.rule) == (2, True)
    assert [(r.rule, r.records) for r in stream.reasons] == [("operational.carry", 2), ("r:hold", 1)]


@pytest.mark.parametrize(("limit", "suspects"), [(None, 0), (1_000, 1), (1_301, 0)])
def test_records_that_may_not_fit_into_trusted(limit: int | None, suspects: int) -> None:
    subject = Subject(TOPIC, _judged(), record_bytes_max=limit)
    stream = _only(_observe(TopicLog(TOPIC, {0: b"x" * 1_001, 1: b"ok"}), subject=subject))
    assert stream.oversize == suspects
    assert stream.held == 0, "the broker measures after compression, so it is a suspect and not a verdict"


def test_the_breaker_would_open_where_the_share_is_broken() -> None:
    budget = HoldBudget(share=0.5, window=100, minimum=6)
    values = dict(enumerate([b"ok"] * 3 + [b"hold"] * 9))
    subject = Subject(TOPIC, _judged(budget=budget))
    breaker = _only(_observe(TopicLog(TOPIC, values), subject=subject)).breaker
    assert breaker.first_opening == "orders[0]@8", "at 5 exactly half are held, which the budget allows"
    assert breaker.share_at_opening == pytest.approx(6 / 9)
    assert breaker.openings == 1


def test_two_contracts_on_the_same_records() -> None:
    subject = Subject(TOPIC, _judged(b"old"), against=_judged(b"new"))
    values = dict(enumerate([b"ok", b"old", b"new", b"new", b"hold", b"drop"]))
    comparison = _only(_observe(TopicLog(TOPIC, values), subject=subject)).comparison
    assert comparison is not None
    assert (comparison.newly_held, comparison.newly_passed, comparison.held_by_both) == (2, 1, 2)
    (holding,) = comparison.holding
    assert (holding.rule, [e.at for e in holding.examples]) == ("r:hold", ["orders[0]@2", "orders[0]@3"])
    (releasing,) = comparison.releasing
    assert [e.at for e in releasing.examples] == ["orders[0]@1"]


def test_retention_that_overtakes_the_reader_is_a_gap_and_not_a_silence() -> None:
    log = TopicLog(TOPIC, dict.fromkeys(range(10), b"ok"))

    observing = Observing(log, [Subject(TOPIC, _judged())], Start(None), StepClock(), to_end=True)
    report = report_on(observing.run(lambda: False, lambda _: log.starts.setdefault(P0, 7)))
    (line,) = _only(report).partitions
    assert line.gaps == (Gap(3, 7, "retention", 4),)
    assert (line.records, line.lost_max, line.without_record, line.end) == (6, 4, 0, 10)
    assert [note.code for note in report.notes] == ["WM-TEST-OUT_OF_RANGE"]


def test_a_partition_that_cannot_be_read_on_does_not_stop_the_others() -> None:
    log = TopicLog(TOPIC, {0: b"ok"}, {0: b"ok", 1: b"hold"})
    log.troubles.append(trouble(TroubleKind.UNREADABLE, P0))
    report = _observe(log)
    assert not report.complete
    assert [(line.records, line.read_to_end) for line in _only(report).partitions] == [(0, False), (2, True)]


def test_a_topic_that_may_not_be_read_is_a_fault() -> None:
    log = TopicLog(TOPIC, {0: b"ok"})
    log.troubles.append(trouble(TroubleKind.DENIED, P0))
    with pytest.raises(Fault) as raised:
        _observe(log)
    assert raised.value.code == "WM-TEST-DENIED"


def test_a_silent_partition_ends_the_wait_and_is_named() -> None:
    log = TopicLog(TOPIC, {0: b"ok"}, {0: b"ok"})
    log.silent.add(P1)
    observing = Observing(log, [Subject(TOPIC, _judged())], Start(None), StepClock(1.0), to_end=True)
    report = report_on(observing.run(lambda: False, lambda _: None))
    assert not report.complete
    assert [(note.code, "orders[1]" in note.message) for note in report.notes] == [("WM-OBSERVE-UNREAD", True)]


def test_new_partitions_are_read_from_their_start_and_their_order_is_warned_of() -> None:
    log = TopicLog(TOPIC, {0: b"ok"})
    rounds = 0

    def grow(_: object) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            log.logs[P1] = {0: b"hold"}

    observing = Observing(log, [Subject(TOPIC, _judged())], Start(0), StepClock(6.0), to_end=False)
    report = report_on(observing.run(lambda: rounds > 12, grow))
    assert [line.records for line in _only(report).partitions] == [0, 1]
    assert [note.code for note in report.notes] == ["WM-TOPIC-PARTITIONS-ADDED"]


def test_several_streams_are_counted_apart() -> None:
    log = TopicLog(TOPIC, {0: b"hold"})
    log.logs[TopicPartition("payments", 0)] = {0: b"ok", 1: b"ok"}
    subjects = [Subject(TOPIC, _judged()), Subject("payments", _judged())]
    observing = Observing(log, subjects, Start(None), StepClock(), to_end=True)
    report = report_on(observing.run(lambda: False, lambda _: None))
    assert [(s.topic, s.records, s.held) for s in report.streams] == [(TOPIC, 1, 1), ("payments", 2, 0)]


def test_a_batch_is_counted_by_its_last_offset() -> None:
    stream = StreamObservation(Subject(TOPIC, _judged()))
    stream.partitions[0] = PartitionCount(P0, 10, 10)
    stream.take(RecordBatch(P0, [12, 19], [1, 1], [None, None], [b"ok", b"ok"], [None, None]), 0)
    assert (stream.partitions[0].next, stream.partitions[0].without_record) == (20, 8)
