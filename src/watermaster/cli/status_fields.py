"""The fields of a stream for a person: null rates and distributions of the newest hour, as a table with small bars."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watermaster.cli.output import OutputFormat, say, share, show_json, show_table

if TYPE_CHECKING:
    from watermaster.monitor.field_table import FieldRow, Spread
    from watermaster.runtime.profiles import StreamFields

FIELDS_SHOWN: Final = 60
BARS_MAX: Final = 16
"""Of one distribution; more of them are joined."""

_LEVELS: Final = " ▁▂▃▄▅▆▇█"


def show_fields(config: Path, cluster: str | None, stream: str, output: OutputFormat) -> int:
    """Show the newest hour that was sampled. Exit code 1 if fields have changed in it."""
    from watermaster.cli.errors import ExitCode
    from watermaster.runtime.profiles import fields_of
    from watermaster.wiring.incidents import open_profiles

    clusters, store = open_profiles(config, cluster, stream)
    now_ms = int(time.time() * 1000)
    found = [fields for name in clusters if (fields := fields_of(store, name, stream, now_ms)) is not None]
    if output is OutputFormat.JSON:
        show_json({"stream": stream, "clusters": found})
    elif not found:
        say(f"Nothing is known yet of the fields of {stream}: `watermaster monitor` samples them hour by hour.")
    for fields in found if output is OutputFormat.TABLE else ():
        _show(fields)
    return ExitCode.FINDINGS if any(fields.changes for fields in found) else ExitCode.OK


def _show(fields: StreamFields) -> None:
    moment = time.strftime("%Y-%m-%d %H:00Z", time.gmtime(fields.hour_ms / 1000))
    say(f"{fields.topic} on {fields.cluster}: {fields.records} records sampled in the hour from {moment}")
    if fields.unread:
        say(f"  {fields.unread} records more were no JSON objects")
    rows = [
        (
            row.path,
            share(row.present),
            share(row.null),
            share(row.missing),
            usual_text(row),
            bars(row.by_hour, 1.0, joined=False),
            kinds_text(row),
            values_text(row),
        )
        for row in fields.rows[:FIELDS_SHOWN]
    ]
    columns = ("field", "has a value", "null", "missing", "in the week", "the last 24 hours", "kinds", "values")
    show_table("Fields", columns, rows)
    if len(fields.rows) > FIELDS_SHOWN:
        say(f"  … and {len(fields.rows) - FIELDS_SHOWN} more; --output json has all")
    if fields.changes is None:
        say("  whether anything has changed is not known: too few records, or fewer than 24 hours before it")
    for change in fields.changes or ():
        say(f"  changed: {change.text}")
    say()


def bars(parts: Sequence[float | None], full: float, *, joined: bool) -> str:
    """A bar for each part, as high as its share of `full`; what is unknown is a dot, and only nothing is blank."""
    if joined and len(parts) > BARS_MAX:
        width = -(-len(parts) // BARS_MAX)
        parts = [sum(part or 0 for part in parts[at : at + width]) for at in range(0, len(parts), width)]
        full = max(part or 0 for part in parts)
    return "".join("·" if part is None else _level(part, full) for part in parts)


def _level(part: float, full: float) -> str:
    top = len(_LEVELS) - 1
    return _LEVELS[min(top, max(1, round(part / full * top)))] if part > 0 and full > 0 else _LEVELS[0]


def usual_text(row: FieldRow) -> str | None:
    """In how large a part of the records it had a value, from hour to hour of the week."""
    if row.usual is None:
        return None
    least, most = (f"{part:.0%}" for part in row.usual)
    return least if least == most else f"{least}–{most}"


def kinds_text(row: FieldRow) -> str:
    """The kinds of its values, the most frequent first."""
    total = sum(count for kind, count in row.kinds.items() if kind != "null")
    return ", ".join(
        kind if count == total else f"{kind} {count / total:.0%}"
        for kind, count in row.kinds.items()
        if kind != "null" and total
    )


def values_text(row: FieldRow) -> str:
    """Numbers between their least and largest half power of ten, texts by how many there are and how often each."""
    told = [] if row.numbers is None else [_numbers_text(row.numbers)]
    if row.many:
        told.append("many texts")
    elif row.texts:
        told.append(f"{len(row.texts)} texts {bars(row.texts, row.texts[0], joined=True)}")
    return "; ".join(told)


def _numbers_text(spread: Spread) -> str:
    from watermaster.monitor.profile import power_text

    total = sum(spread.counts) + spread.zeros
    zeros = f"{spread.zeros / total:.0%} zeros " if spread.zeros else ""
    if not spread.counts:
        return zeros.strip()
    drawn = bars(spread.counts, max(spread.counts), joined=True)
    return f"{zeros}{power_text(spread.least)} {drawn} {power_text(spread.least + len(spread.counts))}"
