"""The ledger of an adopted quarantine, for people and for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watermaster.cli.output import OutputFormat, say, show_json, show_table

if TYPE_CHECKING:
    from watermaster.quarantine.letter_balance import LetterBalance


def show_letters(topic: str, balance: LetterBalance, output: OutputFormat) -> None:
    """What lies there, what became of it, and how much is gone at most."""
    if output is OutputFormat.JSON:
        show_json(letters_document(topic, balance))
        return
    from watermaster.quarantine.lifecycle import State

    states = (State.OPEN, State.FIXED, State.REPLAYED, State.DISCARDED)
    rows = [
        (terms.stream, terms.holder or None, sum(row.values()), *(row[state] for state in states))
        for terms, row in sorted(balance.rows.items())
    ]
    columns = ("source", "given up by", "letters", "= open", "+ fixed", "+ replayed", "+ discarded")
    show_table(f"The letters on {topic}", columns, rows)
    others = (("unread", balance.unread), ("doubles", balance.doubles), ("clashes", balance.clashes))
    told = ", ".join(f"{count} {name}" for name, count in others if count)
    say(f"{balance.records} records lie there: {balance.held} letters" + (f", {told}." if told else "."))
    if balance.deleted_max:
        say(
            f"Up to {balance.deleted_max} are deleted; {_ended(balance)} of those were replayed or discarded before, "
            f"so up to {balance.expired_max} expired."
        )
    for trouble in balance.troubles:
        say(f"{trouble}.")
    if not balance.troubles:
        say("It closes: every letter that lies there is in exactly one state.")


def _ended(balance: LetterBalance) -> int:
    from watermaster.quarantine.lifecycle import State

    return balance.gone[State.REPLAYED] + balance.gone[State.DISCARDED]


def letters_document(topic: str, balance: LetterBalance) -> dict[str, Any]:
    """The same for scripts."""
    return {
        "topic": topic,
        "rows": [
            {"stream": terms.stream, "holder": terms.holder, **{state.value: n for state, n in row.items()}}
            for terms, row in sorted(balance.rows.items())
        ],
        "records": balance.records,
        "letters": balance.held,
        "unread": balance.unread,
        "doubles": balance.doubles,
        "clashes": balance.clashes,
        "deleted_max": balance.deleted_max,
        "expired_max": balance.expired_max,
        "gone": {state.value: count for state, count in balance.gone.items() if count},
        "troubles": balance.troubles,
    }
