"""`quarantine groups`, `list` and `ledger`: what is held and what became of it. Reads only."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watermaster.cli.errors import ExitCode
from watermaster.cli.index_line import IndexLine, told_beside
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, duration, say, show_json, show_table
from watermaster.cli.quarantine_choice import QuarantineOption, choose_quarantine
from watermaster.cli.quarantine_options import (
    ContractOption,
    GroupsOption,
    OffsetsOption,
    PartitionsOption,
    RulesOption,
    SinceOption,
    StreamOption,
    UntilOption,
    selection_of,
)
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.quarantine.balance import BalanceRow, Terms
    from watermaster.quarantine.group import GroupTally
    from watermaster.quarantine.held import HeldRecord
    from watermaster.quarantine.lifecycle import Hold
    from watermaster.runtime.hold_horizon import HoldHorizon
    from watermaster.runtime.hold_index_ports import IndexedHold

_PLOT_COLUMNS: Final = 24
_FACET_VALUES: Final = 3
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
StateOption = Annotated[
    list[str] | None, typer.Option("--state", help="open, fixed, replayed or discarded; repeatable. Open and fixed.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to those of `quarantine`."""
    app.command("groups")(_groups)
    app.command("list")(_list)
    app.command("ledger")(_ledger)


def _groups(
    gate: QuarantineOption = None,
    stream: StreamOption = None,
    rule: RulesOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    state: StateOption = None,
    config: ConfigOption = Path("watermaster.yaml"),
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Show held records by what makes their failures the same: twelve problems, not forty thousand records."""
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.wiring.hold_index import open_look
    from watermaster.wiring.quarantine import looked_at, open_desk

    selection = selection_of(rules=rule, since=since, until=until, states=states_of(state))
    configuration = load_configuration(config)
    chosen = choose_quarantine(configuration, gate)
    with open_desk(configuration, chosen) as desk, open_look(desk, told_beside, IndexLine().show) as look:
        found = look.groups(looked_at(desk, stream), selection)
        oldest = found.oldest
        horizons = [oldest.horizon(topic, desk.reader.settings(topic)) for topic in sorted(oldest.counts)]
        now_ms = desk.clock.now_ms()
    if output is OutputFormat.JSON:
        groups = [group_document(tally) for tally in found.tallies]
        show_json({"groups": groups, "horizons": horizons, "from_index": look.has_index})
        return
    show_groups(found.tallies)
    for horizon in horizons:
        say(horizon_sentence(horizon, now_ms))
    if found.unread:
        say(f"{found.unread} records there follow no known dead-letter convention.")
    if found.repeated:
        say(f"{found.repeated} letters repeat the coordinates of one that is counted.")


def show_groups(tallies: list[GroupTally]) -> None:
    """Groups for people, the largest first."""
    from watermaster.quarantine.group import plot

    rows = [
        (
            tally.fingerprint[:8],
            tally.count,
            plot(tally.timeline.columns(_PLOT_COLUMNS)),
            moment(tally.first_ms),
            moment(tally.last_ms),
            tally.stream,
            tally.title,
        )
        for tally in tallies
    ]
    show_table("Held records by group", ("group", "records", "over time", "first", "last", "stream", "what"), rows)
    for tally in tallies[:_FACET_VALUES]:
        facets = [
            f"{name}: " + ", ".join(f"{value} {count}" for value, count in counts.top(_FACET_VALUES))
            for name, counts in tally.facets.items()
            if counts.counts and name != "contract"
        ]
        if facets:
            say(f"{tally.fingerprint[:8]}  " + " · ".join(facets))


def horizon_sentence(horizon: HoldHorizon, now_ms: int) -> str:
    """Until when the bytes are there, for people; what is near is a warning."""
    word = "WARNING: " if horizon.is_near(now_ms) else ""
    if not horizon.known:
        return f"{word}{horizon.topic}: nobody can say until when the {horizon.open} open records are kept."
    size = "; by size it may delete them at any time" if horizon.by_size else ""
    if horizon.at_ms is None:
        return f"{word}{horizon.topic}: retention by age deletes nothing{size}."
    left = duration(max(0, horizon.at_ms - now_ms))
    return f"{word}{horizon.topic}: retention deletes none of the {horizon.open} open records for {left}{size}."


def group_document(tally: GroupTally) -> dict[str, Any]:
    """A group for scripts."""
    return {
        "group": tally.fingerprint,
        "stream": tally.stream,
        "title": tally.title,
        "records": tally.count,
        "first_ms": tally.first_ms,
        "last_ms": tally.last_ms,
        "bucket_ms": tally.timeline.width_ms,
        "over_time": {str(start): count for start, count in sorted(tally.timeline.counts.items())},
        "facets": {name: dict(counts.counts) for name, counts in tally.facets.items()},
        "typical": None
        if tally.typical is None
        else {"partition": tally.typical.key.partition, "offset": tally.typical.key.offset},
    }


def _list(
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
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Records on one page.")] = 50,
    after: Annotated[str, typer.Option(help="Go on behind the last page, as it says.")] = "",
    config: ConfigOption = Path("watermaster.yaml"),
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """List held records, a page at a time, stream by stream and in the order in which they were held."""
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.wiring.hold_index import open_look
    from watermaster.wiring.quarantine import looked_at, open_desk

    selection = selection_of(group, rule, partition, offset, contract, since, until, states_of(state))
    configuration = load_configuration(config)
    chosen = choose_quarantine(configuration, gate)
    with open_desk(configuration, chosen) as desk, open_look(desk, told_beside, IndexLine().show) as look:
        page = look.page(looked_at(desk, stream), selection, _behind(after), limit)
    more = _place(page[-1]) if len(page) == limit else None
    if output is OutputFormat.JSON:
        records = [hold_document(found.held, found.hold) for found in page]
        show_json({"records": records, "after": more, "from_index": look.has_index})
        return
    show_table("Held records", _LIST_COLUMNS, [_list_row(found) for found in page])
    if more:
        say(f"There may be more: --after {more}")


_LIST_COLUMNS: Final = ("stream", "partition", "offset", "landed", "state", "attempt", "group", "breaks")


def _list_row(found: IndexedHold) -> tuple[object, ...]:
    from watermaster.quarantine.fingerprint import fingerprint

    held, hold = found.held, found.hold
    broken = ", ".join(rule.rule for rule in held.broken) or ", ".join(held.failure.types if held.failure else ())
    return (
        held.stream,
        held.key.partition,
        held.key.offset,
        moment(held.landed_ms),
        hold.state.value,
        hold.attempt,
        fingerprint(held)[:8],
        broken,
    )


def hold_document(held: HeldRecord, hold: Hold) -> dict[str, Any]:
    """One held record's facts for scripts; no value of it."""
    from watermaster.cli.output import plain
    from watermaster.quarantine.fingerprint import fingerprint

    facts = plain(held)
    del facts["key"]
    return {
        **facts,
        "coordinates": plain(held.key),
        "group": fingerprint(held),
        "hold": plain(hold),
    }


def _place(found: IndexedHold) -> str:
    place = found.held.place
    return f"{place.topic}:{place.partition}:{found.held.place_offset}"


def _behind(after: str) -> tuple[str, int, int] | None:
    if not after:
        return None
    topic, partition, offset = ([*after.split(":"), "", ""])[:3]
    if not (partition.isdigit() and offset.isdigit()):
        raise UsageFault("WM-USAGE", "--after is not what a page said", hint="Copy it from the end of the last page.")
    return topic, int(partition), int(offset)


def _ledger(
    gate: QuarantineOption = None,
    stream: StreamOption = None,
    config: ConfigOption = Path("watermaster.yaml"),
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Show the equation by stream, contract, activation and day: does every record have exactly one end?

    in = passed + dropped + open + fixed + replayed + discarded + expired. Exit code 1 if a term does not close. Of an
    adopted quarantine, whose writer keeps no ledger: what lies there, what became of it, and how much is gone at most.
    """
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.cli.quarantine_letters import show_letters
    from watermaster.runtime.configuration import QuarantineConfiguration
    from watermaster.runtime.hold_ledger import read_balance
    from watermaster.runtime.letter_ledger import read_letter_balance
    from watermaster.wiring.quarantine import choose_streams, open_desk

    configuration = load_configuration(config)
    with open_desk(configuration, choose_quarantine(configuration, gate)) as desk:
        if isinstance(desk.gate, QuarantineConfiguration):
            letters = read_letter_balance(desk.reader, desk.gate, desk.survey(), time.sleep)
            show_letters(desk.gate.topic, letters, output)
            return ExitCode.FINDINGS if letters.troubles else ExitCode.OK
        streams = choose_streams(desk.gate, stream)
        balance = read_balance(desk.reader, desk.gate, streams, desk.survey(), time.sleep)
    rows = list(balance.rows())
    if output is OutputFormat.JSON:
        show_json([balance_document(terms, row) for terms, row in rows])
    else:
        show_balance(rows)
    return ExitCode.OK if all(row.closes for _, row in rows) else ExitCode.FINDINGS


_BALANCE_COLUMNS: Final = (
    "stream", "contract", "activation", "day", "in", "= passed", "+ dropped", "+ open", "+ fixed", "+ replayed",
    "+ discarded", "+ expired", "closes",
)  # fmt: skip


def show_balance(rows: list[tuple[Terms, BalanceRow]]) -> None:
    """The equation for people."""
    from watermaster.quarantine.lifecycle import State

    states = (State.OPEN, State.FIXED, State.REPLAYED, State.DISCARDED, State.EXPIRED)
    cells = [
        (
            terms.stream,
            terms.contract[:19],
            terms.activation,
            _day(terms.day),
            row.read,
            row.passed,
            row.dropped,
            *(row.states[state] for state in states),
            row.closes,
        )
        for terms, row in rows
    ]
    show_table("The ledger of held records", _BALANCE_COLUMNS, cells)
    for terms, row in rows:
        if row.trouble:
            say(f"{terms.stream}, activation {terms.activation}, {_day(terms.day)}: {row.trouble}.")
    if all(row.closes for _, row in rows):
        say("The ledger closes: every record has exactly one end.")


def balance_document(terms: Terms, row: BalanceRow) -> dict[str, Any]:
    """A row for scripts."""
    return {
        "stream": terms.stream,
        "contract": terms.contract,
        "activation": terms.activation,
        "day": _day(terms.day),
        "in": row.read,
        "passed": row.passed,
        "dropped": row.dropped,
        "held": row.held,
        **{state.value: count for state, count in row.states.items()},
        "missing": row.missing,
        "closes": row.closes,
        "trouble": row.trouble,
    }


def _day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def moment(at_ms: int) -> str | None:
    """A time for people, in UTC; None where it is not known."""
    if at_ms < 0:
        return None
    try:
        return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    except OverflowError:
        return str(at_ms)


def states_of(named: list[str] | None) -> tuple[str, ...]:
    """The states that `--state` names; what can still be acted upon without it. Raises UsageFault."""
    from watermaster.quarantine.lifecycle import State

    known = [state.value for state in State]
    for name in named or ():
        if name not in known:
            raise UsageFault("WM-USAGE", f"there is no state {name!r}", hint=f"Use {', '.join(known)}.")
    return tuple(named or (State.OPEN.value, State.FIXED.value))
