"""The judge alone against a bare typed decode."""

from __future__ import annotations

from bench import decide
from bench.figure import Goal, Ratio, Section, measured
from bench.run import Run

RATIO_MAX = 3.0


def run(run: Run) -> Section:
    """No Kafka: one process, both sides in turns."""
    scale = run.scale
    found = decide.run(records=scale.decide_records, turns=scale.decide_turns)
    bare = measured("decode", "µs", [found["bare_us"]])
    ratios = tuple(
        Ratio(
            f"judging a record, {share:.0%} held",
            measured("judge", "µs", [judged["us"]]),
            bare,
            # What is held is read a second time to name every broken rule; the promise is about the good ones.
            Goal(at_most=RATIO_MAX) if share <= decide.COMMON_SHARE_MAX else None,
            paired=judged["ratio"],
        )
        for share, judged in found["judge"].items()
    )
    about = (
        f"CPU time per record of {found['bytes']} bytes: 12 fields, four patterns, two CEL rules, duplicate keys "
        "detected, every broken rule named; against msgspec decoding into the same plain types."
    )
    return Section("decide: what judging costs", about, ratios, facts=found)
