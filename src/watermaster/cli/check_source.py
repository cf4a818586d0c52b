"""What `check` is asked to judge: files, tables of a database, or a topic; one of the three."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.cluster_choice import ClusterChoice
from watermaster.runtime.record_source import Form
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.contract.checks import Checks
    from watermaster.runtime.check import Progress
    from watermaster.runtime.check_report import CheckReport

TableOption = Annotated[
    list[str] | None,
    typer.Option(
        "--table", help="A table or view, as schema.table; may be given several times.", rich_help_panel="Tables"
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        help="Where its tables are: a name under `databases` in the configuration, a file of libpq keys (host=…), or "
        "postgresql://user@host/name without a password.",
        rich_help_panel="Tables",
    ),
]
TopicOption = Annotated[
    str | None,
    typer.Option("--topic", help="A topic, read without a group up to its ends as they are.", rich_help_panel="Topics"),
]
FromOption = Annotated[
    str,
    typer.Option("--from", help="beginning, or -N for the last N records of each partition.", rich_help_panel="Topics"),
]
RangeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--range",
        help="Only these offsets: PARTITION:FROM-UNTIL, the last not included; may be given several times.",
        rich_help_panel="Topics",
    ),
]


@dataclass(frozen=True, slots=True)
class CheckSource:
    """The options, as they were given."""

    paths: Sequence[str]
    form: Form | None
    processes: int | None
    tables: Sequence[str]
    database: str | None
    topic: str | None
    start: str
    ranges: Sequence[str]
    choice: ClusterChoice

    def require_one(self) -> None:
        """Raises UsageFault unless exactly one thing is to be judged."""
        if [bool(self.paths), bool(self.tables), self.topic is not None].count(True) != 1:
            raise UsageFault(
                "WM-CHECK-SOURCE",
                "Name what to check: files, tables or a topic, one of the three.",
                hint="PATH…, or --database NAME --table schema.table, or --topic NAME.",
            )
        if self.tables and self.database is None:
            raise UsageFault("WM-CHECK-SOURCE", "--table needs a database.", hint="Add --database.")
        self.choice.refuse_without(self.topic)


def judge(source: CheckSource, checks: Checks, now_ms: int, progress: Progress | None) -> CheckReport:
    """Judge all of it. Raises faults."""
    if source.topic is not None:
        return _judge_topic(source, source.topic, checks, now_ms, progress)
    if source.tables:
        from watermaster.wiring.check import check_table, database_settings

        settings = database_settings(source.database or "", source.choice.config)
        return check_table(settings, source.tables, checks, now_ms, progress=progress)
    from watermaster.wiring.check_files import check_files

    return check_files(source.paths, checks, now_ms, form=source.form, processes=source.processes, progress=progress)


def _judge_topic(
    source: CheckSource, topic: str, checks: Checks, now_ms: int, progress: Progress | None
) -> CheckReport:
    from watermaster.runtime.observe import parse_start
    from watermaster.runtime.topic_records import parse_range
    from watermaster.wiring.check import check_topic

    ranges = [parse_range(text) for text in source.ranges]
    start = parse_start(source.start)
    cluster, registry = source.choice.require()
    return check_topic(cluster, topic, start, ranges, checks, now_ms, progress=progress, registry=registry)
