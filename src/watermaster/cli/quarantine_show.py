"""`quarantine show`: one held record whole, what breaks marked, what the contract restricts masked."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watermaster.cli.index_line import IndexLine, told_beside
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, console, inert, one_line, plain, show_json
from watermaster.cli.quarantine_choice import QuarantineOption, choose_quarantine
from watermaster.cli.quarantine_look import hold_document, moment
from watermaster.cli.quarantine_options import StreamOption, WhyOption
from watermaster.cli.quarantine_unmasked import UnmaskOption
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.contract.checks import Checks
    from watermaster.quarantine.held import OriginalRecord
    from watermaster.quarantine.lifecycle import Hold
    from watermaster.runtime.hold_survey import Surveyed

_HEADERS_SHOWN: Final = 50
_BYTES_SHOWN: Final = 200


def register(app: typer.Typer) -> None:
    """Add the command to those of `quarantine`."""
    app.command("show")(_show)


def _show(
    place: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="Of the source record, as `list` says.")],
    gate: QuarantineOption = None,
    stream: StreamOption = None,
    unmask: UnmaskOption = False,
    why: WhyOption = "",
    config: ConfigOption = Path("watermaster.yaml"),
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Show one held record whole: its state, why it is held, and its value with the fields that break marked.

    Fields that the contract in force classifies as more than internal are masked; then so are key and header values.
    With --unmask they are shown, once it is written down who looks at them and why (see `quarantine unmasked`).
    """
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.quarantine.exhibit import is_guarded
    from watermaster.wiring.hold_index import open_look
    from watermaster.wiring.quarantine import looked_at, open_desk
    from watermaster.wiring.unmasking import in_clear, unmask_one

    partition, offset = _coordinates(place)
    configuration = load_configuration(config)
    chosen = choose_quarantine(configuration, gate)
    with open_desk(configuration, chosen) as desk, open_look(desk, told_beside, IndexLine().show) as look:
        found, checks = look.one(looked_at(desk, stream), partition, offset)
        if unmask and is_guarded(checks):
            unmask_one(desk, found.held, why)
            checks = in_clear(checks)
    if output is OutputFormat.JSON:
        show_json(exhibit_document(found, checks))
    else:
        show_exhibit(found, checks)


def _coordinates(place: str) -> tuple[int, int]:
    partition, _, offset = place.partition(":")
    if not (partition.isdigit() and offset.isdigit()):
        raise UsageFault("WM-USAGE", f"{place!r} is no PARTITION:OFFSET", hint="`quarantine list` shows both.")
    return int(partition), int(offset)


def show_exhibit(found: Surveyed, checks: Checks) -> None:
    """The record for people."""
    from rich.table import Table
    from rich.text import Text

    from watermaster.quarantine.exhibit import exhibit

    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column(overflow="fold")
    for name, text in _facts(found, checks):
        facts.add_row(Text(one_line(name)), Text(one_line(text, length_max=1_000)))
    out = console()
    out.print(facts)
    out.print()
    for line in exhibit(found.record.value, found.held.broken, checks.value) if found.original else ():
        out.print(Text(inert(line.text), "bold yellow" if line.notes else ""), soft_wrap=True)
        for note in line.notes:
            out.print(Text(f"    ▲ {one_line(note)}", "yellow"), soft_wrap=True)


def _facts(found: Surveyed, checks: Checks) -> list[tuple[str, str]]:
    held, hold = found.held, found.hold
    listed = [
        ("source", f"{held.stream}[{held.key.partition}] offset {held.key.offset}"),
        ("held as", f"{held.place} offset {held.place_offset}"),
        ("landed", moment(held.landed_ms) or "-"),
        ("state", _state(hold)),
        ("held under", f"{held.contract or '-'}, activation {held.activation or '-'}"),
        *(("breaks", f"{rule.rule} at {rule.path}: {rule.message}") for rule in held.broken),
    ]
    if held.failure is not None:
        listed.append(("failed in", " · ".join((held.failure.stage, *held.failure.types, *held.failure.frames))))
    if held.reference is not None:
        listed.append(("not carried", held.reference.reason))
    listed.append(("sizes", f"key {held.key_bytes}, value {held.value_bytes} bytes, {held.header_count} headers"))
    if found.original is not None:
        listed += _key_and_headers(found.original, checks)
    return listed


def _key_and_headers(original: OriginalRecord, checks: Checks) -> list[tuple[str, str]]:
    from watermaster.quarantine.exhibit import MASK, is_guarded

    guarded = is_guarded(checks)
    shown = [("key", MASK if guarded else _text(original.key))]
    for name, value in original.headers[:_HEADERS_SHOWN]:
        shown.append((f"header {name}", MASK if guarded else _text(value)))
    more = len(original.headers) - _HEADERS_SHOWN
    return [*shown, ("headers", f"{more} more")] if more > 0 else shown


def _state(hold: Hold) -> str:
    if hold.by is None or hold.step is None:
        return hold.state.value
    words = [f"{hold.state.value} ({hold.step.value} by {hold.by.principal}, {hold.by.system_user}"]
    words += [f", approved by {hold.by.approved_by}"] if hold.by.approved_by else []
    words += [f", {moment(hold.at_ms)}): {hold.why}" if hold.why else f", {moment(hold.at_ms)})"]
    return "".join(words) + (f"; replays tried: {hold.attempt}" if hold.attempt else "")


def exhibit_document(found: Surveyed, checks: Checks) -> dict[str, Any]:
    """The record for scripts. Bytes, as base64, only where the contract restricts nothing."""
    from watermaster.quarantine.exhibit import exhibit, is_guarded

    document = hold_document(found.held, found.hold)
    original = found.original
    if original is None:
        return {**document, "lines": None, "record": None}
    lines = exhibit(original.value, found.held.broken, checks.value)
    document["lines"] = plain(lines)
    document["record"] = None
    if not is_guarded(checks):
        document["record"] = {
            "key": _base64(original.key),
            "value": _base64(original.value),
            "headers": [[name, _base64(value)] for name, value in original.headers],
            "timestamp_ms": original.timestamp_ms,
        }
    return document


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _text(data: bytes | None) -> str:
    if data is None:
        return "null"
    return data[:_BYTES_SHOWN].decode(errors="backslashreplace") + ("…" if len(data) > _BYTES_SHOWN else "")
