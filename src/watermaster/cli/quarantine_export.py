"""`quarantine export`: held records as a file for other tools, masked as the contract says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, say, show_json
from watermaster.cli.quarantine_choice import QuarantineOption, choose_quarantine
from watermaster.cli.quarantine_look import StateOption, states_of
from watermaster.cli.quarantine_options import (
    ContractOption,
    GroupsOption,
    OffsetsOption,
    PartitionsOption,
    RulesOption,
    SinceOption,
    StreamOption,
    UntilOption,
    WhyOption,
    selection_of,
)
from watermaster.cli.quarantine_unmasked import UnmaskOption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watermaster.contract.checks import Checks
    from watermaster.runtime.hold_survey import Surveyed

_TEXTS: Final = "VARCHAR[]"
COLUMNS: Final = {
    "stream": "VARCHAR", "partition": "INTEGER", "offset": "BIGINT", "landed_ms": "BIGINT", "state": "VARCHAR",
    "attempt": "INTEGER", "group": "VARCHAR", "contract": "VARCHAR", "activation": "BIGINT", "rules": _TEXTS,
    "paths": _TEXTS, "carried": "BOOLEAN", "masked": "BOOLEAN", "key": "VARCHAR", "key_encoding": "VARCHAR",
    "value": "VARCHAR", "value_encoding": "VARCHAR",
    "headers": "STRUCT(name VARCHAR, value VARCHAR, encoding VARCHAR)[]",
}  # fmt: skip
"""DuckDB's types of the columns of `quarantine.export_row.ExportRow`."""


def register(app: typer.Typer) -> None:
    """Add the command to those of `quarantine`."""
    app.command("export")(_export)


def _export(
    file: Annotated[Path, typer.Argument(help="The file to make: *.jsonl or *.parquet. Only its owner may read it.")],
    gate: QuarantineOption = None,
    stream: StreamOption = None,
    group: GroupsOption = None,
    rule: RulesOption = None,
    partition: PartitionsOption = None,
    offset: OffsetsOption = None,
    contract: ContractOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    state: StateOption = None,
    unmask: UnmaskOption = False,
    why: WhyOption = "",
    config: ConfigOption = Path("watermaster.yaml"),
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Write held records into a file, a row each, with what they break and what became of them.

    Keys, values and headers are texts where they are UTF-8, else base64. Where the contract in force classifies any
    field as more than internal, such fields are masked in the value, and key and headers are left out. With --unmask
    they are written too, once it is written down who does so and why (see `quarantine unmasked`).
    """
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.adapters.records.export_file import export_file
    from watermaster.quarantine.export_row import export_row
    from watermaster.wiring.quarantine import looked_at, open_desk, walk_checked
    from watermaster.wiring.unmasking import in_clear, unmask_many

    selection = selection_of(group, rule, partition, offset, contract, since, until, states_of(state))
    configuration = load_configuration(config)
    with export_file(file, COLUMNS) as rows, open_desk(configuration, choose_quarantine(configuration, gate)) as desk:
        streams = looked_at(desk, stream)
        if unmask:
            selection = unmask_many(desk, streams, selection, why)
        for found, checks in _watched(walk_checked(desk, streams, selection)):
            rows.write(export_row(found.held, found.hold, found.original, in_clear(checks) if unmask else checks))
    if output is OutputFormat.JSON:
        show_json({"file": str(file), "records": rows.count})
    else:
        say(f"{rows.count:,} held records are in {file}.")


def _watched(walk: Iterable[tuple[Surveyed, Checks]]) -> Iterator[tuple[Surveyed, Checks]]:
    """With a count on standard error while a person watches."""
    if not sys.stderr.isatty():
        yield from walk
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns: tuple[Any, ...] = (SpinnerColumn(), TextColumn("{task.completed:,.0f} records"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("export", total=None)
        for found in walk:
            yield found
            bar.advance(task)
