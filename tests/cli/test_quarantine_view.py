"""What people see of groups and of the equation; nothing from a record can act on a terminal."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from watermaster.adapters.records.export_file import export_file
from watermaster.cli.output import show_json
from watermaster.cli.quarantine_look import balance_document, show_balance, show_groups
from watermaster.cli.quarantine_show import exhibit_document, show_exhibit
from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.gate.verdict import BrokenRule, Outcome, Verdict
from watermaster.quarantine.balance import BalanceRow, Terms
from watermaster.quarantine.envelope import Envelope
from watermaster.quarantine.export_row import export_row
from watermaster.quarantine.group import GroupTally
from watermaster.quarantine.held import Adoption, NotHeld, QuarantineRecord, read_whole
from watermaster.quarantine.lifecycle import Hold, State
from watermaster.runtime.hold_survey import Surveyed
from watermaster.stream.coordinates import Coordinates, TopicPartition
from watermaster.stream.fault import UsageFault

TERMS = Terms("orders", "sha256:abcdef", 3, 20_000)


def row(missing: int = 0) -> BalanceRow:
    made = BalanceRow(read=10, passed=7, dropped=1, held=2, missing=missing)
    made.states[State.REPLAYED] = 2 - missing
    return made


def test_an_equation_that_closes_and_one_that_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    show_balance([(TERMS, row())])
    shown = capsys.readouterr().out
    assert "2024-10-04" in shown
    assert "The ledger closes: every record has exactly one end." in shown
    show_balance([(TERMS, row(missing=1))])
    shown = capsys.readouterr().out
    assert "1 records are on neither the quarantine nor the holds topic" in shown
    assert "closes: every" not in shown
    assert balance_document(TERMS, row(missing=1))["closes"] is False


def test_a_group_is_inert(capsys: pytest.CaptureFixture[str]) -> None:
    rule = BrokenRule("r", "$.\x1b[31mred", "c", "\u202emessage")
    show_groups([GroupTally("f" * 16, f"{rule.path}: {rule.message}", "orders\x07", count=3)])
    shown = capsys.readouterr().out
    assert not {"\x1b", "\u202e", "\x07"} & set(shown)
    assert "ffffffff" in shown


HOSTILE = '\x1b[31m<script>=cmd|"/c calc"!A0\u202e'


def surveyed(value: bytes = b'{"id": 1, "email": "SECRET"}', restricted: bool = False) -> tuple[Surveyed, Checks]:
    place = TopicPartition("dlq.orders", 0)
    stamp = Coordinates("c", "t", 0, 5, 0, 0, 1).encode()
    verdict = Verdict(Outcome.HOLD, (BrokenRule("low", "$.id", "c", f"must be more{HOSTILE}"),))
    headers = Envelope(gate="g", topic="orders", partition=0, contract="sha256:a").headers(
        [(f"h{HOSTILE}", HOSTILE.encode())], verdict, 5, stamp
    )
    record = QuarantineRecord(place, 7, 1_000, b"SECRET", value, headers)
    read = read_whole(record, Adoption("c", {}))
    assert not isinstance(read, NotHeld)
    email = FieldCheck("email", "$.email", LogicalType.STRING, classification="restricted" if restricted else None)
    check = FieldCheck("", "$", LogicalType.OBJECT, properties=(FieldCheck("id", "$.id", LogicalType.ANY), email))
    return Surveyed(read[0], Hold(), record, read[1]), Checks("c", "1", "h", "orders", check)


def test_a_record_is_shown_whole_marked_and_inert(capsys: pytest.CaptureFixture[str]) -> None:
    show_exhibit(*surveyed())
    shown = capsys.readouterr().out
    assert "SECRET" in shown
    assert '"id": 1,\n    ▲ low: must be more' in shown
    assert not {"\x1b", "\u202e"} & set(shown)


def test_what_the_contract_restricts_is_in_no_form_of_output(capsys: pytest.CaptureFixture[str]) -> None:
    show_exhibit(*surveyed(restricted=True))
    show_json(exhibit_document(*surveyed(restricted=True)))
    shown = capsys.readouterr().out
    assert "SECRET" not in shown
    assert base64.b64encode(b"SECRET").decode().rstrip("=") not in shown
    assert '"id": 1' in shown, "what is not restricted is shown"
    assert "SECRET" in json.dumps(exhibit_document(*surveyed()))


def test_a_row_for_other_tools_holds_nothing_that_is_restricted() -> None:
    found, checks = surveyed()
    row = export_row(found.held, found.hold, found.original, checks)
    assert (row["key"], row["value"], row["masked"]) == ("SECRET", '{"id": 1, "email": "SECRET"}', False)
    assert [(header["value"], header["encoding"]) for header in row["headers"]] == [(HOSTILE, "text")]
    found, checks = surveyed(restricted=True)
    row = export_row(found.held, found.hold, found.original, checks)
    assert "SECRET" not in str(row)
    assert (row["masked"], row["headers"]) == (True, [])


def test_bytes_that_are_no_text_are_base64_in_a_row() -> None:
    found, checks = surveyed(b"\xff\x00")
    row = export_row(found.held, found.hold, found.original, checks)
    assert (row["value"], row["value_encoding"]) == ("/wA=", "base64")


def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError), export_file(tmp_path / "a.jsonl", {}) as rows:
        rows.write({"a": object()})
    assert list(tmp_path.iterdir()) == []
    with export_file(tmp_path / "a.jsonl", {}) as rows:
        rows.write({"a": HOSTILE})
    assert (tmp_path / "a.jsonl").read_text().isascii()
    assert "\x1b" not in (tmp_path / "a.jsonl").read_text()
    with pytest.raises(UsageFault, match="WM-EXPORT-FORM"), export_file(tmp_path / "a.csv", {}):
        pass
