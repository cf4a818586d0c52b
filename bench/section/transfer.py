"""The whole gate against bare transfers, in Python and in C."""

from __future__ import annotations

from collections.abc import Callable

from bench.contestant import Bare, Contestant, Gate, Native
from bench.figure import Measured, Missing, Ratio, Section, Table, brief, measured
from bench.progress import Course
from bench.run import Run

_LABELS = {Gate: "gate", Bare: "bare transfer in Python", Native: "bare transfer in C"}


def run(run: Run) -> Section:
    """Contestants take turns over the same landing topic."""
    records = run.scale.records
    landing = run.arena.landing(records)
    courses: dict[type[Contestant], list[Course]] = {}
    missing: list[str] = []
    for turn in range(run.scale.rounds):
        for kind in (Bare, Gate, Native):
            if turn and kind not in courses:
                continue
            try:
                courses.setdefault(kind, []).append(run.drain(kind(run.arena, landing), records))
            except Missing as what:
                courses.pop(kind, None)
                missing.append(str(what))
    run.gate_courses += courses[Gate]
    about = (
        f"CPU seconds per million records of whole processes with all threads (supervisor, worker and librdkafka), "
        f"{records:,} good records of 500 bytes, at most 10,000 records or 100 ms a transaction. "
        "The bare transfers use the same client settings and the same header, and judge nothing."
    )
    others = [kind for kind in (Bare, Native) if kind in courses]
    cost: Callable[[type[Contestant]], Measured] = lambda kind: measured(  # noqa: E731 - a name for a long expression
        _LABELS[kind], "CPU s per million", [course.cpu_s_per_million for course in courses[kind]]
    )
    ratios = tuple(Ratio(f"gate / {_LABELS[kind]}", cost(Gate), cost(kind)) for kind in others)
    if Native in courses:
        ratios += (Ratio("bare transfer in Python / in C", cost(Bare), cost(Native)),)
    return Section("transfer: what the whole gate costs", about, ratios, (_speeds(courses),), tuple(missing))


def _speeds(courses: dict[type[Contestant], list[Course]]) -> Table:
    rows = []
    for kind, found in courses.items():
        speed = measured("", "records/s", [course.records_per_s for course in found])
        start = measured("", "s", [course.start_s for course in found])
        rows.append((_LABELS[kind], brief(speed.median), brief(start.median)))
    return Table(
        "On this machine, broker and contestant together", ("", "records/s", "start to first commit, s"), tuple(rows)
    )
