"""One run of the benchmark: its sizes, its arena, and what earlier sections have measured for later ones."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass, field

from bench.arena import Arena
from bench.contestant import Bare, Contestant, Gate, settle
from bench.progress import Course
from bench.scale import Scale


@dataclass(slots=True)
class Run:
    """What a section gets."""

    scale: Scale
    arena: Arena
    is_warm: bool = False
    gate_courses: list[Course] = field(default_factory=list)
    """Of the gate over a good stream; filled by the first section that needs them."""

    def say(self, text: str) -> None:
        """A line of progress for who waits."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def warm_up(self) -> None:
        """Start the broker and let it compile its hot paths and make its state topics, at nobody's expense."""
        if not self.is_warm:
            self.is_warm = True
            self.say("warming up the broker")
            self.drain(Bare(self.arena, self.arena.landing(self.scale.records)), self.scale.records)

    def drain(self, contestant: Contestant, records: int) -> Course:
        """One turn: start it, follow it to the end of the landing topic, end it."""
        with contestant:
            course = contestant.drain(records)
        settle()
        self.say(
            f"  {contestant.label}: {course.cpu_s_per_million:.2f} CPU s per million, "
            f"{course.records_per_s:,.0f} records/s, first commit after {course.start_s:.1f} s"
        )
        return course

    def need_gate_courses(self) -> list[Course]:
        """The gate over a good stream, measured now unless another section has done so."""
        if not self.gate_courses:
            records = self.scale.records
            landing = self.arena.landing(records)
            self.gate_courses += [self.drain(Gate(self.arena, landing), records) for _ in range(self.scale.rounds)]
        return self.gate_courses

    def gate_rate(self) -> float:
        """Records per second of the gate over a good stream."""
        return statistics.median(course.records_per_s for course in self.need_gate_courses())

    def gate_cpu_s_per_million(self) -> float:
        """CPU seconds of the whole gate per million good records."""
        return statistics.median(course.cpu_s_per_million for course in self.need_gate_courses())
