"""`check --window`: closed windows of a topic judged one after another, each kept as a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from watermaster.adapters.database.runs import DatabaseRuns
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.topic_reader import KafkaTopicReader
from watermaster.contract.checks import Checks
from watermaster.runtime.check import Progress
from watermaster.runtime.check_report import CheckReport
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.observe import Start
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.runtime.windows import JudgedWindow, Window, due_window, offsets_of
from watermaster.wiring.check import check_topic
from watermaster.wiring.check_runs import open_runs, run_of

FROM_BEGINNING: Final = Start(None)


@dataclass(frozen=True, slots=True)
class WindowReport:
    """A window and what became of it. `lost` counts, by partition, offsets that were deleted before they were read."""

    window: Window
    report: CheckReport
    stops: Mapping[int, int]
    lost: Mapping[int, int]


class WindowChecks:
    """Windows of one topic by one contract. With `keep` they are kept, and the next one begins behind the last one."""

    def __init__(
        self, config: Path, cluster: ClusterConfiguration, registry: RegistryConfiguration | None, topic: str,
        checks: Checks, length_ms: int, grace_ms: int, *, keep: bool,
    ) -> None:  # fmt: skip
        self._cluster, self._registry, self._topic, self._checks = cluster, registry, topic, checks
        self._length_ms, self._grace_ms = length_ms, grace_ms
        self._runs: DatabaseRuns | None = open_runs(config) if keep else None
        self._judged = self._newest()

    def next(self, progress: Progress | None = None) -> WindowReport | None:
        """Judge the window that is due; None if there is none yet. Raises faults; it is then due again."""
        now_ms = int(time.time() * 1000)
        window = due_window(self._length_ms, self._grace_ms, now_ms, self._judged)
        if window is None:
            return None
        with closing(KafkaTopicReader(connect(self._cluster).settings, translate_error)) as reader:
            ranges, lost = offsets_of(reader, self._topic, window, self._judged)
        report = check_topic(
            self._cluster, self._topic, FROM_BEGINNING, ranges, self._checks, now_ms, progress=progress,
            registry=self._registry,
        )  # fmt: skip
        stops = {one.partition: one.stop for one in ranges}
        if report.unread is None:
            self._judged = JudgedWindow(window, stops)
        return WindowReport(window, report, stops, lost)

    def keep(self, done: WindowReport, exit_code: int) -> None:
        """Keep it as a run, if that was asked for. A window that could not be read whole is due again."""
        if self._runs is None or done.report.unread is not None:
            return
        window = done.window
        run = run_of(done.report, self._checks, int(time.time() * 1000), exit_code)
        self._runs.keep(
            replace(
                run,
                stream=self._topic,
                source=f"{self._topic} {_moment(window.begin_ms)} to {_moment(window.end_ms)}",
                every_ms=self._length_ms,
                window_ms=(window.begin_ms, window.end_ms),
                stops=done.stops,
            )
        )

    def due_in_s(self) -> float:
        """Until the next window is closed."""
        end_ms = self._judged.window.end_ms if self._judged is not None else 0
        return max(0.0, (end_ms + self._length_ms + self._grace_ms) / 1000 - time.time())

    def _newest(self) -> JudgedWindow | None:
        for run in self._runs.newest() if self._runs is not None else ():
            if run.stream == self._topic and run.window_ms is not None:
                return JudgedWindow(Window(*run.window_ms), run.stops)
        return None


def _moment(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))
