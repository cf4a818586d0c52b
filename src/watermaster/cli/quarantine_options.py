"""Options that several verbs of `quarantine` share: which records are meant, and what a person says to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.quarantine.selection import Selection

StreamOption = Annotated[
    str | None, typer.Option("--stream", help="Only this stream, by its landing, trusted or quarantine topic.")
]
GroupsOption = Annotated[
    list[str] | None, typer.Option("--group", help="Only this group (a fingerprint or its beginning); repeatable.")
]
RulesOption = Annotated[list[str] | None, typer.Option("--rule", help="Only records that break this rule; repeatable.")]
PartitionsOption = Annotated[list[int] | None, typer.Option("--partition", help="Only this source partition.")]
OffsetsOption = Annotated[list[int] | None, typer.Option("--offset", help="Only this source offset; repeatable.")]
ContractOption = Annotated[str, typer.Option("--contract", help="Only what this contract held (a hash's beginning).")]
SinceOption = Annotated[str | None, typer.Option("--since", help="Only source records from this time on (ISO 8601).")]
UntilOption = Annotated[str | None, typer.Option("--until", help="Only source records before this time (ISO 8601).")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, for the record.")]


def selection_of(
    groups: list[str] | None = None,
    rules: list[str] | None = None,
    partitions: list[int] | None = None,
    offsets: list[int] | None = None,
    contract: str = "",
    since: str | None = None,
    until: str | None = None,
    states: tuple[str, ...] = (),
) -> Selection:
    """The selection that the options describe. Raises UsageFault for a time that cannot be read."""
    from watermaster.quarantine.lifecycle import State
    from watermaster.quarantine.selection import Selection

    return Selection(
        groups=tuple(groups or ()),
        rules=tuple(rules or ()),
        partitions=tuple(partitions or ()),
        offsets=tuple(offsets or ()),
        contract=contract,
        since_ms=_moment_ms(since),
        until_ms=_moment_ms(until),
        states=tuple(State(state) for state in states),
    )


def _moment_ms(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageFault(
            "WM-QUARANTINE-TIME", "a time is not in ISO 8601", hint="For instance 2025-03-01T12:00:00Z."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
