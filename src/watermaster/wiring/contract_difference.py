"""`contract diff`: two documents on the records of files, or on the newest ones of a topic."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from watermaster.adapters.records.files import RecordFiles
from watermaster.contract.checks import Checks
from watermaster.gate.judge import build_judge
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.observe import Start
from watermaster.runtime.observe_report import ComparisonLine, comparison_line
from watermaster.runtime.observe_stream import Judged
from watermaster.runtime.observe_tally import Example
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.runtime.sample_comparison import compare_on_records
from watermaster.stream.fault import WorldFault
from watermaster.wiring.observe import Wanted, observe


def compare_on_files(
    paths: Sequence[Path], old: Checks, new: Checks, source: str, progress: Callable[[int], None] | None = None
) -> tuple[int, ComparisonLine]:
    """The number of records, and whose verdict the new contract changes; `source` names it. Raises faults."""
    found = compare_on_records(RecordFiles(paths, None), old, new, int(time.time() * 1000), progress)
    judged = Judged(source, new, build_judge(new))
    return found.records, comparison_line(found.comparison, judged, found.records, _line_of)


def _line_of(example: Example) -> str:
    return f"{example.source.topic}:{example.offset}"


def compare_on_topic(
    cluster: ClusterConfiguration,
    topic: str,
    old: Path,
    new: Path,
    start: Start,
    schema_object: str | None,
    registry: RegistryConfiguration | None = None,
) -> tuple[int, ComparisonLine]:
    """The same on a topic's records up to its ends; no group is joined, nothing is written. Raises faults."""
    wanted = (Wanted(topic, old, schema_object, against=new),)
    report = observe(
        cluster,
        wanted,
        start,
        to_end=True,
        seconds=None,
        show_values=False,
        should_stop=lambda: False,
        on_progress=lambda _: None,
        registry=registry,
    )
    (stream,) = report.streams
    if not report.complete or stream.comparison is None:
        why = report.notes[0].message if report.notes else "a partition gave no answer"
        raise WorldFault(
            "WM-DIFF-UNREAD", f"Not all of {topic} could be read: {why}.", hint="Try again.", retriable=True
        )
    return stream.records, stream.comparison
