"""What holding costs: the same gate over streams of which more and more is bad."""

from __future__ import annotations

from bench.contestant import Gate
from bench.figure import Goal, Ratio, Section, measured
from bench.progress import Course
from bench.run import Run

SHARES = (0.0, 0.02, 0.5, 1.0)
SPEED_KEPT_MIN = 0.5


def run(run: Run) -> Section:
    """All shares in turns."""
    records = run.scale.held_records
    landings = {share: run.arena.landing(records, share) for share in SHARES}
    courses: dict[float, list[Course]] = {share: [] for share in SHARES}
    for _ in range(run.scale.rounds):
        for share, landing in landings.items():
            run.say(f"  {share:.0%} held")
            courses[share].append(run.drain(Gate(run.arena, landing), records))
    speeds = {s: measured(f"{s:.0%} held", "records/s", [c.records_per_s for c in courses[s]]) for s in SHARES}
    costs = {
        s: measured(f"{s:.0%} held", "CPU µs per record", [c.cpu_s_per_million for c in courses[s]]) for s in SHARES
    }
    ratios = [
        Ratio(
            f"speed at {share:.0%} held / at 0%",
            speeds[share],
            speeds[0.0],
            Goal(at_least=SPEED_KEPT_MIN) if share == 1.0 else None,
        )
        for share in SHARES[1:]
    ]
    ratios += [Ratio(f"CPU at {share:.0%} held / at 0%", costs[share], costs[0.0]) for share in SHARES[1:]]
    about = (
        f"The gate over {records:,} records, the contract's hold budget opened. A held record carries its original "
        "bytes and the reasons in headers that dead-letter tools read, so it costs more to write than one that passes."
    )
    return Section("held: speed by held share", about, tuple(ratios))
