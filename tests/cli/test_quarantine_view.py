"""What people see of groups and of the equation; nothing from a record can act on a terminal."""

from __future__ import annotations

import pytest

from watermaster.cli.quarantine_look import balance_document, show_balance, show_groups
from watermaster.gate.verdict import BrokenRule
from watermaster.quarantine.balance import BalanceRow, Terms
from watermaster.quarantine.group import GroupTally
from watermaster.quarantine.lifecycle import State

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
