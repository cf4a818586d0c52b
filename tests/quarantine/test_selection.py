"""Which held records a command means: every condition that is given must hold."""

from __future__ import annotations

import pytest
from letters import COLOUR, LANDING, PRICE, gate_letter, held

from watermaster.quarantine.fingerprint import fingerprint
from watermaster.quarantine.held import OriginalRecord
from watermaster.quarantine.lifecycle import Hold, State
from watermaster.quarantine.selection import Selection

FACTS = held(gate_letter(PRICE, COLOUR, at_ms=1000))
ORIGINAL = OriginalRecord(b"key", b"value", [], 1000)


@pytest.mark.parametrize(
    ("selection", "means"),
    [
        (Selection(), True),
        (Selection(streams=(LANDING, "another")), True),
        (Selection(streams=("another",)), False),
        (Selection(groups=(fingerprint(FACTS)[:6],)), True),
        (Selection(groups=("zz",)), False),
        (Selection(rules=("no-such", COLOUR.rule)), True),
        (Selection(rules=("no-such",)), False),
        (Selection(partitions=(2,), offsets=(42, 43)), True),
        (Selection(partitions=(1,), offsets=(42,)), False),
        (Selection(contract="sha256:a"), True),
        (Selection(contract="sha256:b"), False),
        (Selection(since_ms=1000, until_ms=1001), True),
        (Selection(since_ms=1001), False),
        (Selection(until_ms=1000), False),
        (Selection(states=(State.FIXED,)), True),
        (Selection(states=(State.OPEN,)), False),
        (Selection(predicate=lambda record: record.key == b"key"), True),
        (Selection(predicate=lambda record: record.key == b"other"), False),
    ],
)
def test_conditions(selection: Selection, means: bool) -> None:
    assert selection.means(FACTS, Hold(State.FIXED, fix="a@1"), ORIGINAL) is means


def test_no_predicate_means_a_record_whose_bytes_are_elsewhere() -> None:
    assert not Selection(predicate=lambda _: True).means(FACTS, Hold(), None)
    assert Selection().means(FACTS, Hold(), None)


def test_everything_is_no_condition_at_all() -> None:
    assert Selection().is_everything
    assert not Selection(partitions=(0,)).is_everything
