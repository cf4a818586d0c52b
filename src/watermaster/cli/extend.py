"""`watermaster extend`: keep unread records for longer, and put the retention back afterwards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watermaster.cli.environment import EnvironmentOption, name_environment
from watermaster.cli.errors import ExitCode
from watermaster.cli.output import (
    ClusterOption,
    ConfigOption,
    OutputFormat,
    OutputOption,
    data_size,
    duration,
    say,
    show_json,
)
from watermaster.stream.fault import Fault, UsageFault

if TYPE_CHECKING:
    from watermaster.monitor.extension import Extension
    from watermaster.runtime.extend import Restoration
    from watermaster.wiring.extending import Extender

_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION: Final = re.compile(r"([1-9][0-9]{0,8})([smhd])")


def register(app: typer.Typer) -> None:
    """Add `extend`."""
    app.command("extend")(_extend)


def _extend(
    topics: Annotated[
        list[str] | None,
        typer.Argument(metavar="TOPIC", help="Not given: where a loss comes sooner than --for."),
    ] = None,
    wanted: Annotated[
        str, typer.Option("--for", help="For how long nothing unread shall be lost from now on: 90s, 30m, 24h, 7d.")
    ] = "24h",
    restore: Annotated[bool, typer.Option("--restore", help="Put the retention back as it was before.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Change the topics; without this only the plan.")] = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = Path("watermaster.yaml"),
    cluster: ClusterOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Raise retention.ms and retention.bytes so that no group loses what it has not read yet.

    What the settings were is noted in the state directory before they are changed, and `extend --restore` puts them
    back, also after a crash in between. Settings that somebody else has changed since are left alone.
    """
    from watermaster.wiring.extending import Extender

    wanted_ms = parse_duration(wanted)
    extender = Extender(config, cluster)
    if restore:
        return _restore(extender, topics or (), environment, output, yes=yes)
    extensions = extender.plan(topics or (), wanted_ms)
    changes = [each for each in extensions if each.settings]
    if yes:
        name_environment(extender.cluster, environment, [_sentence(each) for each in changes])
    outcomes = {each.topic: extender.apply(each) for each in changes} if yes else {}
    if output is OutputFormat.JSON:
        show_json([{"extension": each, **_told(each.topic, outcomes, yes=yes)} for each in extensions])
    else:
        _show(extensions, outcomes, wanted_ms, yes=yes)
    return ExitCode.FINDINGS if any(outcomes.values()) else ExitCode.OK


def parse_duration(text: str) -> int:
    """Milliseconds of `90s`, `30m`, `24h` or `7d`. Raises UsageFault WM-DURATION."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise UsageFault("WM-DURATION", f"{text} is no length of time.", hint="Write 90s, 30m, 24h or 7d.")
    return int(match[1]) * _UNITS_MS[match[2]]


def _told(topic: str, outcomes: dict[str, Fault | None], *, yes: bool) -> dict[str, object]:
    fault = outcomes.get(topic)
    return {"applied": yes and topic in outcomes and fault is None, "failed": str(fault) if fault else None}


def _sentence(extension: Extension) -> str:
    from watermaster.monitor.extension import RETENTION_BYTES, RETENTION_MS

    parts = []
    if RETENTION_MS in extension.settings:
        parts.append(f"age {duration(extension.before.time_ms)} -> {duration(extension.settings[RETENTION_MS])}")
    if RETENTION_BYTES in extension.settings:
        before, after = extension.before.size_bytes, extension.settings[RETENTION_BYTES]
        parts.append(f"size of a partition {data_size(before)} -> {data_size(after)}")
    return f"{extension.topic}: {', '.join(parts)}"


def _show(extensions: tuple[Extension, ...], outcomes: dict[str, Fault | None], wanted_ms: int, *, yes: bool) -> None:
    for extension in extensions:
        if not extension.settings:
            say(f"{extension.topic} keeps what is unread for {duration(wanted_ms)} already")
            continue
        fault = outcomes.get(extension.topic)
        done = "" if not yes else "done: " if fault is None else "FAILED: "
        say(f"{done}{_sentence(extension)}")
        if fault is not None:
            say(f"  {fault}\n  {fault.hint}")
        more = "cannot be said" if extension.disk_bytes_max is None else f"up to {data_size(extension.disk_bytes_max)}"
        say(f"  more on the disks of all copies: {more}; free space cannot be seen from here, so look at the brokers'")
        if extension.assumed:
            say("  not all that is unread could be seen, so the whole time is added to what is kept now")
    if not extensions:
        say(f"Nothing unread is lost within {duration(wanted_ms)}, as far as can be seen.")
    elif not yes and any(each.settings for each in extensions):
        say("Add --yes to do it; afterwards `watermaster extend --restore` puts it back.")


def _restore(
    extender: Extender, topics: list[str] | tuple[str, ...], environment: str | None, output: OutputFormat, *, yes: bool
) -> int:
    from watermaster.runtime.extend import Outcome

    restorations = extender.plan_restorations(topics)
    if yes:
        name_environment(extender.cluster, environment, [_put_back(each) for each in restorations])
    outcomes = {each.note.topic: extender.restore(each) for each in restorations} if yes else {}
    if output is OutputFormat.JSON:
        show_json([{"restoration": each, **_told(each.note.topic, outcomes, yes=yes)} for each in restorations])
    else:
        _show_restorations(restorations, outcomes, yes=yes)
    stuck = any(each.outcome is Outcome.CHANGED_SINCE for each in restorations)
    return ExitCode.FINDINGS if stuck or any(outcomes.values()) else ExitCode.OK


def _put_back(restoration: Restoration) -> str:
    if not restoration.settings:
        return f"{restoration.note.topic}: {restoration.outcome.value}"
    values = ", ".join(f"{key} {value or 'as the brokers have it'}" for key, value in restoration.settings.items())
    return f"{restoration.note.topic}: {values}"


def _show_restorations(restorations: tuple[Restoration, ...], outcomes: dict[str, Fault | None], *, yes: bool) -> None:
    from watermaster.runtime.extend import Outcome

    for restoration in restorations:
        fault = outcomes.get(restoration.note.topic)
        done = "FAILED: " if fault else "done: " if yes and restoration.outcome is not Outcome.CHANGED_SINCE else ""
        say(f"{done}{_put_back(restoration)}")
        if fault is not None:
            say(f"  {fault}\n  {fault.hint}")
        if restoration.outcome is Outcome.CHANGED_SINCE:
            say("  Nothing was changed: set its retention by hand, then run this again.")
    if not restorations:
        say("Nothing was extended from here.")
    elif not yes:
        say("Add --yes to do it.")
