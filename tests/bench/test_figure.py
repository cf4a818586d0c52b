"""What the report concludes from measured values."""

import pytest
from bench.figure import Goal, Ratio, Section, Table, brief, measured
from bench.report import as_markdown, as_table, merged

OURS = measured("gate", "ms", [300, 100, 200])
THEIRS = measured("bare", "ms", [100, 100])


def test_a_ratio_is_of_medians_and_shows_them_with_their_ranges() -> None:
    ratio = Ratio("speed", OURS, THEIRS)
    assert ratio.value == 2.0
    assert str(ratio.ours) == "gate 200 ms (100–300)"
    assert Ratio("speed", OURS, THEIRS, paired=1.5).value == 1.5


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (None, ""),
        (Goal(at_most=2), "≤ 2: met"),
        (Goal(at_most=1.9), "≤ 1.9: MISSED"),
        (Goal(at_least=2.1), "≥ 2.1: MISSED"),
        (Goal(at_most=199, absolute=True), "≤ 199 ms: MISSED"),
        (Goal(at_most=200, absolute=True), "≤ 200 ms: met"),
    ],
)
def test_a_goal_is_judged_by_the_ratio_or_by_our_own_median(goal: Goal | None, verdict: str) -> None:
    assert Ratio("speed", OURS, THEIRS, goal).verdict == verdict


@pytest.mark.parametrize(
    ("number", "shown"), [(1234567, "1,234,567"), (0.1234, "0.123"), (12.345, "12.3"), (100, "100")]
)
def test_numbers_are_shown_with_three_digits(number: float, shown: str) -> None:
    assert brief(number) == shown


def test_what_is_missing_is_said_in_both_forms() -> None:
    section = Section("peers: elsewhere", "About.", tables=(Table("T", ("a|b",), (("1",),)),), missing=("no compiler",))
    assert "MISSING: no compiler" in as_table([section], {"Python": "3"})
    document = as_markdown([section], {"Python": "3"}, "make bench")
    assert "**Missing:** no compiler." in document
    assert "a\\|b" in document


def test_some_sections_of_a_document_can_be_measured_anew() -> None:
    old = [Section(f"{name}: {name} of old", "About.", missing=("x",)) for name in ("held", "peers", "install")]
    document = as_markdown(old, {"Python": "3"}, "make bench")
    new = [Section("peers: elsewhere", "Anew."), Section("check: files", "More.")]
    text = merged(document, new, {"Python": "4", "memory": "1 GiB"}, "make bench ARGS=--only")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## The machine", "## Held: held of old", "## Peers: elsewhere", "## Install: install of old", "## Check: files"
    ]  # fmt: skip
    assert text.count("Measured apart from the rest by `make bench ARGS=--only`: Python 4; memory 1 GiB.") == 2
    assert merged(text, new, {"Python": "4", "memory": "1 GiB"}, "make bench ARGS=--only") == text
