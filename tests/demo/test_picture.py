"""What is drawn and printed: within the terminal, readable without colour, inert."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from watermaster.auditor.finding import AuditVerdict
from watermaster.auditor.report import AuditMode, AuditReport, PartitionReport
from watermaster.cli import demo_ending
from watermaster.cli.demo_ending import result_document, show_result
from watermaster.cli.demo_text import bar, curve, first_sentence, value_of
from watermaster.cli.demo_view import PlayView
from watermaster.quarantine.envelope import RULES
from watermaster.runtime.demo import Bill, HeldRecord, Moment, Phase, Snapshot
from watermaster.runtime.demo_holds import DryRun, HoldGroup, HoldsShown
from watermaster.runtime.demo_result import (
    DemoResult,
    LedgerRow,
    held_record,
    ledger_is_closed,
    ledger_rows,
    rank_reasons,
    rarest_rule,
)
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition

HOSTILE = "\x1b]0;owned\x07\u202e\u200b"
TOPICS = {
    "landing": "flights.landing", "trusted": "flights", "quarantine": "dlq.flights", "ledger": "l", "control": "c",
}  # fmt: skip
BILL = Bill(
    TOPICS, "nyc-flights 1.0.0", 0.15, {"$.tailnum:pattern": "A registration that the FAA can issue. And more."}
)
HELD = HeldRecord(
    topic="dlq.flights", partition=1, offset=7, source_topic="flights.landing", source_partition=1, source_offset=1234,
    timestamp_ms=1_795_382_247_569, key=f"k{HOSTILE}".encode(), value=b'{"tailnum": "N3EYAA", "air_time": 100}',
    headers=((RULES, b'[{"rule":"$.tailnum:pattern"}]'), ("x", HOSTILE.encode()), ("null", None)),
    broken=(("$.tailnum:pattern", f"must match{HOSTILE}"),),
)  # fmt: skip
GATE = Snapshot(
    judged=123_456, passed=112_233, held=11_223, activation=1,
    rules={"$.tailnum:pattern": 9_000, "arrival_reported": 2_000, f"evil{HOSTILE}": 223}, warnings={"early": 3},
)  # fmt: skip
MOMENT = Moment(Phase.SLOW, 12.3, 123_500, 336_776, GATE, HELD)
RESULT = DemoResult(
    broker="noida-db 0.2.3, embedded",
    topics=TOPICS,
    records=10,
    seconds=2.0,
    ledger=(LedgerRow(0, 6, 5, 1, 0, proved=True), LedgerRow(1, 4, 2, 1, 1, proved=True)),
    closed=True,
    compared=10,
    findings=(),
    reasons=rank_reasons(GATE, BILL.explanations),
    example=HELD,
    holds=HoldsShown(
        (HoldGroup("9401d5fdaaaaaaaa", 11_000, "▁█", "$.tailnum: must match"), HoldGroup("f" * 16, 223, "", HOSTILE)),
        DryRun("watermaster quarantine replay --group 9401d5fd", 11_000, 0, "flights", 1, {f"evil{HOSTILE}": 11_000}),
    ),
)


def drawn(moment: Moment, width: int, height: int, rates: int = 100) -> list[str]:
    view = PlayView(BILL)
    for number in range(rates):
        gate = replace(moment.gate, judged=number * 100)
        view.take(replace(moment, at_s=float(number), gate=gate))
    out = Console(file=io.StringIO(), width=width, height=height, markup=False, highlight=False, emoji=False)
    out.print(view.draw(moment, width, height))
    return out.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 60), (60, 10)])
@pytest.mark.parametrize("phase", list(Phase))
def test_the_picture_fits(width: int, height: int, phase: Phase) -> None:
    lines = drawn(replace(MOMENT, phase=phase), width, height)
    assert len(lines) < height
    if width >= 80:
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize("moment", [Moment(Phase.SLOW, 0.0, 0, 0, Snapshot()), replace(MOMENT, newest_held=None)])
def test_the_picture_before_anything_has_come(moment: Moment) -> None:
    text = "\n".join(drawn(moment, 100, 30, rates=0))
    assert "none yet" in text


def test_the_picture_says_what_matters_without_colour() -> None:
    text = "\n".join(drawn(MOMENT, 100, 30))
    for words in (
        "flights.landing", "GATE", "dlq.flights", "112\u202f233 passed", "11\u202f223 held", "9.1% held",
        "$.tailnum:pattern", "A registration that the FAA can issue", 'tailnum: "N3EYAA"', "336\u202f776", "records/s",
    ):  # fmt: skip
        assert words in text


def test_troubles_are_shown() -> None:
    troubled = replace(MOMENT, gate=replace(GATE, troubles=("The gate is paused. Look.",)))
    assert any("The gate is paused" in line for line in drawn(troubled, 100, 40))


def shown(result: DemoResult, monkeypatch: pytest.MonkeyPatch, width: int = 100) -> str:
    out = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    monkeypatch.setattr(demo_ending, "console", lambda: out)
    show_result(result)
    return out.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_the_ending_shows_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(RESULT, monkeypatch)
    for words in (
        "flights.landing[0]", "The ledger closes", "$.tailnum:pattern", "Counted only", "early", "N3EYAA",
        "flights.landing[1] offset 1\u202f234", "watermaster gate --observe", "watermaster status",
    ):  # fmt: skip
        assert words in text


def test_an_open_ledger_is_said_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(replace(RESULT, closed=False, findings=("lost × 1: offset 7",)), monkeypatch)
    assert "does not close" in text
    assert "lost × 1: offset 7" in text
    assert "The ledger closes" not in text


@pytest.mark.parametrize("value", [None, b"", b"no json", b"[1]", b"\xff", b'{"a": 1}', b"{}"])
def test_any_held_value_can_be_shown(monkeypatch: pytest.MonkeyPatch, value: bytes | None) -> None:
    held = replace(HELD, value=value, key=None, broken=())
    assert "One held record" in shown(replace(RESULT, example=held), monkeypatch)
    drawn(replace(MOMENT, newest_held=held), 100, 30)


def test_nothing_from_a_record_acts_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = "\n".join(drawn(MOMENT, 100, 30)) + shown(RESULT, monkeypatch)
    assert not set(everything) & set("\x1b\x07\u202e\u200b")
    assert "\\x1b" in everything


def test_the_result_for_scripts() -> None:
    document = json.loads(json.dumps(result_document(RESULT)))
    assert document["closed"] is True
    assert document["total"] == {"partition": -1, "read": 10, "passed": 7, "held": 2, "dropped": 1, "proved": True}
    assert document["example"]["value"] == '{"tailnum": "N3EYAA", "air_time": 100}'
    assert ["null", None] in document["example"]["headers"]


# --- values ---------------------------------------------------------------------------------------------------------


def report(verdict: AuditVerdict = AuditVerdict.OK, *, passed: int = 4) -> AuditReport:
    source = TopicPartition("flights.landing", 0)
    found = PartitionReport(source, verdict, 0, 5, 1, 5, passed, 1, 0, 0, (), 5, 0, 0, ())
    return AuditReport("demo", "c", AuditMode.FULL, verdict, (found,), ())


@pytest.mark.parametrize(
    ("audited", "counted", "closed"),
    [
        pytest.param(report(), Snapshot(passed=4, held=1), True, id="all agree"),
        pytest.param(report(), Snapshot(passed=5, held=1), False, id="the gate has counted another number"),
        pytest.param(report(AuditVerdict.FAILED), Snapshot(passed=4, held=1), False, id="disproved"),
        pytest.param(report(AuditVerdict.UNVERIFIABLE), Snapshot(passed=4, held=1), False, id="not provable"),
        pytest.param(report(passed=3), Snapshot(passed=3, held=1), False, id="the sum is wrong"),
    ],
)
def test_when_a_ledger_is_closed(audited: AuditReport, counted: Snapshot, closed: bool) -> None:
    assert ledger_is_closed(audited, ledger_rows(audited), counted) is closed


def test_reasons_are_ranked_errors_first() -> None:
    ranked = rank_reasons(GATE, BILL.explanations)
    assert [reason.records for reason in ranked] == [9_000, 2_000, 223, 3]
    assert ranked[-1].severity == "warning"
    assert rarest_rule(ranked) == f"evil{HOSTILE}"
    assert rarest_rule(()) is None


@pytest.mark.parametrize("rules", [None, b"", b"no json", b"[1]", b'[{"x":"y"}]', b"\xff"])
def test_a_foreign_record_in_quarantine_is_taken_as_it_is(rules: bytes | None) -> None:
    headers = [(RULES, rules), ("__dlq.errors.offset", b"-x")]
    batch = RecordBatch(TopicPartition("dlq", 0), [3], [0], [None], [None], [headers])
    held = held_record(batch, 0)
    assert (held.broken, held.source_offset, held.offset) == ((), -1, 3)


def test_pieces_of_text() -> None:
    assert bar(0.0, 4) == "    "
    assert bar(0.5, 4) == "██  "
    assert bar(7.0, 4) == "████"
    assert len(bar(0.033, 8)) == 8
    assert curve([]) == ""
    assert curve([0.0]) == ""
    assert curve([1.0, 2.0]) == "▅█"
    assert first_sentence("One. Two.") == "One"
    assert first_sentence("One.") == "One"
    assert value_of(HELD, "$.tailnum:pattern") == 'tailnum: "N3EYAA"'
    assert value_of(HELD, "plausible_speed") == 'tailnum: "N3EYAA", air_time: 100'
