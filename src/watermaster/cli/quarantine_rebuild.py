"""`quarantine adopt --rebuild`: the index of held records, made anew from the topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watermaster.cli.index_line import IndexLine
from watermaster.cli.output import OutputFormat, say, show_json, show_table
from watermaster.cli.quarantine_choice import choose_quarantine
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import Configuration


def rebuild_named(configuration: Configuration, name: str, output: OutputFormat, *, is_alone: bool) -> None:
    """Of the gate or quarantine of this name or topic, or of the only one. It changes nothing on the cluster.

    Raises UsageFault for a name that is not configured, and unless it `is_alone`: what is adopted is adopted first.
    """
    from watermaster.wiring.hold_index import rebuild_index
    from watermaster.wiring.quarantine import open_desk

    if not is_alone:
        raise UsageFault(
            "WM-USAGE",
            "--rebuild goes with no other wish",
            hint="Adopt the topic first; `quarantine adopt NAME --rebuild` then makes its index.",
        )
    by_topic = [adopted.name for adopted in configuration.quarantines.values() if adopted.topic == name]
    chosen = choose_quarantine(configuration, by_topic[0] if len(by_topic) == 1 else name or None)
    with open_desk(configuration, chosen) as desk:
        rebuilt = rebuild_index(desk, IndexLine().show)
    if output is OutputFormat.JSON:
        show_json(rebuilt)
        return
    show_table(f"The index of {rebuilt.name}", ("quarantine topic", "records"), list(rebuilt.records.items()))
    say(f"Made anew in {rebuilt.seconds:.1f} s; `groups`, `list` and `show` answer from it, and keep it up.")
